//! Preconditions on writes: what holds is done, what fails is 412 and changes nothing.

use serde_json::{Value, json};

use super::target::Target;
use super::{Condition, STALE, Verdict, conditions, well_formed};
use crate::support::documents::{described, full_service, service, with};
use crate::support::{Answer, Client, Server};

const WEB: &str = "/conf/prod/backend-services/web";

/// What follows the resource's path, and what is sent there.
struct Write {
    method: &'static str,
    suffix: &'static str,
    body: Option<Value>,
}

impl Write {
    fn new(method: &'static str, suffix: &'static str, body: impl Into<Option<Value>>) -> Self {
        Self { method, suffix, body: body.into() }
    }

    #[track_caller]
    fn send(&self, client: &Client, target: &Target, condition: &Condition) -> Answer {
        let path = target.path.clone() + &self.suffix.replace("{old}", &target.old);
        let request = condition.on(client.request(self.method, &path));
        match &self.body {
            Some(body) => request.json(body).send(),
            None => request.send(),
        }
    }
}

/// Tries each write under each precondition, each time on a new resource.
#[track_caller]
fn assert_preconditions_rule(make: fn(&Client, &str) -> Target, writes: impl Fn(&str) -> Vec<Write>) {
    let server = Server::start();
    let client = server.client();
    for number in 0..writes("").len() {
        for (row, template) in conditions(STALE).iter().enumerate() {
            let name = format!("x{number}-{row}");
            let target = make(&client, &name);
            let before = client.get(&target.path).expect(200);
            let condition = &conditions(&before.etag())[row];
            assert_eq!(condition.verdict, template.verdict, "the rows stay the same rows");

            let answer = writes(&name)[number].send(&client, &target, condition);
            let status = match condition.verdict {
                Verdict::Holds => 200,
                Verdict::Fails => 412,
                Verdict::Malformed => 400,
            };
            assert_eq!(answer.status, status, "{condition:?}\n{answer:?}");
            let after = client.request("GET", &target.path).send();
            if status == 200 {
                assert_ne!(
                    after.header("etag"),
                    Some(before.etag().as_str()),
                    "the write was done:\n{answer:?}"
                );
            } else {
                assert_eq!(after.etag(), before.etag(), "the write was not done:\n{answer:?}");
                assert_eq!(answer.version(), before.version(), "a refusal names the commit that stands");
                answer.expect_error(status);
            }
        }
    }
    server.git().fsck();
}

#[test]
fn writes_to_an_entry_obey_every_form_of_precondition() {
    assert_preconditions_rule(Target::entry, |name| {
        vec![
            Write::new("PUT", "", described(name, "newest")),
            Write::new("DELETE", "", None),
            Write::new("PUT", "/versions/{old}/revert", None),
        ]
    });
}

#[test]
fn writes_to_a_set_obey_every_form_of_precondition() {
    assert_preconditions_rule(Target::set, |_| {
        vec![
            Write::new("PUT", "", json!([service("c")])),
            Write::new("PUT", "?mode=merge", json!([service("c")])),
            Write::new("DELETE", "", None),
            Write::new("PUT", "/versions/{old}/revert", None),
        ]
    });
}

#[test]
fn writes_to_a_configuration_obey_every_form_of_precondition() {
    assert_preconditions_rule(Target::configuration, |_| {
        vec![
            Write::new("PUT", "", json!({"description": "newest"})),
            Write::new("DELETE", "", None),
            Write::new("PUT", "/versions/{old}/revert", None),
        ]
    });
}

#[test]
fn writes_to_what_is_absent_are_404_before_412() {
    let server = Server::start();
    let client = server.client();
    let before = server.git().refs();
    let writes = [
        ("PUT", WEB, Some(service("web"))),
        ("DELETE", WEB, None),
        ("PUT", "/conf/configs/nowhere", Some(json!({"description": ""}))),
        ("DELETE", "/conf/configs/nowhere", None),
        ("PUT", "/conf/nowhere/backend-services", Some(json!([]))),
        ("POST", "/conf/nowhere/backend-services/web", Some(service("web"))),
    ];
    for (method, path, body) in writes {
        for condition in well_formed(STALE) {
            let request = condition.on(client.request(method, path));
            let answer = if let Some(body) = &body { request.json(body).send() } else { request.send() };
            assert_eq!(answer.status, 404, "{condition:?}\n{answer:?}");
        }
    }
    client.request("PUT", WEB).if_match(STALE).body("{").send().expect_error(404);
    assert_eq!(server.git().refs(), before);
}

#[test]
fn a_stale_tag_is_412_even_when_the_body_is_bad() {
    let server = Server::start();
    let client = server.client();
    let entry = Target::entry(&client, "web").path;
    let set = Target::set(&client, "full").path;
    let configuration = Target::configuration(&client, "staging").path;
    let before = server.git().refs();
    for path in [entry, set, configuration] {
        let current = client.get(&path).etag();
        let bad: [(&[u8], u16); 4] =
            [(b"{", 400), (b"", 400), (b"\"text\"", 422), (b"[{\"colour\": 1}]", 422)];
        for (body, status) in bad {
            let put = |tag: &str| client.request("PUT", &path).if_match(tag).body(body).send();
            put(STALE).expect_error(412);
            put(&current).expect_error(status);
            client.request("PUT", &path).if_none_match("*").body(body).send().expect_error(412);
        }
    }
    assert_eq!(server.git().refs(), before);
}

#[test]
fn a_write_that_would_change_nothing_is_refused_all_the_same() {
    let server = Server::start();
    let client = server.client();
    client.post(WEB, &full_service("web")).expect(201);
    client.request("PUT", WEB).if_match(STALE).json(&full_service("web")).send().expect_error(412);
    let current = client.get(WEB).etag();
    client.request("PUT", WEB).if_match(&current).json(&full_service("web")).send().expect(200);
}

#[test]
fn the_tag_that_a_write_answers_with_is_good_for_the_next_one() {
    let server = Server::start();
    let client = server.client();
    let mut tag = client.post(WEB, &full_service("web")).expect(201).etag();
    for step in 0..5 {
        let body = with(full_service("web"), "description", format!("step {step}"));
        let answer = client.request("PUT", WEB).if_match(&tag).json(&body).send().expect(200);
        client.request("PUT", WEB).if_match(&tag).json(&full_service("web")).send().expect_error(412);
        tag = answer.etag();
    }
    assert_eq!(server.git().log_with(&["prod", "--", "backend-services/web.json"]).len(), 6);
}
