//! The ways to show a key, all for the same principals.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Principals, SERVICES, WEB, metric, new_key};
use crate::support::documents::{described, service};

#[test]
fn a_key_is_taken_as_bearer_as_password_and_as_it_is() {
    let ada = new_key("Ada L", &["editor=*"], &["--email", "ada@example.org"]);
    let server = Principals::of(&[&ada]).builder().start();
    let client = server.client();
    let pair = STANDARD.encode(format!("Ada L:{}", ada.key));
    let ways = [
        format!("Bearer {}", ada.key),
        format!("bearer {}", ada.key),
        format!("Basic {pair}"),
        format!("BASIC {}", pair.trim_end_matches('=')),
        format!("Basic {}", ada.key),
    ];
    client.with_key(&ada.key).post(WEB, &service("web")).expect(201);
    for (number, way) in ways.iter().enumerate() {
        let shown = client.with_header("Authorization", way);
        shown.get(SERVICES).expect(200);
        let version = shown.put(WEB, &described("web", &number.to_string())).expect(200).version();
        assert_eq!(server.git().head(&version).author, "Ada L", "{way}");
    }
}

#[test]
fn what_is_not_right_is_401_in_the_same_words() {
    let (ada, bob) = (new_key("ada", &["admin=*"], &[]), new_key("bob", &["admin=*"], &[]));
    let server = Principals::of(&[&ada]).builder().env("REVCONF_ACCESS_GUESSES", "1000").start();
    let client = server.client();
    let flipped = {
        let (start, last) = ada.key.split_at(ada.key.len() - 1);
        format!("{start}{}", if last == "0" { "1" } else { "0" })
    };
    let pair = |text: &str| format!("Basic {}", STANDARD.encode(text));
    let wrong = [
        format!("Bearer {flipped}"),
        format!("Bearer {}", bob.key),
        format!("Bearer {}x", ada.key),
        "Bearer".to_owned(),
        format!("Token {}", ada.key),
        ada.key.clone(),
        pair(&format!("bob:{}", ada.key)),
        pair(&format!(":{}", ada.key)),
        pair(&format!("ada:{flipped}")),
        pair("ada:password"),
        pair(&ada.key),
        "Basic !".to_owned(),
    ];
    let mut said = Vec::new();
    for way in &wrong {
        let answer = client.with_header("Authorization", way).request("GET", SERVICES).unchecked().send();
        said.push(answer.expect_error(401).message());
    }
    said.dedup();
    assert_eq!(said.len(), 1, "what is wrong is not told: {said:?}");
    let twice = client.with_key(&ada.key).with_key(&ada.key);
    twice.request("GET", SERVICES).unchecked().send().expect_error(401);
}

#[test]
fn who_shows_nothing_is_told_what_to_show() {
    let ada = new_key("ada", &["admin=*"], &[]);
    let server = Principals::of(&[&ada]).builder().start();
    let answer = server.client().request("GET", SERVICES).unchecked().send().expect_error(401);
    let challenges: Vec<_> =
        answer.headers.get_all("www-authenticate").iter().filter_map(|value| value.to_str().ok()).collect();
    for scheme in ["Bearer ", "Basic ", "SharedAccessSignature "] {
        assert!(challenges.iter().any(|challenge| challenge.starts_with(scheme)), "{challenges:?}");
    }
}

#[test]
fn a_verified_key_is_remembered() {
    let ada = new_key("ada", &["editor=*"], &[]);
    let server = Principals::of(&[&ada]).builder().start();
    let client = server.client().with_key(&ada.key);
    for _ in 0..200 {
        client.get(SERVICES).expect(200);
    }
    assert_eq!(metric(&client, "revconf_key_checks_total"), 1, "one check for all of these");
}

#[test]
fn many_who_bring_a_key_at_once_have_it_checked_once() {
    let ada = new_key("ada", &["editor=*"], &[]);
    let server = Principals::of(&[&ada]).builder().start();
    let client = server.client();
    std::thread::scope(|threads| {
        for _ in 0..20 {
            threads.spawn(|| {
                let shown = client.with_key(&ada.key);
                shown.request("GET", SERVICES).unchecked().send().expect(200);
            });
        }
    });
    assert_eq!(metric(&client.with_key(&ada.key), "revconf_key_checks_total"), 1);
}

#[test]
fn nothing_is_remembered_where_the_settings_say_so() {
    let ada = new_key("ada", &["editor=*"], &[]);
    let server = Principals::of(&[&ada]).builder().env("REVCONF_ACCESS_REMEMBER", "0").start();
    let client = server.client().with_key(&ada.key);
    for _ in 0..5 {
        client.request("GET", SERVICES).unchecked().send().expect(200);
    }
    assert_eq!(metric(&client, "revconf_key_checks_total"), 6, "one more for /metrics itself");
}
