//! Preconditions on `GET` and `HEAD`.

use super::{STALE, Verdict, conditions, well_formed};
use crate::support::documents::{described, service};
use crate::support::{Answer, Client, Server};

const SERVICES: &str = "/conf/prod/backend-services";
const WEB: &str = "/conf/prod/backend-services/web";

/// A server where everything that can be read has two versions; the older one's id beside it.
fn server_with_two_versions() -> (Server, String) {
    let server = Server::start();
    let client = server.client();
    let old = client.post(WEB, &service("web")).expect(201).version();
    client.put(WEB, &described("web", "newer")).expect(200);
    (server, old)
}

/// Everything about the configuration `prod` that has an entity tag.
fn readable(old: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for resource in [SERVICES, WEB, "/conf/configs/prod"] {
        paths.push(resource.to_owned());
        paths.push(format!("{resource}/versions"));
        paths.push(format!("{resource}/versions/{old}"));
    }
    paths
}

fn ask(client: &Client, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    headers
        .iter()
        .fold(client.request(method, path), |request, (name, value)| request.header(name, value))
        .send()
}

#[test]
fn reads_obey_every_form_of_precondition() {
    let (server, old) = server_with_two_versions();
    let client = server.client();
    let about_prod = readable(&old);
    let all = about_prod.iter().map(String::as_str).chain(["/conf/configs"]);
    for path in all {
        let plain = client.get(path).expect(200);
        for condition in conditions(&plain.etag()) {
            for method in ["GET", "HEAD"] {
                let answer = condition.on(client.request(method, path)).send();
                let status = match condition.verdict {
                    Verdict::Holds => 200,
                    Verdict::Fails if condition.is_if_match() => 412,
                    Verdict::Fails => 304,
                    Verdict::Malformed => 400,
                };
                assert_eq!(answer.status, status, "{condition:?}\n{answer:?}");
                if matches!(status, 200 | 304) {
                    assert_eq!(answer.etag(), plain.etag(), "{answer:?}");
                }
                // A header that cannot be read is refused before any version is looked at.
                if path != "/conf/configs" && status != 400 {
                    assert_eq!(answer.version(), plain.version(), "every answer about prod names its commit");
                }
                let body_wanted = method == "GET" && status != 304;
                assert_eq!(!answer.body.is_empty(), body_wanted, "{answer:?}");
                if method == "GET" && status >= 400 {
                    answer.expect_error(status);
                }
            }
        }
    }
}

#[test]
fn what_was_read_is_new_again_only_after_a_change() {
    let (server, _) = server_with_two_versions();
    let client = server.client();
    let tag = client.get(WEB).etag();
    client.post(&format!("{SERVICES}/other"), &service("other")).expect(201);
    client.request("GET", WEB).if_none_match(&tag).send().expect(304);
    client.put(WEB, &described("web", "changed")).expect(200);
    let answer = client.request("GET", WEB).if_none_match(&tag).send().expect(200);
    assert_eq!(answer.json(), described("web", "changed"));
    // The same content has the same tag, whenever it was written.
    client.put(WEB, &described("web", "newer")).expect(200);
    client.request("GET", WEB).if_none_match(&tag).send().expect(304);
}

#[test]
fn if_match_is_looked_at_before_if_none_match() {
    let (server, _) = server_with_two_versions();
    let client = server.client();
    let current = client.get(WEB).etag();
    let cases = [
        (current.as_str(), STALE, 200),
        (current.as_str(), current.as_str(), 304),
        (STALE, STALE, 412),
        (STALE, current.as_str(), 412),
    ];
    for (if_match, if_none_match, status) in cases {
        ask(&client, "GET", WEB, &[("If-Match", if_match), ("If-None-Match", if_none_match)]).expect(status);
    }
}

#[test]
fn lists_of_tags_are_read_as_http_lists_are() {
    let (server, _) = server_with_two_versions();
    let client = server.client();
    let current = client.get(WEB).etag();
    let matching = [
        format!("{STALE},{current}"),
        format!("{STALE} ,\t{current}"),
        format!(", ,{current},,"),
        format!("\"a,b\", {current}"),
        format!("\"\", W/\"\", {current}"),
    ];
    for value in matching {
        ask(&client, "GET", WEB, &[("If-None-Match", &value)]).expect(304);
        ask(&client, "GET", WEB, &[("If-Match", &value)]).expect(200);
    }
    // A comma inside a tag is a part of it, not the end of it.
    let inside = format!("\"x,{}", current.trim_start_matches('"'));
    ask(&client, "GET", WEB, &[("If-None-Match", &inside)]).expect(200);
    ask(&client, "GET", WEB, &[("If-Match", &inside)]).expect(412);
}

#[test]
fn a_list_may_be_spread_over_several_headers() {
    let (server, _) = server_with_two_versions();
    let client = server.client();
    let current = client.get(WEB).etag();
    for lines in [[STALE, &current], [&current, STALE]] {
        ask(&client, "GET", WEB, &lines.map(|tag| ("If-None-Match", tag))).expect(304);
        ask(&client, "GET", WEB, &lines.map(|tag| ("If-Match", tag))).expect(200);
    }
}

#[test]
fn what_is_no_list_of_tags_is_refused() {
    let (server, _) = server_with_two_versions();
    let client = server.client();
    let malformed = [
        "x",
        "\"x",
        "x\"",
        "W/x",
        "w/\"x\"",
        "W\"x\"",
        "\"x\" \"y\"",
        "\"x\"y",
        "*, \"x\"",
        "\"x\", *",
        "'x'",
    ];
    for value in malformed {
        for header in ["If-Match", "If-None-Match"] {
            for path in [SERVICES, WEB, "/conf/configs/prod"] {
                ask(&client, "GET", path, &[(header, value)]).expect_error(400);
            }
        }
    }
}

#[test]
fn what_is_absent_is_404_under_every_precondition() {
    let (server, old) = server_with_two_versions();
    let client = server.client();
    let absent = [
        "/conf/prod/backend-services/nobody".to_owned(),
        "/conf/prod/backend-services/nobody/versions".to_owned(),
        format!("/conf/prod/backend-services/nobody/versions/{old}"),
        format!("{SERVICES}/versions/{}", "0".repeat(40)),
        "/conf/nowhere/backend-services".to_owned(),
        "/conf/configs/nowhere".to_owned(),
    ];
    for path in &absent {
        for condition in well_formed(STALE) {
            let answer = condition.on(client.request("GET", path)).send();
            assert_eq!(answer.status, 404, "{condition:?}\n{answer:?}");
        }
    }
}
