//! Headers for browsers and caches, and pages of other origins.

use super::{Principals, SERVICES, WEB, new_key};
use crate::support::documents::service;
use crate::support::{Answer, Server};

const PANEL: &str = "https://panel.example.com";

#[track_caller]
fn is_careful(answer: &Answer) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{answer:?}");
    }
    let policy = answer.header("content-security-policy").unwrap_or_default();
    assert!(policy.contains("frame-ancestors 'none'"), "{answer:?}");
    let cache = answer.header("cache-control").unwrap_or_default();
    assert!(["no-store", "private, no-cache"].contains(&cache), "{answer:?}");
    assert_eq!(answer.header("strict-transport-security"), None, "only TLS can promise that: {answer:?}");
}

#[test]
fn every_answer_to_everybody_has_them() {
    let ada = new_key("ada", &["reader=prod"], &[]);
    let principals = Principals::of(&[&ada]);
    let server = principals.builder().env("REVCONF_ACCESS_GUESSES", "1").start();
    let known = server.client().with_key(&ada.key);
    let document = known.openapi().document.clone();
    let mut asked = 0;
    for template in document["paths"].as_object().expect("paths").keys() {
        let path = template
            .replace("{config}", "prod")
            .replace("{id}", "web")
            .replace("{version}", "0123456")
            .replace("{release}", "v1");
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "BREW"] {
            for client in [&known, &server.client(), &server.client().with_key("nonsense")] {
                is_careful(&client.request(method, &path).unchecked().send());
                asked += 1;
            }
        }
    }
    assert!(asked > 400, "{asked}");
    for path in ["/nothing", &format!("/{}", "x".repeat(40_000))] {
        is_careful(&known.request("GET", path).unchecked().send());
    }
    is_careful(&server.client().raw(b"GET /conf/configs HTTP/1.1\r\nHost: a\r\nAccept-Encoding: identity;q=0\r\nConnection: close\r\n\r\n"));
}

#[test]
fn what_was_read_is_kept_and_asked_about_again() {
    let ada = new_key("ada", &["editor=prod"], &[]);
    let server = Principals::of(&[&ada]).builder().start();
    let client = server.client().with_key(&ada.key);
    client.post(WEB, &service("web")).expect(201);
    let read = client.get(WEB).expect(200);
    assert_eq!(read.header("cache-control"), Some("private, no-cache"));
    let again = client.request("GET", WEB).if_none_match(&read.etag()).send().expect(304);
    assert_eq!(again.header("cache-control"), Some("private, no-cache"));
    let vary: Vec<_> = read.headers.get_all("vary").iter().filter_map(|value| value.to_str().ok()).collect();
    assert!(vary.join(",").contains("authorization"), "{vary:?}");
    assert_eq!(
        client.get("/conf/prod/backend-services/no").expect(404).header("cache-control"),
        Some("no-store")
    );
}

#[test]
fn the_page_of_documentation_may_load_its_own_parts() {
    let server = Server::start();
    let page = server.client().request("GET", "/docs").unchecked().send().expect(200);
    let policy = page.header("content-security-policy").unwrap_or_default();
    assert!(policy.contains("default-src 'self'"), "{policy}");
    // Nothing in the page itself runs, so its policy need not allow that.
    let html = page.text();
    assert!(!html.contains("<script>") && !html.contains(" onload="), "{html}");
}

#[test]
fn a_preflight_needs_no_key_and_a_page_sees_why_it_is_turned_away() {
    let ada = new_key("ada", &["editor=prod"], &[]);
    let principals = Principals::of(&[&ada]);
    let origins = format!("[\"{PANEL}\"]");
    let server = principals.builder().env("REVCONF_HTTP_CORS_ORIGINS", &origins).start();
    let client = server.client().with_header("Origin", PANEL);
    let preflight = client
        .request("OPTIONS", SERVICES)
        .header("Access-Control-Request-Method", "PUT")
        .header("Access-Control-Request-Headers", "authorization,content-type")
        .unchecked()
        .send();
    assert!(matches!(preflight.status, 200 | 204), "{preflight:?}");
    assert_eq!(preflight.header("access-control-allow-origin"), Some(PANEL));
    let refused = client.request("GET", SERVICES).unchecked().send().expect(401);
    assert_eq!(refused.header("access-control-allow-origin"), Some(PANEL));
    client.with_key(&ada.key).post(WEB, &service("web")).expect(201);
}

/// A browser sends a page's request with the password that it remembers; that the page cannot read the answer is too
/// late.
#[test]
fn a_write_that_a_page_of_another_origin_asks_for_is_not_done() {
    let ada = new_key("ada", &["editor=prod"], &[]);
    let principals = Principals::of(&[&ada]);
    let origins = format!("[\"{PANEL}\"]");
    let guarded = principals.builder().env("REVCONF_HTTP_CORS_ORIGINS", &origins).start();
    let open = Server::start();
    for client in [guarded.client().with_key(&ada.key), open.client()] {
        for origin in ["https://evil.example.com", "null", "https://panel.example.com.evil.org"] {
            let page = client.with_header("Origin", origin);
            let refused = page.request("POST", WEB).body(service("web").to_string()).send().expect_error(403);
            assert!(refused.message().contains("origin"), "{refused:?}");
            page.request("GET", SERVICES).send().expect(200);
        }
    }
    // The service's own page may.
    let own = open.client().with_header("Origin", &format!("http://{}", open.address()));
    own.post(WEB, &service("web")).expect(201);
}
