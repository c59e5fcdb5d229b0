//! Host names and addresses.

use serde_json::{Value, json};

use super::Unmoved;
use crate::support::Server;
use crate::support::documents::{back_host, full_service, with};

const WEB: &str = "/conf/prod/backend-services/web";

fn served_by(host: &str) -> Value {
    with(full_service("web"), "back_hosts", json!([back_host(host)]))
}

/// A name of this many characters, in labels of ten and a last one of what is left.
fn name_of(length: usize) -> String {
    let mut name = "x".repeat(length);
    for dot in (10..length - 1).step_by(11) {
        name.replace_range(dot..=dot, ".");
    }
    name
}

#[test]
fn host_names_and_addresses_are_taken_as_they_are() {
    let server = Server::start();
    let client = server.client();
    client.post(WEB, &json!({"name": "web"})).expect(201);
    let longest_label = format!("{}.example.com", "x".repeat(63));
    let long = name_of(253);
    let good = [
        "localhost",
        "a",
        "text",
        "web1.example.com",
        "WEB1.Example.COM",
        "3com.com",
        "xn--bcher-kva.example",
        "a-b--c.example.com",
        "back_end.example.com",
        "_sip._tcp.example.com",
        "10.0.0.1",
        "255.255.255.255",
        "0.0.0.0",
        "::",
        "::1",
        "2001:db8::8a2e:370:7334",
        "2001:db8:0:0:0:0:0:1",
        "::ffff:192.0.2.1",
        longest_label.as_str(),
        long.as_str(),
    ];
    for host in good {
        client.put(WEB, &served_by(host)).expect(200);
        assert_eq!(client.get(WEB).json(), served_by(host));
    }
}

#[test]
fn anything_else_is_no_host() {
    let server = Server::start();
    let client = server.client();
    client.post(WEB, &json!({"name": "web"})).expect(201);
    let unmoved = Unmoved::watch(&server);
    let too_long_label = format!("{}.example.com", "x".repeat(64));
    let bad = [
        "http://web1.example.com",
        "https://10.0.0.1",
        "//web1.example.com",
        "web1.example.com:80",
        "10.0.0.1:80",
        "[::1]",
        "[::1]:80",
        "web1.example.com/path",
        "/",
        "web1.example.com?x=1",
        "web1.example.com#x",
        "user@web1.example.com",
        "-a.example.com",
        "a-.example.com",
        "a.-b.com",
        "a..b",
        ".a",
        ".",
        "a b",
        "a\tb",
        "a\nb",
        "a\u{0}b",
        "a,b",
        "a;b",
        "*.example.com",
        "*",
        "ä.example.com",
        "日本.example",
        "a%20b",
        "$host",
        "{host}",
        "::g",
        ":::",
        "1::2::3",
        "12345::",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "::1/128",
        "fe80::1%eth0",
        "10.0.0.0/8",
        too_long_label.as_str(),
    ];
    for host in bad {
        client.put(WEB, &served_by(host)).expect_faults(&[(r#"["body","back_hosts",0,"host"]"#, "format")]);
    }
    unmoved.verify(&server);
}

#[test]
fn a_host_has_1_to_255_characters() {
    let server = Server::start();
    let client = server.client();
    client.post(WEB, &json!({"name": "web"})).expect(201);
    let unmoved = Unmoved::watch(&server);
    for (host, kinds) in [
        ("", ["string_too_short", "format"]),
        ("  ", ["string_too_short", "format"]),
        (&name_of(256), ["string_too_long"; 2]),
    ] {
        let faults = client.put(WEB, &served_by(host)).expect_error(422).faults();
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert_eq!(faults[0].0, r#"["body","back_hosts",0,"host"]"#);
        assert!(kinds.contains(&faults[0].1.as_str()), "{faults:?}");
    }
    unmoved.verify(&server);
}
