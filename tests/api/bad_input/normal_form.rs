//! What is good but written another way is kept in one form, so that a diff shows only what changed.

use serde_json::{Value, json};

use crate::support::Server;
use crate::support::documents::{back_host, file, full_service, service, with};

const SERVICES: &str = "/conf/prod/backend-services";
const WEB: &str = "/conf/prod/backend-services/web";

/// This text, sent as the entry `web`, is kept as this document.
#[track_caller]
fn assert_becomes(sent: &str, kept: &Value) {
    let server = Server::start();
    let client = server.client();
    client.request("POST", WEB).body(sent).send().expect(201);
    let read = client.get(WEB).expect(200);
    assert_eq!(read.text(), String::from_utf8_lossy(&file(kept)));
    assert_eq!(server.git().show("prod", "backend-services/web.json"), file(kept));
    let again = client.put(WEB, &read.json()).expect(200);
    assert_eq!(again.etag(), read.etag(), "the form that is kept is kept as it is");
}

#[test]
fn fields_are_put_in_the_documented_order() {
    let sent = r#"{"transport_mode":"default","sticky_cookie_name":"","sticky":"none","name":"web","least_conn":false,
        "id":"web","http11":true,"description":"","back_hosts":[{"weight":1,"monitor_state":"","max_fails":0,
        "https_ports":[443],"http_ports":[80],"host":"web1.example.com","fail_timeout":10,"down":false,"backup":false}]}"#;
    assert_becomes(sent, &full_service("web"));
}

#[test]
fn what_is_left_out_gets_its_default() {
    assert_becomes(r#"{"name":"web","back_hosts":[{"host":"web1.example.com"}]}"#, &full_service("web"));
    assert_becomes(r#"{"name":"web"}"#, &with(full_service("web"), "back_hosts", json!([])));
    assert_becomes(
        r#"{"name":"web","back_hosts":null}"#,
        &with(full_service("web"), "back_hosts", json!([])),
    );
}

#[test]
fn texts_are_trimmed() {
    let host = with(with(back_host("web1.example.com"), "monitor_state", "up"), "weight", 5);
    let kept = with(with(full_service("web"), "back_hosts", json!([host])), "name", "The shop");
    let kept = with(with(kept, "description", "two  words"), "sticky_cookie_name", "sid");
    let sent = r#"{"id":" web ","name":" The shop\n","description":"\ttwo  words  ","sticky_cookie_name":" sid ",
        "back_hosts":[{"host":" web1.example.com ","monitor_state":"\r\nup ","weight":5}]}"#;
    assert_becomes(sent, &kept);
}

#[test]
fn lengths_are_counted_after_trimming() {
    let sent = json!({"name": format!("  {}  ", "x".repeat(256))}).to_string();
    let kept = with(with(full_service("web"), "back_hosts", json!([])), "name", "x".repeat(256));
    assert_becomes(&sent, &kept);
}

#[test]
fn whole_numbers_may_be_written_as_fractions() {
    let hosts = json!([with(with(back_host("a"), "weight", 100), "http_ports", json!([8080]))]);
    let kept = with(full_service("web"), "back_hosts", hosts);
    assert_becomes(
        r#"{"name":"web","back_hosts":[{"host":"a","weight":1e2,"http_ports":[8080.0],"max_fails":0.0}]}"#,
        &kept,
    );
}

#[test]
fn escapes_and_spaces_of_json_make_no_difference() {
    let kept = with(with(full_service("web"), "back_hosts", json!([])), "description", "ä/日🦀");
    assert_becomes(
        "\r\n\t{ \"n\\u0061me\" : \"web\" ,\"description\":\"\\u00e4\\/\\u65e5\\ud83e\\udd80\" } \n",
        &kept,
    );
}

#[test]
fn the_order_of_ports_and_hosts_is_the_clients() {
    let host = |name: &str| with(back_host(name), "http_ports", json!([8080, 80]));
    let kept = with(full_service("web"), "back_hosts", json!([host("b"), host("a")]));
    assert_becomes(&kept.to_string(), &kept);
}

#[test]
fn ids_in_a_set_are_trimmed_before_they_are_compared() {
    let server = Server::start();
    let client = server.client();
    let twice = json!([service("web"), with(service("web"), "id", " web ")]);
    client.put(SERVICES, &twice).expect_faults(&[(r#"["body",1,"id"]"#, "duplicate")]);
    client.put(SERVICES, &json!([with(service("web"), "id", " web ")])).expect(200);
    client.get(WEB).expect(200);
}
