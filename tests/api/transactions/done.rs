//! What is done is done in one commit.

use serde_json::json;

use super::{SERVICES, TRANSACTIONS, WEB, apply, delete, operation, put, server};
use crate::support::documents::{completed_service, described, file, service};
use crate::support::{Server, Watch};

#[test]
fn operations_on_all_kinds_are_one_commit() {
    let server = server();
    let (client, git) = (server.client(), server.git());
    let watch = Watch::on(&server, "prod");
    let operations = [
        operation("create", "new", json!({"name": " new "})),
        operation("update", "web", described("web", "changed")),
        delete("backend-services", "app"),
        json!({"op": "put", "kind": "backends", "id": "fabrikam", "value": {"host": "fabrikam.com"}}),
        json!({"op": "put", "kind": "backends", "id": "contoso", "value": {"id": "contoso", "host": "a.contoso.com"}}),
    ];
    let answer = apply(&client, &operations).expect(200);
    let commit = watch.one_commit(&answer);
    assert_eq!(answer.message(), "Successfully applied transaction");
    assert_eq!(answer.object(), commit.id, "the tag is the configuration's");
    assert_eq!(
        commit.subject,
        "Create backend service new, update backend service web, delete backend service app, put 2 backends"
    );
    assert_eq!(
        git.text(&["show", "--format=", "--name-status", "--no-renames", "prod"]),
        "D\tbackend-services/app.json\nA\tbackend-services/new.json\nM\tbackend-services/web.json\n\
         M\tbackends/contoso.json\nA\tbackends/fabrikam.json"
    );
    assert_eq!(git.show("prod", "backend-services/new.json"), file(&completed_service("new")));
    assert_eq!(client.get("/conf/prod/backends/contoso").json()["host"], "a.contoso.com");
    client.get(&format!("{SERVICES}/app")).expect_error(404);
    // Each operation is told, with the new tag of its entry.
    for (item, asked) in answer.items().iter().zip(&operations) {
        assert_eq!([&item["op"], &item["kind"], &item["id"]], [&asked["op"], &asked["kind"], &asked["id"]]);
        let path =
            format!("/conf/prod/{}/{}", asked["kind"].as_str().unwrap(), asked["id"].as_str().unwrap());
        let found = client.get(&path);
        assert_eq!(item["etag"].as_str(), found.header("etag"), "{path}");
    }
    assert_eq!(answer.items().len(), operations.len());
    // The history of each entry has it.
    for path in [WEB, "/conf/prod/backends/contoso", "/conf/prod/backends", SERVICES, "/conf/configs/prod"] {
        assert_eq!(client.get(&format!("{path}/versions")).versions()[0], commit.id, "{path}");
    }
    git.assert_sound(&["prod"]);
}

#[test]
fn one_operation_says_what_the_entrys_own_route_would() {
    let server = server();
    let client = server.client();
    for (operation, subject) in [
        (operation("create", "x", service("x")), "Create backend service x"),
        (operation("update", "x", described("x", "1")), "Update backend service x"),
        (put("x", "2"), "Put backend service x"),
        (delete("backend-services", "x"), "Delete backend service x"),
        (delete("backends", "contoso"), "Delete backend contoso"),
    ] {
        let watch = Watch::on(&server, "prod");
        let answer = apply(&client, &[operation]).expect(200);
        assert_eq!(watch.one_commit(&answer).subject, subject);
    }
}

#[test]
fn the_message_is_in_the_body_or_in_the_query() {
    let server = server();
    let client = server.client();
    for (number, path, body) in [
        (
            1,
            TRANSACTIONS.to_owned(),
            json!({"message": " From the body \n", "operations": [put("web", "1")]}),
        ),
        (2, format!("{TRANSACTIONS}?message=From+the+query"), json!({"operations": [put("web", "2")]})),
    ] {
        let watch = Watch::on(&server, "prod");
        let answer = client.post(&path, &body).expect(200);
        let commit = watch.one_commit(&answer);
        assert_eq!(commit.subject, ["From the body", "From the query"][number - 1]);
        assert_eq!((commit.author.as_str(), commit.email.as_str()), ("anonymous", "anonymous@localhost"));
    }
    let watch = Watch::on(&server, "prod");
    let both = json!({"message": "One", "operations": [put("web", "3")]});
    let refused = client.post(&format!("{TRANSACTIONS}?message=Two"), &both).expect_error(400);
    assert!(refused.message().contains("only one"), "{refused:?}");
    for (message, kind) in [
        (json!(""), "string_too_short"),
        (json!("x".repeat(1001)), "string_too_long"),
        (json!("a\u{0}"), "format"),
        (json!(1), "string_type"),
        (json!(null), "string_type"),
    ] {
        let body = json!({"message": message, "operations": [put("web", "3")]});
        client.post(TRANSACTIONS, &body).expect_faults(&[(r#"["body","message"]"#, kind)]);
    }
    watch.untouched();
}

#[test]
fn what_changes_nothing_makes_no_commit() {
    let server = server();
    let client = server.client();
    client.put(WEB, &described("web", "as it is")).expect(200);
    let watch = Watch::on(&server, "prod");
    let answer =
        apply(&client, &[put("web", "as it is"), operation("update", "app", service("app"))]).expect(200);
    watch.no_commit(&answer);
    assert_eq!(answer.items()[0]["etag"], client.get(WEB).etag());
}

#[test]
fn a_dry_run_shows_the_whole_difference() {
    let server = server();
    let client = server.client();
    let watch = Watch::on(&server, "prod");
    let operations = json!({"operations": [
        operation("create", "new", service("new")),
        operation("update", "web", described("web", "changed")),
        operation("update", "app", service("app")),
        delete("backends", "contoso"),
    ]});
    let path = format!("{TRANSACTIONS}?dry_run=true");
    let answer = client.post(&path, &operations).expect(200);
    assert_eq!(answer.message(), "Dry run: nothing was written");
    let diff = &answer.json()["diff"];
    assert_eq!(diff["from"], answer.version());
    assert_eq!(diff["to"], json!(null));
    let told: Vec<_> = diff["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| ["kind", "id", "change"].map(|member| item[member].as_str().unwrap_or_default()))
        .collect();
    assert_eq!(
        told,
        [
            ["backend-services", "new", "created"],
            ["backend-services", "web", "updated"],
            ["backends", "contoso", "deleted"],
        ]
    );
    assert!(
        diff["items"][1]["patch"]
            .as_array()
            .expect("a patch")
            .contains(&json!({"op": "replace", "path": "/description", "value": "changed"})),
        "{answer:?}"
    );
    client.post(&path, &json!({"operations": [delete("backends", "nobody")]})).expect_error(404);
    watch.untouched();
}

#[test]
fn a_thousand_operations_survive_a_crash_whole() {
    let mut server = Server::start();
    let client = server.client();
    let operations: Vec<_> = (0..1000).map(|number| put(&format!("s{number}"), "of many")).collect();
    let answer = apply(&client, &operations).expect(200);
    server.kill();
    server.start_again();
    let client = server.client();
    let set = client.get(SERVICES).expect(200);
    assert_eq!((set.total(), set.version()), (1000, answer.version()));
    let all: Vec<_> = (0..1000).map(|number| delete("backend-services", &format!("s{number}"))).collect();
    apply(&client, &all).expect(200);
    assert_eq!(client.get(SERVICES).total(), 0);
    server.git().assert_sound(&["prod"]);
}
