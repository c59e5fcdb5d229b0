//! Whoever has a clone can compute every entity tag.

use serde_json::json;

use crate::support::documents::{described, full_service, service};
use crate::support::git::EMPTY_TREE;
use crate::support::{Git, Server};

const SERVICES: &str = "/conf/prod/backend-services";
const WEB: &str = "/conf/prod/backend-services/web";
const PROD: &str = "/conf/configs/prod";

#[test]
fn an_entrys_tag_is_its_blob() {
    let server = Server::start();
    let client = server.client();
    let git = server.git();
    let created = client.post(WEB, &service("web")).expect(201).object();
    assert_eq!(created, git.rev_parse("prod:backend-services/web.json"));
    let updated = client.put(WEB, &described("web", "updated")).expect(200).object();
    assert_eq!(updated, git.rev_parse("prod:backend-services/web.json"));

    let read = client.get(WEB).expect(200);
    assert_eq!(read.object(), updated);
    assert_eq!(read.object(), git.hash_object(&read.body), "the body of the answer is the blob");
}

#[test]
fn a_sets_tag_is_its_tree() {
    let server = Server::start();
    let client = server.client();
    let git = server.git();
    assert_eq!(client.get(SERVICES).object(), EMPTY_TREE);
    let writes = [
        client.post(SERVICES, &json!([service("a"), service("b")])).expect(201),
        client.put(SERVICES, &json!([full_service("b"), service("c")])).expect(200),
        client.put(&format!("{SERVICES}?mode=merge"), &json!([service("d")])).expect(200),
    ];
    for answer in writes {
        assert_eq!(
            answer.object(),
            git.rev_parse(&format!("{}:backend-services", answer.version())),
            "{answer:?}"
        );
    }
    assert_eq!(client.get(SERVICES).object(), git.rev_parse("prod:backend-services"));
    assert_eq!(client.delete(SERVICES).expect(200).object(), EMPTY_TREE);
    assert_eq!(client.get(SERVICES).object(), EMPTY_TREE);
}

#[test]
fn a_write_to_an_entry_changes_the_tag_of_its_set_and_of_no_other_entry() {
    let server = Server::start();
    let client = server.client();
    client.post(SERVICES, &json!([service("a"), service("b")])).expect(201);
    let (set, a, b) = tags(&server);
    client.put(&format!("{SERVICES}/a"), &full_service("a")).expect(200);
    let (new_set, new_a, new_b) = tags(&server);
    assert_ne!(set, new_set);
    assert_ne!(a, new_a);
    assert_eq!(b, new_b);
}

fn tags(server: &Server) -> (String, String, String) {
    let tag = |path: &str| server.client().get(path).expect(200).etag();
    (tag(SERVICES), tag(&format!("{SERVICES}/a")), tag(&format!("{SERVICES}/b")))
}

#[test]
fn a_configurations_tag_is_its_commit() {
    let server = Server::start();
    let client = server.client();
    let git = server.git();
    assert_eq!(client.get(PROD).object(), git.rev_parse("prod"));
    let described = client.put(PROD, &json!({"description": "for everybody"})).expect(200);
    assert_eq!(described.object(), git.rev_parse("prod"));
    let created = client.post("/conf/configs/staging", &json!({})).expect(201);
    assert_eq!(created.object(), git.rev_parse("staging"));
    client.post(WEB, &service("web")).expect(201);
    assert_eq!(client.get(PROD).object(), git.rev_parse("prod"));
}

#[test]
fn an_old_versions_tag_is_the_object_that_it_shows() {
    let server = Server::start();
    let client = server.client();
    let old = client.post(WEB, &service("web")).expect(201).version();
    client.put(WEB, &described("web", "newer")).expect(200);
    let git = server.git();
    let shown = [
        (SERVICES, format!("{old}:backend-services")),
        (WEB, format!("{old}:backend-services/web.json")),
        (PROD, old.clone()),
    ];
    for (path, revision) in shown {
        let answer = client.get(&format!("{path}/versions/{old}")).expect(200);
        assert_eq!(answer.object(), git.rev_parse(&revision), "{answer:?}");
    }
}

#[test]
fn a_lists_tag_is_the_blob_of_its_bytes() {
    let server = Server::start();
    let client = server.client();
    client.post(WEB, &service("web")).expect(201);
    let git: Git = server.git();
    for path in [
        "/conf/configs",
        "/conf/configs/prod/versions",
        &format!("{SERVICES}/versions"),
        &format!("{WEB}/versions"),
    ] {
        let answer = client.get(path).expect(200);
        assert_eq!(answer.object(), git.hash_object(&answer.body), "{answer:?}");
    }
}

#[test]
fn a_write_that_changes_nothing_answers_with_the_tag_that_stood() {
    let server = Server::start();
    let client = server.client();
    let created = client.post(WEB, &service("web")).expect(201);
    let again = client.put(WEB, &service("web")).expect(200);
    assert_eq!((again.etag(), again.version()), (created.etag(), created.version()));
}
