//! Sets that are not written, and not a part of them.

use serde_json::{Value, json};

use crate::support::documents::{back_host, completed_service, described, service, with, without};
use crate::support::{Server, Watch};

const SERVICES: &str = "/conf/prod/backend-services";

#[test]
fn a_set_that_is_not_empty_cannot_be_created() {
    let server = Server::start();
    let client = server.client();
    client.post(&format!("{SERVICES}/web"), &service("web")).expect(201);
    let watch = Watch::on(&server, "prod");
    client.post(SERVICES, &json!([service("app")])).expect_error(409);
    watch.untouched();
}

#[test]
fn one_bad_entry_refuses_the_whole_set() {
    let server = Server::start();
    let client = server.client();
    client.post(SERVICES, &json!([service("old")])).expect(201);
    let watch = Watch::on(&server, "prod");
    let bad = json!([service("good"), without(service("bad"), "name"), service("fine")]);
    for path in [SERVICES.to_owned(), format!("{SERVICES}?mode=merge")] {
        client.put(&path, &bad).expect_faults(&[(r#"["body",1,"name"]"#, "missing")]);
    }
    watch.untouched();
    assert_eq!(client.get(SERVICES).items(), [completed_service("old")]);
}

#[test]
fn every_fault_of_a_set_is_found_with_its_place() {
    let server = Server::start();
    let host = with(with(back_host("a.example.com"), "weight", 65536), "host", "http://a.example.com");
    let body = json!([
        with(service("a"), "naem", "typing error"),
        without(service("b"), "id"),
        with(service("c"), "back_hosts", json!([back_host("b.example.com"), host])),
        with(service("d"), "sticky", "sometimes"),
        5,
    ]);
    server.client().put(SERVICES, &body).expect_faults(&[
        (r#"["body",0,"naem"]"#, "extra_forbidden"),
        (r#"["body",1,"id"]"#, "missing"),
        (r#"["body",2,"back_hosts",1,"host"]"#, "format"),
        (r#"["body",2,"back_hosts",1,"weight"]"#, "out_of_range"),
        (r#"["body",3,"sticky"]"#, "enum"),
        (r#"["body",4]"#, "object_type"),
    ]);
}

#[test]
fn the_same_id_twice_is_refused_and_nothing_is_written() {
    let server = Server::start();
    let client = server.client();
    let watch = Watch::on(&server, "prod");
    let body = json!([service("web"), service("app"), described("web", "again")]);
    let faults = [(r#"["body",2,"id"]"#, "duplicate")];
    client.post(SERVICES, &body).expect_faults(&faults);
    client.put(SERVICES, &body).expect_faults(&faults);
    client.put(&format!("{SERVICES}?mode=merge"), &body).expect_faults(&faults);
    watch.untouched();
}

#[test]
fn a_set_must_be_a_list() {
    let server = Server::start();
    let client = server.client();
    let watch = Watch::on(&server, "prod");
    for body in [json!({}), json!("web"), Value::Null, service("web")] {
        client.put(SERVICES, &body).expect_faults(&[(r#"["body"]"#, "list_type")]);
    }
    watch.untouched();
}

#[test]
fn a_set_of_no_configuration_is_not_found() {
    let server = Server::start();
    let client = server.client();
    let path = "/conf/nothing/backend-services";
    client.get(path).expect_error(404);
    client.post(path, &json!([service("web")])).expect_error(404);
    client.put(path, &json!([service("web")])).expect_error(404);
    client.delete(path).expect_error(404);
    client.get(&format!("{path}/versions")).expect_error(404);
}

#[test]
fn a_name_that_no_configuration_can_have_is_not_found_either() {
    let server = Server::start();
    let client = server.client();
    for config in ["Prod", "..", "%2E%2E", "prod%00", "prod%2F..%2Fprod", "heads"] {
        let path = format!("/conf/{config}/backend-services");
        client.get(&path).expect_error(404);
        client.delete(&path).expect_error(404);
        let answer = client.put(&path, &json!([service("web")]));
        assert!(matches!(answer.status, 404 | 422), "{answer:?}");
    }
}

#[test]
fn a_trailing_slash_is_not_found_and_the_answer_says_why() {
    let server = Server::start();
    let answer = server.client().get(&format!("{SERVICES}/")).expect_error(404);
    assert!(answer.message().contains("slash"), "{answer:?}");
}
