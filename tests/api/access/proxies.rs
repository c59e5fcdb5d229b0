//! Proxies whose word is taken for who asks.

use super::{Principals, SERVICES, WEB, new_key};
use crate::support::documents::{described, service};
use crate::support::server::Builder;

fn trusting(principals: &Principals, proxies: &str) -> Builder {
    principals
        .builder()
        .env("REVCONF_ACCESS_PROXIES", proxies)
        .env("REVCONF_ACCESS_PROXY_USER", "X-Forwarded-User")
        .env("REVCONF_ACCESS_PROXY_EMAIL", "X-Forwarded-Email")
}

#[test]
fn a_user_of_a_trusted_proxy_is_who_it_says() {
    let ada = new_key("ada", &["editor=prod"], &["--email", "ada@example.org"]);
    let principals = Principals::of(&[&ada]);
    let roles = r#"["editor=prod"]"#;
    let server = trusting(&principals, r#"["10.0.0.0/8", "127.0.0.1"]"#)
        .env("REVCONF_ACCESS_PROXY_ROLES", roles)
        .start();
    let client = server.client();
    let ada_says =
        client.with_header("X-Forwarded-User", "ada").with_header("X-Forwarded-Email", "x@evil.org");
    let version = ada_says.post(WEB, &service("web")).expect(201).version();
    let commit = server.git().head(&version);
    assert_eq!((commit.author.as_str(), commit.email.as_str()), ("ada", "ada@example.org"));
    // Somebody whom the file does not know has what the settings say, and the address that the proxy tells.
    let guest =
        client.with_header("X-Forwarded-User", "Guest é").with_header("X-Forwarded-Email", "g@example.org");
    let version = guest.put(WEB, &described("web", "x")).expect(200).version();
    let commit = server.git().head(&version);
    assert_eq!((commit.author.as_str(), commit.email.as_str()), ("Guest é", "g@example.org"));
    guest.delete("/conf/configs/prod").expect_error(403);
    // Who is not vouched for may show a key.
    client.with_key(&ada.key).get(SERVICES).expect(200);
    client.request("GET", SERVICES).unchecked().send().expect(401);
}

#[test]
fn anybody_elses_word_counts_for_nothing() {
    let ada = new_key("ada", &["admin=*"], &[]);
    let principals = Principals::of(&[&ada]);
    let server = trusting(&principals, r#"["10.0.0.1", "192.0.2.0/24", "::1"]"#).start();
    let claims = server.client().with_header("X-Forwarded-User", "ada");
    claims.request("GET", SERVICES).unchecked().send().expect(401);
    claims.with_header("X-Forwarded-For", "10.0.0.1").request("GET", SERVICES).unchecked().send().expect(401);
    claims.with_key(&ada.key).get(SERVICES).expect(200);
}

#[test]
fn a_user_without_a_role_is_403() {
    let ada = new_key("ada", &["admin=*"], &[]);
    let principals = Principals::of(&[&ada]);
    let server = trusting(&principals, r#"["127.0.0.1"]"#).start();
    let guest = server.client().with_header("X-Forwarded-User", "guest");
    for path in [SERVICES, "/conf/configs", "/metrics", "/nothing"] {
        guest.request("GET", path).unchecked().send().expect_error(403);
    }
}

#[test]
fn a_name_that_is_there_twice_or_is_none_is_refused() {
    let ada = new_key("ada", &["admin=*"], &[]);
    let principals = Principals::of(&[&ada]);
    let server = trusting(&principals, r#"["127.0.0.1"]"#).start();
    let client = server.client();
    let twice = client.with_header("X-Forwarded-User", "ada").with_header("X-Forwarded-User", "eve");
    twice.request("GET", SERVICES).unchecked().send().expect(401);
    for name in ["", "a<b", &"x".repeat(300)] {
        client.with_header("X-Forwarded-User", name).request("GET", SERVICES).unchecked().send().expect(401);
    }
}

#[test]
fn the_address_that_a_trusted_proxy_tells_is_the_one_that_counts() {
    let ada = new_key("ada", &["reader=prod"], &[]);
    let stray = new_key("stray", &["reader=prod"], &[]);
    let principals = Principals::of(&[&ada]);
    let start = |proxies: &str| {
        let builder = principals.builder().env("REVCONF_ACCESS_GUESSES", "1");
        builder
            .env("REVCONF_ACCESS_PROXIES", proxies)
            .env("REVCONF_ACCESS_PROXY_ADDRESS", "X-Forwarded-For")
            .start()
    };
    let guess = |server: &crate::support::Server, from: &str| {
        let client = server.client().with_key(&stray.key).with_header("X-Forwarded-For", from);
        client.request("GET", SERVICES).unchecked().send().status
    };
    let server = start(r#"["127.0.0.1", "10.0.0.1"]"#);
    assert_eq!(guess(&server, "203.0.113.1"), 401);
    assert_eq!(guess(&server, "203.0.113.2"), 401, "another address");
    // What the client itself wrote, left of the address that the last proxy saw, is anybody's word.
    assert_eq!(guess(&server, "198.51.100.7, 203.0.113.1"), 429);
    assert_eq!(guess(&server, "198.51.100.8, 203.0.113.1, 10.0.0.1"), 429);
    let server = start(r#"["10.0.0.1"]"#);
    assert_eq!(guess(&server, "203.0.113.1"), 401);
    assert_eq!(guess(&server, "203.0.113.2"), 429, "a stranger's word is not taken");
}
