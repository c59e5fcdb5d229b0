//! `/conf/{config}/backend-services`: a complete set, read and written whole or not at all.

use serde_json::{Value, json};

use crate::support::documents::{completed_service, described, encoded, file, full_service, service};
use crate::support::git::EMPTY_TREE;
use crate::support::{Server, Watch};

const SERVICES: &str = "/conf/prod/backend-services";

#[test]
fn a_new_set_is_empty_and_tagged_with_the_empty_tree() {
    let server = Server::start();
    let answer = server.client().get(SERVICES).expect(200);
    assert_eq!(answer.json(), json!({"total": 0, "items": []}));
    assert_eq!(answer.object(), EMPTY_TREE);
    assert_eq!(answer.version(), server.git().rev_parse("prod"));
}

#[test]
fn a_set_is_answered_sorted_by_id_whatever_the_order_of_the_files() {
    let server = Server::start();
    let client = server.client();
    // In the tree, "ä" is %C3%A4 and comes first, and "a b" is a%20b.
    let ids = ["ä", "z", "Z", "a", "a b", "10", "9", "a-b"];
    client.post(SERVICES, &ids.map(service).to_vec().into()).expect(201);

    let answer = client.get(SERVICES).expect(200);
    let mut sorted = ids;
    sorted.sort();
    assert_eq!(answer.items(), sorted.map(completed_service));
    assert_eq!(answer.total(), 8);
    assert_eq!(answer.object(), server.git().rev_parse("prod:backend-services"));
}

#[test]
fn the_members_of_a_set_and_its_entries_come_in_the_documented_order() {
    let server = Server::start();
    let client = server.client();
    // Sent the other way round, so that the order is the service's own.
    let backwards: serde_json::Map<String, Value> =
        full_service("web").as_object().expect("an object").clone().into_iter().rev().collect();
    client.post(SERVICES, &json!([backwards])).expect(201);

    let body = client.get(SERVICES).expect(200).json();
    let expected = json!({"total": 1, "items": [full_service("web")]});
    assert_eq!(body.to_string(), expected.to_string());
}

#[test]
fn posting_creates_the_complete_set() {
    let server = Server::start();
    let client = server.client();
    let watch = Watch::on(&server, "prod");
    let answer = client.post(SERVICES, &json!([full_service("web"), service("app")])).expect(201);

    assert_eq!(answer.json(), json!({"message": "Successfully created entry"}));
    assert_eq!(answer.location(), SERVICES);
    let commit = watch.one_commit(&answer);
    assert_eq!(commit.subject, "Create backend services");
    assert_eq!(
        server.git().ls("prod"),
        ["backend-services/app.json", "backend-services/web.json", "config.json"]
    );
    assert_eq!(server.git().show("prod", "backend-services/web.json"), file(&full_service("web")));
    assert_eq!(server.git().show("prod", "backend-services/app.json"), file(&completed_service("app")));
    assert_eq!(answer.object(), server.git().rev_parse("prod:backend-services"));
    assert_eq!(answer.etag(), client.get(SERVICES).etag());
}

#[test]
fn putting_makes_the_body_the_complete_set() {
    let server = Server::start();
    let client = server.client();
    client.post(SERVICES, &json!([service("gone"), service("kept"), service("changed")])).expect(201);
    let kept = server.git().rev_parse("prod:backend-services/kept.json");
    let watch = Watch::on(&server, "prod");

    let answer = client
        .put(SERVICES, &json!([service("kept"), described("changed", "so"), service("new")]))
        .expect(200);
    assert_eq!(answer.json(), json!({"message": "Successfully updated entry"}));
    assert_eq!(watch.one_commit(&answer).subject, "Replace backend services");
    let set = client.get(SERVICES).expect(200);
    assert_eq!(
        set.items(),
        [described("changed", "so"), completed_service("kept"), completed_service("new")]
    );
    assert_eq!((set.version(), set.etag()), (answer.version(), answer.etag()));
    assert_eq!(server.git().rev_parse("prod:backend-services/kept.json"), kept);
    assert_eq!(server.git().find("prod:backend-services/gone.json"), None);
}

#[test]
fn putting_on_an_empty_set_is_fine() {
    let server = Server::start();
    let watch = Watch::on(&server, "prod");
    let answer = server.client().put(SERVICES, &json!([service("web")])).expect(200);
    watch.one_commit(&answer);
}

#[test]
fn merging_replaces_and_joins_and_leaves_the_others() {
    let server = Server::start();
    let client = server.client();
    client.post(SERVICES, &json!([service("kept"), service("changed")])).expect(201);
    let watch = Watch::on(&server, "prod");

    let answer = client
        .put(&format!("{SERVICES}?mode=merge"), &json!([described("changed", "so"), service("new")]))
        .expect(200);
    assert_eq!(answer.json(), json!({"message": "Successfully updated entry"}));
    assert_eq!(watch.one_commit(&answer).subject, "Merge backend services");
    let set = client.get(SERVICES).expect(200);
    assert_eq!(
        set.items(),
        [described("changed", "so"), completed_service("kept"), completed_service("new")]
    );
}

