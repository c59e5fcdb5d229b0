//! The last value that is still good, beside each first bad one in `documents`.

use serde_json::{Value, json};

use crate::support::Server;
use crate::support::documents::{back_host, full_service, with};

const WEB: &str = "/conf/prod/backend-services/web";

fn with_host_field(name: &str, value: impl Into<Value>) -> Value {
    with(full_service("web"), "back_hosts", json!([with(back_host("web1.example.com"), name, value)]))
}

/// Each document is taken and comes back as it was sent.
#[track_caller]
fn assert_kept(documents: &[Value]) {
    let server = Server::start();
    let client = server.client();
    client.post(WEB, &json!({"name": "web"})).expect(201);
    for document in documents {
        client.put(WEB, document).expect(200);
        assert_eq!(client.get(WEB).json(), *document);
    }
    server.git().fsck();
}

#[test]
fn texts_may_be_as_long_as_their_limits_in_characters() {
    assert_kept(&[
        with(full_service("web"), "name", "x"),
        with(full_service("web"), "name", "x".repeat(256)),
        with(full_service("web"), "name", "ä".repeat(256)),
        with(full_service("web"), "name", "🦀".repeat(256)),
        with(full_service("web"), "description", "日".repeat(4096)),
        with(full_service("web"), "description", "a line\nanother\ttab \"quoted\" \\ \u{1}"),
        with(
            full_service("web"),
            "mtls_certificate",
            "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----",
        ),
        with_host_field("monitor_state", "x".repeat(256)),
    ]);
}

#[test]
fn numbers_may_be_the_ends_of_their_ranges() {
    assert_kept(&[
        with_host_field("weight", 0),
        with_host_field("weight", 65_535),
        with_host_field("max_fails", 0),
        with_host_field("max_fails", 65_535),
        with_host_field("fail_timeout", 0),
        with_host_field("fail_timeout", 86_400),
        with_host_field("http_ports", json!([1, 65_535])),
        with_host_field("https_ports", json!([65_535, 1])),
    ]);
}

#[test]
fn every_choice_of_the_lists_can_be_made() {
    let sticky = ["none", "autocookie", "customcookie", "iphash", "least_conn"];
    let modes = ["default", "http", "https", "port_bridge"];
    let named = with(full_service("web"), "sticky_cookie_name", "!#$%&'*+-.^_`|~09AZaz");
    let mut documents: Vec<Value> =
        sticky.iter().map(|choice| with(named.clone(), "sticky", *choice)).collect();
    documents.extend(modes.iter().map(|mode| with(full_service("web"), "transport_mode", *mode)));
    assert_kept(&documents);
}

#[test]
fn a_service_may_have_no_back_hosts_or_a_thousand() {
    let many: Vec<Value> = (0..1000).map(|number| back_host(&format!("h{number}.example.com"))).collect();
    assert_kept(&[
        with(full_service("web"), "back_hosts", json!([])),
        with(full_service("web"), "back_hosts", many),
    ]);
}

#[test]
fn the_same_host_may_be_named_twice() {
    let twice = json!([back_host("web1.example.com"), back_host("web1.example.com")]);
    assert_kept(&[with(full_service("web"), "back_hosts", twice)]);
}
