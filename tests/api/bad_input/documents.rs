//! Every rule of a document, broken one at a time through every door, and then all at once.

use serde_json::{Value, json};

use super::Unmoved;
use crate::support::documents::{back_host, described, full_service, service, with, without};
use crate::support::{Client, Server};

const SERVICES: &str = "/conf/prod/backend-services";

/// A document that breaks one rule: where, and the types that may be said of it, separated by `|`.
type Case = (Value, Value, &'static str);

fn field(name: &str, value: impl Into<Value>, kind: &'static str) -> Case {
    (with(full_service("web"), name, value), json!([name]), kind)
}

fn host_field(name: &str, value: impl Into<Value>, kind: &'static str) -> Case {
    let hosts = json!([back_host("good.example.com"), with(back_host("web1.example.com"), name, value)]);
    (with(full_service("web"), "back_hosts", hosts), json!(["back_hosts", 1, name]), kind)
}

/// One bad port in a list, at this place of it.
fn port(name: &str, ports: Value, place: usize, kind: &'static str) -> Case {
    let (document, mut loc, kind) = host_field(name, ports, kind);
    loc.as_array_mut().expect("a location is a list").push(place.into());
    (document, loc, kind)
}

/// Sends the document as a new entry, as an update, and as the second of a set that replaces and of one that merges.
#[track_caller]
fn assert_refused_everywhere(client: &Client, (document, loc, kinds): &Case) {
    let set = json!([service("good"), document]);
    let answers = [
        (vec![json!("body")], client.put(&format!("{SERVICES}/web"), document)),
        (vec![json!("body")], client.post(&format!("{SERVICES}/new"), &with(document.clone(), "id", "new"))),
        (vec![json!("body"), json!(1)], client.put(SERVICES, &set)),
        (vec![json!("body"), json!(1)], client.put(&format!("{SERVICES}?mode=merge"), &set)),
    ];
    for (mut place, answer) in answers {
        place.extend(loc.as_array().expect("a location is a list").iter().cloned());
        let faults = answer.clone().expect_error(422).faults();
        assert_eq!(faults.len(), 1, "there is one fault in it:\n{answer:?}");
        let (found, kind) = &faults[0];
        assert_eq!(*found, Value::Array(place).to_string(), "{answer:?}");
        assert!(kinds.split('|').any(|expected| kind == expected), "the type should be {kinds}:\n{answer:?}");
    }
}

#[track_caller]
fn assert_all_refused(cases: &[Case]) {
    let server = Server::start();
    let client = server.client();
    client.post(&format!("{SERVICES}/web"), &service("web")).expect(201);
    let unmoved = Unmoved::watch(&server);
    for case in cases {
        assert_refused_everywhere(&client, case);
    }
    unmoved.verify(&server);
}

#[test]
fn the_texts_of_a_service_have_their_types_and_lengths() {
    assert_all_refused(&[
        (without(full_service("web"), "name"), json!(["name"]), "missing"),
        field("name", 5, "string_type"),
        field("name", Value::Null, "string_type"),
        field("name", json!(["web"]), "string_type"),
        field("name", "", "string_too_short"),
        field("name", " \t\n ", "string_too_short"),
        field("name", "x".repeat(257), "string_too_long"),
        field("name", "ä".repeat(257), "string_too_long"),
        field("description", 5, "string_type"),
        field("description", Value::Null, "string_type"),
        field("description", "x".repeat(4097), "string_too_long"),
        field("mtls_certificate", 5, "string_type"),
        field("mtls_trusted_certificate", json!({}), "string_type"),
    ]);
}

#[test]
fn the_switches_of_a_service_are_true_or_false() {
    let mut cases = Vec::new();
    for name in ["http11", "least_conn"] {
        for value in [json!("true"), json!(1), json!(null), json!([])] {
            cases.push(field(name, value, "bool_type"));
        }
    }
    assert_all_refused(&cases);
}

#[test]
fn the_choices_of_a_service_are_those_of_the_list() {
    let mut cases = Vec::new();
    for name in ["sticky", "transport_mode"] {
        for value in ["", "nonsense", "None", "DEFAULT", "least-conn"] {
            cases.push(field(name, value, "enum"));
        }
        for value in [json!(5), json!(null), json!(["none"])] {
            cases.push(field(name, value, "enum|string_type"));
        }
    }
    assert_all_refused(&cases);
}

#[test]
fn a_cookies_name_is_a_token_and_needed_with_customcookie() {
    let mut cases = vec![
        field("sticky_cookie_name", 5, "string_type"),
        field("sticky_cookie_name", json!(null), "string_type"),
    ];
    for name in [
        "a b", "a;b", "a,b", "a=b", "a\"b", "a/b", "a@b", "(a)", "[a]", "{a}", "a:b", "a\\b", "a?b", "<a>",
        "ä", "a\u{7f}", "a\u{0}b",
    ] {
        cases.push(field("sticky_cookie_name", name, "format"));
    }
    let custom = with(full_service("web"), "sticky", "customcookie");
    for document in [
        custom.clone(),
        with(custom.clone(), "sticky_cookie_name", "  "),
        without(custom, "sticky_cookie_name"),
    ] {
        cases.push((document, json!(["sticky_cookie_name"]), "missing|string_too_short"));
    }
    assert_all_refused(&cases);
}

#[test]
fn back_hosts_are_a_list_of_objects() {
    let mut cases = Vec::new();
    for value in [json!({}), json!("web1.example.com"), json!(5), json!(false)] {
        cases.push(field("back_hosts", value, "list_type"));
    }
    for value in [json!("web1.example.com"), json!(5), json!(null), json!([])] {
        let hosts = json!([back_host("good.example.com"), value]);
        cases.push((with(full_service("web"), "back_hosts", hosts), json!(["back_hosts", 1]), "object_type"));
    }
    let many: Vec<Value> = (0..1001).map(|number| back_host(&format!("h{number}"))).collect();
    cases.push(field("back_hosts", many, "too_many"));
    assert_all_refused(&cases);
}

#[test]
fn the_numbers_of_a_back_host_are_whole_and_within_their_ranges() {
    let mut cases = Vec::new();
    for (name, above) in [("weight", 65_536), ("max_fails", 65_536), ("fail_timeout", 86_401)] {
        for value in [json!(-1), json!(above), json!(i64::MIN), json!(u64::MAX), json!(1e19)] {
            cases.push(host_field(name, value, "out_of_range"));
        }
        for value in [json!("1"), json!(1.5), json!(true), json!(null), json!([1])] {
            cases.push(host_field(name, value, "int_type"));
        }
    }
    assert_all_refused(&cases);
}

#[test]
fn ports_are_lists_of_distinct_numbers_from_1_to_65535() {
    let mut cases = Vec::new();
    for name in ["http_ports", "https_ports"] {
        for value in [json!(80), json!("80"), json!(null), json!({"80": true})] {
            cases.push(host_field(name, value, "list_type"));
        }
        for value in [json!(0), json!(-1), json!(65_536)] {
            cases.push(port(name, json!([80, value]), 1, "out_of_range"));
        }
        for value in [json!("80"), json!(80.5), json!(true), json!(null), json!([80])] {
            cases.push(port(name, json!([80, value]), 1, "int_type"));
        }
        cases.push(port(name, json!([80, 81, 80]), 2, "duplicate"));
    }
    assert_all_refused(&cases);
}

#[test]
fn the_other_fields_of_a_back_host_have_their_types() {
    let mut cases = vec![
        host_field("monitor_state", 5, "string_type"),
        host_field("monitor_state", Value::Null, "string_type"),
        host_field("monitor_state", "x".repeat(257), "string_too_long"),
        host_field("host", 5, "string_type"),
        host_field("host", Value::Null, "string_type"),
    ];
    for name in ["down", "backup"] {
        for value in [json!("no"), json!(0), json!(null)] {
            cases.push(host_field(name, value, "bool_type"));
        }
    }
    let nameless = json!([back_host("good.example.com"), without(back_host("x"), "host")]);
    cases.push((
        with(full_service("web"), "back_hosts", nameless),
        json!(["back_hosts", 1, "host"]),
        "missing",
    ));
    assert_all_refused(&cases);
}

#[test]
fn unknown_fields_are_refused_however_like_a_known_one() {
    let mut cases = Vec::new();
    for name in ["nmae", "Name", "least_connections", "_id", ""] {
        cases.push(field(name, "x", "extra_forbidden"));
    }
    for name in ["port", "http_port", "Host", "weights"] {
        cases.push(host_field(name, 80, "extra_forbidden"));
    }
    assert_all_refused(&cases);
}

#[test]
fn all_faults_are_told_at_once() {
    let server = Server::start();
    let client = server.client();
    let unmoved = Unmoved::watch(&server);
    let bad = json!({
        "name": "", "description": 5, "http11": "yes", "least_conn": null, "sticky": "glue", "sticky_cookie_name": "a b",
        "transport_mode": "carrier pigeon", "colour": "red", "mtls_certificate": 1,
        "back_hosts": [
            {"host": "http://a", "http_ports": [0, 80, 80], "weight": -1, "down": "no"},
            "b",
            {"https_ports": "443", "fail_timeout": 1.5, "monitor_state": 1, "port": 80},
        ],
    });
    let places = [
        (r#""name""#, "string_too_short"),
        (r#""description""#, "string_type"),
        (r#""http11""#, "bool_type"),
        (r#""least_conn""#, "bool_type"),
        (r#""sticky""#, "enum"),
        (r#""sticky_cookie_name""#, "format"),
        (r#""transport_mode""#, "enum"),
        (r#""colour""#, "extra_forbidden"),
        (r#""mtls_certificate""#, "string_type"),
        (r#""back_hosts",0,"host""#, "format"),
        (r#""back_hosts",0,"http_ports",0"#, "out_of_range"),
        (r#""back_hosts",0,"http_ports",2"#, "duplicate"),
        (r#""back_hosts",0,"weight""#, "out_of_range"),
        (r#""back_hosts",0,"down""#, "bool_type"),
        (r#""back_hosts",1"#, "object_type"),
        (r#""back_hosts",2,"host""#, "missing"),
        (r#""back_hosts",2,"https_ports""#, "list_type"),
        (r#""back_hosts",2,"fail_timeout""#, "int_type"),
        (r#""back_hosts",2,"monitor_state""#, "string_type"),
        (r#""back_hosts",2,"port""#, "extra_forbidden"),
    ];
    let expect = |answer: crate::support::Answer, start: &str| {
        let places: Vec<(String, &str)> =
            places.iter().map(|(place, kind)| (format!("[{start},{place}]"), *kind)).collect();
        let places: Vec<(&str, &str)> = places.iter().map(|(place, kind)| (place.as_str(), *kind)).collect();
        answer.expect_faults(&places);
    };
    expect(client.post(&format!("{SERVICES}/web"), &bad), r#""body""#);
    let set = json!([service("good"), with(bad, "id", "web")]);
    expect(client.put(SERVICES, &set), r#""body",1"#);
    unmoved.verify(&server);
}

#[test]
fn the_faults_of_every_document_of_a_set_are_told() {
    let server = Server::start();
    let unmoved = Unmoved::watch(&server);
    let set = json!([{"id": "a"}, described("b", "good"), {"name": "c"}, 5, {"id": "b", "name": 5}]);
    server.client().put(SERVICES, &set).expect_faults(&[
        (r#"["body",0,"name"]"#, "missing"),
        (r#"["body",2,"id"]"#, "missing"),
        (r#"["body",3]"#, "object_type"),
        (r#"["body",4,"name"]"#, "string_type"),
        (r#"["body",4,"id"]"#, "duplicate"),
    ]);
    unmoved.verify(&server);
}
