//! The id of an entry: in the path, in the document, in the name of its file.

use serde_json::json;

use crate::support::documents::{completed_service, described, encoded, file, service, without};
use crate::support::{Server, Watch};

const SERVICES: &str = "/conf/prod/backend-services";
const WEB: &str = "/conf/prod/backend-services/web";

#[test]
fn the_id_may_be_left_to_the_path() {
    let server = Server::start();
    let client = server.client();
    client.post(WEB, &json!({"name": "web"})).expect(201);
    assert_eq!(client.get(WEB).json(), completed_service("web"));
    client.put(WEB, &without(described("web", "updated"), "id")).expect(200);
    assert_eq!(client.get(WEB).json(), described("web", "updated"));
}

#[test]
fn an_id_that_differs_from_the_path_is_refused() {
    let server = Server::start();
    let client = server.client();
    let fault = [(r#"["body","id"]"#, "mismatch")];
    client.post(WEB, &service("app")).expect_faults(&fault);
    client.post(WEB, &service("web")).expect(201);
    let watch = Watch::on(&server, "prod");
    client.put(WEB, &service("Web")).expect_faults(&fault);
    watch.untouched();
}

#[test]
fn odd_ids_are_entries_like_any_other() {
    let server = Server::start();
    let client = server.client();
    let ids = [
        "a b",
        "ä",
        "日本",
        "it's",
        "\"quoted\"",
        "(x)[y]{z}",
        "a=b,c;d",
        "~",
        ".hidden",
        "-x",
        "a..b",
        "web.json",
        "$@!",
        "Web",
        "web",
    ];
    for id in ids {
        let path = format!("{SERVICES}/{}", encoded(id));
        let answer = client.post(&path, &service(id)).expect(201);
        assert_eq!(client.get(&path).expect(200).json(), completed_service(id));
        assert_eq!(client.get(&answer.location()).expect(200).json(), completed_service(id));
        let name = format!("backend-services/{}.json", encoded(id));
        assert_eq!(server.git().show("prod", &name), file(&completed_service(id)));
    }
    assert_eq!(client.get(SERVICES).total(), ids.len() as u64);
    for id in ids {
        client.delete(&format!("{SERVICES}/{}", encoded(id))).expect(200);
    }
    assert_eq!(server.git().ls("prod"), ["config.json"]);
    server.git().fsck();
}

#[test]
fn long_ids_have_short_file_names() {
    let server = Server::start();
    let client = server.client();
    // Up to 200 bytes the name is the id; beyond, 120 bytes of it and a part of its SHA-256.
    let names = [
        (200, "x".repeat(200)),
        (201, format!("{}~{}", "x".repeat(120), "84a0678c90937f5dcf9994d5866668da")),
        (256, format!("{}~{}", "x".repeat(120), "85e62acd750c4eb56b7b6a1d66dca5bf")),
    ];
    for (length, name) in names {
        let id = "x".repeat(length);
        let path = format!("{SERVICES}/{id}");
        client.post(&path, &service(&id)).expect(201);
        assert_eq!(client.get(&path).expect(200).json(), completed_service(&id));
        assert_eq!(
            server.git().show("prod", &format!("backend-services/{name}.json")),
            file(&completed_service(&id))
        );
    }
    assert_eq!(client.get(SERVICES).total(), 3);
    client.post(&format!("{SERVICES}/{}", "x".repeat(257)), &json!({"name": "x"})).expect_error(422);
}

#[test]
fn ids_against_the_rules_cannot_be_written_and_are_never_found() {
    let server = Server::start();
    let client = server.client();
    let watch = Watch::on(&server, "prod");
    for character in "/\\*#&+:<>?%\u{0}\n\u{7f}".chars() {
        let path = format!("{SERVICES}/{}", encoded(&format!("a{character}b")));
        for method in ["POST", "PUT"] {
            let answer = client.request(method, &path).json(&json!({"name": "x"})).send();
            let faults = answer.expect_error(422).faults();
            assert!(
                !faults.is_empty() && faults.iter().all(|(loc, _)| loc == r#"["path","id"]"#),
                "{method} {path}: {faults:?}"
            );
        }
        client.get(&path).expect_error(404);
        client.delete(&path).expect_error(404);
    }
    watch.untouched();
}
