//! `If-Match` on the configuration, and `if_match` on each operation.

use serde_json::{Value, json};

use super::{TRANSACTIONS, WEB, apply, delete, put, server};
use crate::support::Watch;
use crate::support::documents::{described, service};

const STALE: &str = "\"0123456789012345678901234567890123456789\"";

fn if_match(mut operation: Value, tags: &str) -> Value {
    operation["if_match"] = tags.into();
    operation
}

#[test]
fn the_header_is_about_the_configuration() {
    let server = server();
    let client = server.client();
    let body = json!({"operations": [put("web", "1")]});
    let current = client.get("/conf/configs/prod").etag();
    let watch = Watch::on(&server, "prod");
    for stale in [STALE, "\"\"", &client.get(WEB).etag()] {
        let request = || client.request("POST", TRANSACTIONS).if_match(stale);
        request().json(&body).send().expect_error(412);
        // Told before the body is looked at.
        request().body("{").send().expect_error(412);
    }
    client.request("POST", TRANSACTIONS).if_none_match(&current).json(&body).send().expect_error(412);
    client.request("POST", TRANSACTIONS).if_none_match("*").json(&body).send().expect_error(412);
    watch.untouched();
    let done = client.request("POST", TRANSACTIONS).if_match(&current).json(&body).send().expect(200);
    client.request("POST", TRANSACTIONS).if_match(&current).json(&body).send().expect_error(412);
    client.request("POST", TRANSACTIONS).if_match(&done.etag()).json(&body).send().expect(200);
    client.request("POST", TRANSACTIONS).if_match("*").json(&body).send().expect(200);
}

#[test]
fn each_operation_can_depend_on_what_was_read() {
    let server = server();
    let client = server.client();
    let (web, app) = (client.get(WEB).etag(), client.get("/conf/prod/backend-services/app").etag());
    let contoso = client.get("/conf/prod/backends/contoso").etag();
    let answer = apply(
        &client,
        &[
            if_match(put("web", "1"), &web),
            if_match(delete("backend-services", "app"), &format!("{STALE}, {app}")),
            if_match(delete("backends", "contoso"), "*"),
        ],
    )
    .expect(200);
    let watch = Watch::on(&server, "prod");
    for refused in [
        if_match(put("web", "2"), &web),
        if_match(put("web", "2"), &format!("W/{}", answer.items()[0]["etag"].as_str().expect("a tag"))),
        if_match(put("app", "2"), "*"),
        if_match(put("app", "2"), &app),
    ] {
        apply(&client, &[put("new", "x"), refused]).expect_error(412);
    }
    // What is absent is told before that it is not the expected one, and so is what is there already.
    apply(&client, &[if_match(delete("backends", "contoso"), &contoso)]).expect_error(404);
    let create = json!({"op": "create", "kind": "backend-services", "id": "web", "value": service("web")});
    apply(&client, &[if_match(create, "*")]).expect_error(409);
    watch.untouched();
    apply(&client, &[if_match(put("web", "2"), answer.items()[0]["etag"].as_str().expect("a tag"))])
        .expect(200);
    assert_eq!(client.get(WEB).json()["description"], described("web", "2")["description"]);
}
