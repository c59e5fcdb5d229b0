//! No key is in a log, an error, the audit trail or the repository.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::tls::{Authority, ending};
use super::{Principals, SERVICES, WEB, new_key};
use crate::support::documents::service;

/// Every file below a folder: its path and bytes.
fn files(folder: &Path, into: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, into);
        } else {
            into.push((path.display().to_string(), fs::read(&path).unwrap_or_default()));
        }
    }
}

fn holds(bytes: &[u8], secret: &str) -> bool {
    bytes.windows(secret.len()).any(|window| window == secret.as_bytes())
}

#[test]
fn no_key_is_written_anywhere() {
    let ada = new_key("ada", &["admin=*"], &["--signing"]);
    // A key that is nobody's, whose secret must not be told either.
    let stray = new_key("stray", &["admin=*"], &["--signing"]);
    let principals = Principals::of(&[&ada]);
    let trail = principals.folder().join("audit");
    let server = principals
        .builder()
        .env("REVCONF_AUDIT_FILE", trail.to_str().expect("a path in UTF-8"))
        .env("REVCONF_LOG_LEVEL", "trace")
        .start();
    let client = server.client();
    let right = client.with_key(&ada.key);
    right.post(WEB, &service("web")).expect(201);
    right.put("/backends/a", &json!({"host": "a.example"})).expect(201);
    right.get("/conf/configs").expect(200);
    let signing = ada.field("signing_key");
    let mut bodies = Vec::new();
    let mut ask = |name: &str, value: &str, path: &str| {
        let client = client.with_header(name, value);
        bodies.push(client.request("GET", path).unchecked().send());
    };
    for line in [
        format!("Bearer {}", stray.key),
        format!("Basic {}", stray.key),
        format!("Bearer {}", signing),
        format!("Digest {}", stray.key),
        format!("SharedAccessSignature uid=ada&ex={}&sn={}", stray.key, stray.key),
    ] {
        ask("Authorization", &line, SERVICES);
    }
    // A key where none belongs.
    let shown = format!("Bearer {}", ada.key);
    let lost = format!("/conf/{}/backend-services", stray.key);
    ask("Authorization", &shown, "/openapi.json");
    ask("X-Key", &stray.key, SERVICES);
    for answer in &bodies {
        for secret in [ada.secret(), stray.secret(), signing.as_str()] {
            assert!(!holds(&answer.body, secret), "an answer tells a key: {}", answer.status);
            for value in answer.headers.values() {
                assert!(!holds(value.as_bytes(), secret), "an answer's header tells a key");
            }
        }
    }
    right.request("DELETE", &lost).unchecked().send().expect(404);
    right.get(WEB).expect(200);

    let mut found = Vec::new();
    files(server.data(), &mut found);
    found.push(("the audit trail".to_owned(), fs::read(&trail).expect("the audit trail")));
    found.push(("the log".to_owned(), server.log_lines().join("\n").into_bytes()));
    // What git has compressed is looked at unpacked.
    let objects = server.git().contents();
    assert!(holds(&objects, "author ada"), "the commits are there");
    found.push(("the repository".to_owned(), objects));
    assert!(found.len() > 10, "there is something to look at");
    for (place, bytes) in &found {
        for secret in [ada.secret(), stray.secret(), signing.as_str(), &stray.field("signing_key")] {
            assert!(!holds(bytes, secret), "{place} has a key");
        }
    }
    for line in server.log_lines() {
        assert!(!line.to_lowercase().contains("\"authorization\""), "a header's value may be near: {line}");
    }
}

/// Libraries are talkative at this level, and those of TLS and HTTP/2 have all of a request in their hands.
#[test]
fn no_key_is_logged_over_tls_and_http_2_either() {
    let authority = Authority::new();
    authority.issue("one");
    authority.install("one");
    let ada = new_key("ada", &["editor=prod"], &[]);
    let stray = new_key("stray", &["editor=prod"], &[]);
    let principals = Principals::of(&[&ada]);
    let server = authority.builder(principals.builder()).env("REVCONF_LOG_LEVEL", "trace").start();
    for (key, status) in [(&ada, 200), (&stray, 401)] {
        let (bearer, user) = (format!("Authorization: Bearer {}", key.key), format!("ada:{}", key.key));
        for version in ["--http2", "--http1.1"] {
            let told = authority.curl(&server, SERVICES, &[version, "-H", &bearer]);
            assert_eq!(ending(told).0, status);
            let told = authority.curl(&server, SERVICES, &[version, "-u", &user]);
            assert_eq!(ending(told).0, status);
        }
    }
    let log = server.log_lines().join("\n");
    assert!(log.contains("TRACE"), "the log is at its most talkative");
    for key in [&ada, &stray] {
        let pair = STANDARD.encode(format!("ada:{}", key.key));
        assert!(!log.contains(key.secret()), "a key is in the log");
        assert!(!log.contains(&pair[20..60]), "a key is in the log, encoded");
        // Nor as a list of bytes.
        let bytes: Vec<_> = key.secret().bytes().take(12).map(|byte| byte.to_string()).collect();
        assert!(!log.contains(&bytes.join(", ")), "a key is in the log, byte by byte");
    }
}

#[test]
fn what_is_wrong_with_the_principals_file_is_told_without_its_secrets() {
    let ada = new_key("ada", &["admin=*"], &["--signing"]);
    let signing = ada.field("signing_key");
    for broken in [
        ada.entry.replace("signing_key = \"", "signing_key = "),
        ada.entry.replace("signing_key = ", "signing_key = 1 # "),
        ada.entry.replace("signing_key", "signing_kye"),
        ada.entry.replace(&format!("\"{signing}\""), &format!("[\"{signing}\"]")),
        ada.entry.replace("keys = [", &format!("keys = [\"{}\", ", ada.key)),
        format!("{}\n{}\n", ada.entry, ada.key),
        format!("{}\n{} = 1\n", ada.entry, ada.key),
        format!("{}roles = [\"{}\"]\n", ada.entry.replace("roles", "certificates"), ada.key),
    ] {
        let finished = Principals::new(&broken).builder().run();
        assert_eq!(finished.code(), Some(1), "{broken}");
        let said = format!("{}{}", finished.stdout, finished.stderr);
        assert!(said.contains("principals"), "{said}");
        assert!(!said.contains(ada.secret()) && !said.contains(&signing), "{said}");
    }
}
