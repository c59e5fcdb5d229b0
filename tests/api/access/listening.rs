//! Without principals the service is for this machine alone.

use super::{Principals, SERVICES, new_key, wait_for_word};
use crate::support::{Client, Server};

/// A client of a service that listens everywhere.
fn here(server: &Server) -> Client {
    Client::new(&server.address().replace("0.0.0.0", "127.0.0.1"))
}

#[test]
fn an_open_service_that_others_can_reach_does_not_start() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:80"] {
        let finished = Server::builder().listen(address).run();
        assert_eq!(finished.code(), Some(1), "{finished:?}");
        for word in [address, "access.principals", "--insecure-open"] {
            assert!(finished.stderr.contains(word), "{word}: {finished:?}");
        }
    }
}

#[test]
fn it_starts_where_that_is_asked_for_in_words() {
    let server = Server::builder().listen("0.0.0.0:0").args(&["--insecure-open"]).start();
    here(&server).get(SERVICES).expect(200);
    assert!(wait_for_word(&server, "--insecure-open").contains("WARN"));
}

#[test]
fn with_principals_it_listens_anywhere() {
    let ada = new_key("ada", &["reader=prod"], &[]);
    let principals = Principals::of(&[&ada]);
    let server = principals.builder().listen("0.0.0.0:0").start();
    let client = here(&server);
    client.request("GET", SERVICES).unchecked().send().expect(401);
    client.with_key(&ada.key).get(SERVICES).expect(200);
    assert!(wait_for_word(&server, "unencrypted").contains("WARN"));
}

#[test]
fn without_principals_nobody_is_asked_on_loopback() {
    let server = Server::builder().listen("127.0.0.2:0").start();
    let client = server.client();
    for path in [SERVICES, "/metrics", "/openapi.json", "/conf/configs"] {
        client.get(path).expect(200);
    }
    // What is shown is not looked at.
    client.with_key("nonsense").get(SERVICES).expect(200);
}

#[test]
fn health_is_told_to_everybody_and_pages_where_the_settings_say_so() {
    let ada = new_key("ada", &["reader=prod"], &[]);
    let principals = Principals::of(&[&ada]);
    let server = principals.builder().start();
    for path in ["/health/live", "/health/ready"] {
        server.client().request("GET", path).unchecked().send().expect(200);
    }
    for path in ["/metrics", "/openapi.json", "/docs", "/docs/swagger-ui.css"] {
        server.client().request("GET", path).unchecked().send().expect(401);
    }
    let public = r#"["/docs", "/openapi.json"]"#;
    let server = principals.builder().env("REVCONF_ACCESS_PUBLIC", public).start();
    for path in ["/openapi.json", "/docs", "/docs/swagger-ui.css", "/docs/swagger-initializer.js"] {
        server.client().request("GET", path).unchecked().send().expect(200);
    }
    for path in ["/metrics", "/docs2", "/conf/configs"] {
        server.client().request("GET", path).unchecked().send().expect(401);
    }
}

#[test]
fn settings_that_need_each_other_are_told_all_at_once() {
    let finished = Server::builder()
        .env("REVCONF_TLS_KEY", "/nowhere/key.pem")
        .env("REVCONF_ACCESS_PROXY_USER", "X User")
        .env("REVCONF_ACCESS_PUBLIC", "[\"/conf\"]")
        .env("REVCONF_AUDIT_REQUIRED", "true")
        .env("REVCONF_ACCESS_GUESSES", "0")
        .run();
    assert_eq!(finished.code(), Some(1), "{finished:?}");
    for word in [
        "tls.certificate",
        "access.proxy_user is \"X User\"",
        "needs access.proxies",
        "access.public has \"/conf\"",
        "needs audit.file",
        "access.guesses must be",
    ] {
        assert!(finished.stderr.contains(word), "{word}: {finished:?}");
    }
    for (name, value) in
        [("REVCONF_ACCESS_PROXIES", "[\"nowhere\"]"), ("REVCONF_ACCESS_PROXY_ROLES", "[\"x\"]")]
    {
        let ada = new_key("ada", &["reader=prod"], &[]);
        let finished = Principals::of(&[&ada])
            .builder()
            .env("REVCONF_ACCESS_PROXIES", "[\"127.0.0.1\"]")
            .env("REVCONF_ACCESS_PROXY_USER", "X-User")
            .env(name, value)
            .run();
        assert_eq!(finished.code(), Some(1), "{finished:?}");
    }
}