#[test]
fn a_merged_entry_is_replaced_not_patched() {
    let server = Server::start();
    let client = server.client();
    client.post(SERVICES, &json!([described("web", "goes with the rest")])).expect(201);
    client.put(&format!("{SERVICES}?mode=merge"), &json!([service("web")])).expect(200);
    assert_eq!(client.get(SERVICES).items(), [completed_service("web")]);
}

#[test]
fn deleting_a_set_leaves_an_empty_one() {
    let server = Server::start();
    let client = server.client();
    client.post(SERVICES, &json!([service("web"), service("app")])).expect(201);
    let watch = Watch::on(&server, "prod");

    let answer = client.delete(SERVICES).expect(200);
    assert_eq!(answer.json(), json!({"message": "Successfully deleted entry"}));
    assert_eq!(watch.one_commit(&answer).subject, "Delete backend services");
    assert_eq!(server.git().ls("prod"), ["config.json"]);
    let set = client.get(SERVICES).expect(200);
    assert_eq!((set.total(), set.object()), (0, EMPTY_TREE.to_owned()));
    client.get(&format!("{SERVICES}/web")).expect_error(404);
    client.post(SERVICES, &json!([service("web")])).expect(201);
}

#[test]
fn writes_that_change_nothing_succeed_and_make_no_commit() {
    let server = Server::start();
    let client = server.client();
    let watch = Watch::on(&server, "prod");
    watch.no_commit(&client.delete(SERVICES).expect(200));
    watch.no_commit(&client.put(SERVICES, &json!([])).expect(200));
    watch.no_commit(&client.post(SERVICES, &json!([])).expect(201));
    watch.no_commit(&client.put(&format!("{SERVICES}?mode=merge"), &json!([])).expect(200));

    client.post(SERVICES, &json!([service("web"), service("app")])).expect(201);
    let watch = Watch::on(&server, "prod");
    // The same set in another order, with the defaults written out, and with a message that nobody will read.
    watch.no_commit(&client.put(SERVICES, &json!([completed_service("app"), service("web")])).expect(200));
    watch.no_commit(&client.put(&format!("{SERVICES}?mode=merge"), &json!([service("web")])).expect(200));
    watch.no_commit(
        &client
            .put(&format!("{SERVICES}?message=Nothing"), &json!([service("web"), service("app")]))
            .expect(200),
    );
}

#[test]
fn a_message_becomes_the_commits_message() {
    let server = Server::start();
    let client = server.client();
    let watch = Watch::on(&server, "prod");
    let message = "Move to the new data centre\n\nTicket Ä-17";
    let answer =
        client.put(&format!("{SERVICES}?message={}", encoded(message)), &json!([service("web")])).expect(200);
    let commit = watch.one_commit(&answer);
    assert_eq!(
        (commit.subject.as_str(), commit.body.as_str()),
        ("Move to the new data centre", "Ticket Ä-17")
    );
}

#[test]
fn a_set_of_a_thousand_entries_is_one_commit() {
    let server = Server::start();
    let client = server.client();
    let ids: Vec<String> = (0..1000).map(|number| format!("service-{number:04}")).collect();
    let watch = Watch::on(&server, "prod");
    let body: Value = ids.iter().map(|id| service(id)).collect::<Vec<_>>().into();
    watch.one_commit(&client.post(SERVICES, &body).expect(201));
    let expected: Vec<Value> = ids.iter().map(|id| completed_service(id)).collect();
    assert_eq!(client.get(SERVICES).items(), expected);
    assert_eq!(server.git().ls("prod:backend-services").len(), 1000);
}

#[test]
fn sets_of_two_configurations_know_nothing_of_each_other() {
    let server = Server::start();
    let client = server.client();
    client.post("/conf/configs/staging", &json!({})).expect(201);
    let watch = Watch::on(&server, "staging");
    client.post(SERVICES, &json!([service("web")])).expect(201);
    watch.untouched();
    assert_eq!(client.get("/conf/staging/backend-services").total(), 0);
}

#[test]
fn all_prefixes_lead_to_the_same_set() {
    let server = Server::start();
    let client = server.client();
    for (prefix, id) in [("", "a"), ("/api/v4.0", "b"), ("/api/v4.3", "c")] {
        let answer = client.post(&format!("{prefix}{SERVICES}/{id}"), &service(id)).expect(201);
        assert_eq!(
            answer.location(),
            format!("{prefix}{SERVICES}/{id}"),
            "a Location stays under the prefix that was asked"
        );
    }
    let bodies = ["", "/api/v4.0", "/api/v4.3"]
        .map(|prefix| client.get(&format!("{prefix}{SERVICES}")).expect(200).body);
    assert_eq!(bodies[0], bodies[1]);
    assert_eq!(bodies[0], bodies[2]);
    client.get(&format!("/api/v4.1{SERVICES}")).expect(404);
}
