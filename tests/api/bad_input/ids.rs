//! Odd ids, in the path and in a body.

use serde_json::{Value, json};

use super::Unmoved;
use crate::support::Server;
use crate::support::documents::{completed_service, encoded, service, with};

const SERVICES: &str = "/conf/prod/backend-services";

/// Path segments that are no id; a server or a client might take some of them for a part of the path.
const NO_IDS: [&str; 14] = [
    "%2e%2e",
    "%2E",
    "a%2Fb",
    "%2F",
    "..%2F..%2Fconfig",
    "a%5Cb",
    "a%00",
    "%0A",
    "a%7Fb",
    "a%C2%85b",
    "%20web",
    "web%20",
    "web%09",
    "a%25b",
];

#[test]
fn what_is_no_id_is_refused_on_writes_that_make_it_and_never_found() {
    let server = Server::start();
    let client = server.client();
    client.post(&format!("{SERVICES}/web"), &service("web")).expect(201);
    let unmoved = Unmoved::watch(&server);
    let too_long = ["x".repeat(257), "%C3%A4".repeat(257)];
    for segment in NO_IDS.into_iter().chain(too_long.iter().map(String::as_str)) {
        let path = format!("{SERVICES}/{segment}");
        for answer in [client.post(&path, &json!({"name": "x"})), client.put(&path, &json!({"name": "x"}))] {
            let faults = answer.clone().expect_error(422).faults();
            assert!(faults.iter().all(|(loc, _)| loc == r#"["path","id"]"#), "{answer:?}");
        }
        client.get(&path).expect_error(404);
        client.delete(&path).expect_error(404);
        client.get(&format!("{path}/versions")).expect_error(404);
    }
    unmoved.verify(&server);
}

#[test]
fn bytes_that_are_no_utf_8_are_no_id() {
    let server = Server::start();
    let client = server.client();
    let unmoved = Unmoved::watch(&server);
    for segment in ["%FF", "%C3", "a%80b", "%ED%A0%80", "%C0%AF"] {
        let path = format!("{SERVICES}/{segment}");
        for (method, body) in [
            ("GET", None),
            ("DELETE", None),
            ("PUT", Some("{\"name\":\"x\"}")),
            ("POST", Some("{\"name\":\"x\"}")),
        ] {
            let request = client.request(method, &path);
            let answer = if let Some(body) = body { request.body(body).send() } else { request.send() };
            assert!(matches!(answer.status, 400 | 404 | 422), "{answer:?}");
        }
    }
    for target in [
        &b"/conf/prod/backend-services/\xff"[..],
        "/conf/prod/backend-services/ä".as_bytes(),
        b"/conf/prod/backend-services/%zz",
    ] {
        let answer =
            client.raw(&[b"GET ", target, b" HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"].concat());
        assert!((400..500).contains(&answer.status), "{answer:?}");
    }
    unmoved.verify(&server);
}

#[test]
fn the_word_versions_is_a_route_and_no_id() {
    let server = Server::start();
    let client = server.client();
    let unmoved = Unmoved::watch(&server);
    let path = format!("{SERVICES}/versions");
    client.post(&path, &json!({"name": "x"})).expect_error(405);
    client.put(&path, &json!({"name": "x"})).expect_error(405);
    client.delete(&path).expect_error(405);
    client.put(SERVICES, &json!([service("versions")])).expect_faults(&[(r#"["body",0,"id"]"#, "format")]);
    unmoved.verify(&server);
}

#[test]
fn an_id_in_a_set_obeys_the_same_rules() {
    let server = Server::start();
    let client = server.client();
    let unmoved = Unmoved::watch(&server);
    let mut cases: Vec<(Value, &str)> = vec![
        (json!(5), "string_type"),
        (json!(null), "string_type"),
        (json!(["a"]), "string_type"),
        (json!(""), "string_too_short"),
        (json!("  "), "string_too_short"),
        (json!("x".repeat(257)), "string_too_long"),
        (json!("ä".repeat(257)), "string_too_long"),
    ];
    let odd = ["versions", ".", "..", "a\u{0}b", "a\nb", "a\u{7f}b", "a\u{85}b"];
    cases.extend(odd.map(|id| (json!(id), "format")));
    cases.extend("/\\*#&+:<>?%".chars().map(|character| (json!(format!("a{character}b")), "format")));
    for (id, kind) in cases {
        let set = json!([service("good"), with(service("x"), "id", id)]);
        client.put(SERVICES, &set).expect_faults(&[(r#"["body",1,"id"]"#, kind)]);
        client.put(&format!("{SERVICES}?mode=merge"), &set).expect_faults(&[(r#"["body",1,"id"]"#, kind)]);
    }
    unmoved.verify(&server);
}

/// Creates an entry for each id, and finds each one again under its own id, also after a restart.
#[track_caller]
fn assert_live_side_by_side(ids: &[&str]) {
    let mut server = Server::start();
    let client = server.client();
    for id in ids {
        client.post(&format!("{SERVICES}/{}", encoded(id)), &service(id)).expect(201);
    }
    server.stop();
    server.start_again();
    let client = server.client();
    assert_eq!(client.get(SERVICES).total(), ids.len() as u64);
    for id in ids {
        let path = format!("{SERVICES}/{}", encoded(id));
        assert_eq!(client.get(&path).expect(200).json(), completed_service(id));
        assert_eq!(client.get(&format!("{path}/versions")).total(), 1, "each has a history of its own");
    }
    let git = server.git();
    assert_eq!(git.ls("prod").len(), ids.len() + 1, "a file each, and config.json: {:?}", git.ls("prod"));
    git.fsck();
    let (_home, clone) = git.clone();
    assert_eq!(clone.ls("HEAD"), git.ls("prod"));

    let (first, rest) = ids.split_first().expect("there are ids");
    client.delete(&format!("{SERVICES}/{}", encoded(first))).expect(200);
    for id in rest {
        client.get(&format!("{SERVICES}/{}", encoded(id))).expect(200);
    }
}

#[test]
fn ids_that_differ_only_in_case_or_spaces_are_different() {
    assert_live_side_by_side(&["web", "Web", "WEB", "w eb", "w  eb", "w\u{a0}eb"]);
}

#[test]
fn ids_that_look_alike_are_different() {
    // The letter ä as one character and as two, and a Cyrillic е.
    assert_live_side_by_side(&["\u{e4}", "a\u{308}", "web", "w\u{435}b"]);
}

#[test]
fn ids_that_are_names_of_files_or_of_gits_own_are_ids() {
    assert_live_side_by_side(&[
        ".git",
        ".gitmodules",
        "HEAD",
        "config.json",
        "web.json",
        "web",
        "...",
        "-",
        "--",
        "CON",
        "~",
        "@{-1}",
        "a^b",
    ]);
}

#[test]
fn an_id_may_have_256_characters_of_any_script() {
    assert_live_side_by_side(&[&"x".repeat(256), &"ä".repeat(256), &"日".repeat(256), &"🦀".repeat(256)]);
}

#[test]
fn long_ids_that_begin_alike_are_different() {
    let start = "x".repeat(250);
    assert_live_side_by_side(&[&format!("{start}1"), &format!("{start}2"), &start]);
}

/// The file of a long id has a shortened name; that name, without `.json`, is itself an id within the rules.
#[test]
fn an_id_that_equals_a_shortened_file_name_takes_nothing_away() {
    let long = "a".repeat(201);
    // 32 hex digits of the SHA-256 of the 201 letters.
    let shortened = format!("{}~a92efd82109373e58f9a2056dee01e80", "a".repeat(120));
    assert_live_side_by_side(&[&long, &shortened]);
    assert_live_side_by_side(&[&shortened, &long]);
    assert_live_side_by_side(&[&shortened, &long, &format!("{shortened}.json"), "~", "a~b"]);
}
