//! Clients' certificates as principals.

use std::fs;

use super::tls::{Authority, ending};
use super::{Principals, SERVICES, WEB, new_key, wait_for_word};
use crate::support::documents::service;
use crate::support::{Server, wait_for};

/// A service that asks clients for certificates of an authority, and whose principal `ada` has that of `laptop`.
fn start() -> (Authority, Principals, Server, super::NewKey) {
    let authority = Authority::new();
    for name in ["server", "laptop", "stranger"] {
        authority.issue(name);
    }
    authority.install("server");
    let ada = new_key("ada", &["editor=prod"], &[]);
    let principals = Principals::new(&with_certificate(&ada, &authority.fingerprint("laptop")));
    let server = authority
        .builder(principals.builder())
        .env("REVCONF_TLS_CLIENT_CA", &authority.text("ca.pem"))
        .start();
    (authority, principals, server, ada)
}

fn with_certificate(key: &super::NewKey, fingerprint: &str) -> String {
    format!("{}certificates = [\"{fingerprint}\"]\n", key.entry)
}

fn showing(authority: &Authority, name: &str) -> [String; 4] {
    let file = |ending: &str| authority.text(&format!("{name}.{ending}"));
    ["--cert".to_owned(), file("pem"), "--key".to_owned(), file("key")]
}

#[test]
fn a_certificate_that_is_listed_is_its_principal() {
    let (authority, _principals, server, _) = start();
    let laptop = showing(&authority, "laptop");
    let body = service("web").to_string();
    for flag in ["--http1.1", "--http2"] {
        let more: Vec<&str> = laptop.iter().map(String::as_str).chain([flag]).collect();
        assert_eq!(ending(authority.curl(&server, SERVICES, &more)).0, 200, "{flag}");
    }
    let more: Vec<&str> = laptop.iter().map(String::as_str).chain(["--json", &body]).collect();
    assert_eq!(ending(authority.curl(&server, WEB, &more)).0, 201);
    assert_eq!(server.git().head("prod").author, "ada");
    let more: Vec<&str> = laptop.iter().map(String::as_str).chain(["-X", "DELETE"]).collect();
    assert_eq!(ending(authority.curl(&server, "/conf/configs/prod", &more)).0, 403);
}

#[test]
fn any_other_certificate_is_nobodys() {
    let (authority, _principals, server, ada) = start();
    let stranger = showing(&authority, "stranger");
    let more: Vec<&str> = stranger.iter().map(String::as_str).collect();
    assert_eq!(ending(authority.curl(&server, SERVICES, &more)).0, 401);
    assert_eq!(ending(authority.curl(&server, SERVICES, &[])).0, 401);
    // A key goes before the certificate.
    let user = format!("ada:{}", ada.key);
    let with_key: Vec<&str> = more.iter().copied().chain(["-u", &user]).collect();
    assert_eq!(ending(authority.curl(&server, SERVICES, &with_key)).0, 200);
    // One that the authority has not issued does not get so far.
    let other = Authority::new();
    other.issue("laptop");
    let foreign = showing(&other, "laptop");
    let more: Vec<&str> = foreign.iter().map(String::as_str).collect();
    assert!(!authority.curl(&server, SERVICES, &more).status.success());
}

#[test]
fn a_certificate_that_is_taken_out_of_the_list_is_out() {
    let (authority, principals, server, ada) = start();
    let laptop = showing(&authority, "laptop");
    let more: Vec<&str> = laptop.iter().map(String::as_str).collect();
    assert_eq!(ending(authority.curl(&server, SERVICES, &more)).0, 200);
    principals.write(&ada.entry);
    wait_for("the certificate to be nobody's", || {
        (ending(authority.curl(&server, SERVICES, &more)).0 == 401).then_some(())
    });
}

#[test]
fn new_issuers_are_heeded_without_a_restart_and_broken_ones_are_not() {
    let (authority, _principals, server, _) = start();
    let (new, ca) = (Authority::new(), authority.path("ca.pem"));
    let first = fs::read(&ca).expect("the issuer's certificate");
    let laptop = showing(&authority, "laptop");
    let more: Vec<&str> = laptop.iter().map(String::as_str).collect();
    // curl goes on trusting the service's own certificate, which the first authority has issued.
    let trusted = authority.path("trusted.pem");
    fs::write(&trusted, &first).expect("written");
    let trusted = ["--cacert", trusted.to_str().expect("UTF-8")];
    let asked = || authority.curl(&server, SERVICES, &[&more[..], &trusted].concat());
    assert_eq!(ending(asked()).0, 200);
    fs::write(&ca, "no certificate\n").expect("written");
    wait_for_word(&server, "the issuers of clients' certificates stay as they were");
    assert_eq!(ending(asked()).0, 200);
    fs::copy(new.path("ca.pem"), &ca).expect("copied");
    wait_for("the first authority's certificates to be refused", || {
        (!asked().status.success()).then_some(())
    });
    fs::write(&ca, &first).expect("written");
    wait_for("them to be taken again", || asked().status.success().then_some(()));
    assert_eq!(ending(asked()).0, 200);
}
