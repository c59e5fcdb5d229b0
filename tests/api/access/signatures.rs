//! Azure's `SharedAccessSignature`, made by openssl.

use std::process::Command;

use chrono::{TimeDelta, Utc};

use super::{NewKey, Principals, SERVICES, WEB, new_key};
use crate::support::documents::service;
use crate::support::program::finish;
use crate::support::{Answer, Client, Server};

/// HMAC-SHA512 in base64.
#[track_caller]
fn sign(key: &str, text: &str) -> String {
    let mut command = Command::new("sh");
    command.args(["-c", "openssl dgst -sha512 -hmac \"$0\" -binary | base64 -w0", key]);
    finish(command, text.as_bytes()).expect_success().stdout
}

/// A time from now, as C#'s format "O" has it.
fn ex(seconds: i64) -> String {
    (Utc::now() + TimeDelta::seconds(seconds)).format("%Y-%m-%dT%H:%M:%S.0000000Z").to_string()
}

#[track_caller]
fn show(client: &Client, fields: &str) -> Answer {
    let client = client.with_header("Authorization", &format!("SharedAccessSignature {fields}"));
    client.request("GET", SERVICES).unchecked().send()
}

/// A service with `ada`, who signs, and `bob`, who does not.
fn start() -> (Server, Principals, NewKey, NewKey) {
    let ada = new_key("ada", &["editor=prod"], &["--signing"]);
    let bob = new_key("bob", &["admin=*"], &[]);
    let principals = Principals::of(&[&ada, &bob]);
    let server = principals.builder().env("REVCONF_ACCESS_GUESSES", "1000").start();
    (server, principals, ada, bob)
}

#[test]
fn a_signature_opens_what_its_principal_may() {
    let (server, _principals, ada, _) = start();
    let ex = ex(600);
    let sn = sign(&ada.field("signing_key"), &format!("ada\n{ex}"));
    let token = format!("SharedAccessSignature uid=ada&ex={ex}&sn={sn}");
    let client = server.client().with_header("Authorization", &token);
    let version = client.post(WEB, &service("web")).expect(201).version();
    assert_eq!(server.git().head(&version).author, "ada");
    client.delete("/conf/configs/prod").expect_error(403);
}

#[test]
fn the_plus_of_base64_is_a_plus() {
    let (server, _principals, ada, _) = start();
    let key = ada.field("signing_key");
    let (ex, sn) = (600..700)
        .map(ex)
        .map(|ex| (ex.clone(), sign(&key, &format!("ada\n{ex}"))))
        .find(|(_, sn)| sn.contains('+') && sn.contains('/'))
        .expect("one of a hundred signatures has a plus");
    show(&server.client(), &format!("uid=ada&ex={ex}&sn={sn}")).expect(200);
    // Nothing is decoded as a form's fields are.
    let encoded = sn.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    show(&server.client(), &format!("uid=ada&ex={ex}&sn={encoded}")).expect(401);
    show(&server.client(), &format!("uid=ada&ex={ex}&sn={}", sn.replace('+', " "))).expect(401);
}

#[test]
fn the_fields_come_in_any_order_but_are_signed_in_one() {
    let (server, _principals, ada, _) = start();
    let (key, ex) = (ada.field("signing_key"), ex(600));
    let sn = sign(&key, &format!("ada\n{ex}"));
    for fields in [
        format!("sn={sn}&ex={ex}&uid=ada"),
        format!("ex={ex}&uid=ada&sn={sn}"),
        format!("uid=ada&sn={sn}&ex={ex}"),
    ] {
        show(&server.client(), &fields).expect(200);
    }
    for signed in [format!("{ex}\nada"), format!("ada{ex}"), format!("ada\n{ex}\n"), format!("ada\r\n{ex}")] {
        show(&server.client(), &format!("uid=ada&ex={ex}&sn={}", sign(&key, &signed))).expect(401);
    }
    for fields in [
        format!("uid=ada&ex={ex}"),
        format!("uid=ada&ex={ex}&sn={sn}&sn={sn}"),
        format!("uid=ada&ex={ex}&sn={sn}&x=y"),
        format!("uid=ada&ex={ex}&sn="),
        String::new(),
    ] {
        show(&server.client(), &fields).expect(401);
    }
}

#[test]
fn what_is_past_is_refused() {
    let (server, _principals, ada, _) = start();
    let key = ada.field("signing_key");
    for past in [ex(-1), ex(-86_400), "2014-08-04T22:03:00.0000000Z".to_owned()] {
        let sn = sign(&key, &format!("ada\n{past}"));
        let answer = show(&server.client(), &format!("uid=ada&ex={past}&sn={sn}")).expect_error(401);
        assert!(answer.message().contains("expired"), "{answer:?}");
    }
    // A signature that is remembered expires all the same.
    let soon = ex(3);
    let fields = format!("uid=ada&ex={soon}&sn={}", sign(&key, &format!("ada\n{soon}")));
    show(&server.client(), &fields).expect(200);
    crate::support::wait_for("the signature to expire", || {
        (show(&server.client(), &fields).status == 401).then_some(())
    });
    for never in ["tomorrow", "", "99999999999"] {
        let sn = sign(&key, &format!("ada\n{never}"));
        show(&server.client(), &format!("uid=ada&ex={never}&sn={sn}")).expect(401);
    }
}

#[test]
fn times_of_iso_8601() {
    let (server, _principals, ada, _) = start();
    let key = ada.field("signing_key");
    let later = Utc::now() + TimeDelta::seconds(600);
    for ex in [
        later.to_rfc3339(),
        later.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        later.format("%Y-%m-%dT%H:%M:%S").to_string(),
        (later + TimeDelta::hours(5)).format("%Y-%m-%dT%H:%M:%S+05:00").to_string(),
    ] {
        let sn = sign(&key, &format!("ada\n{ex}"));
        show(&server.client(), &format!("uid=ada&ex={ex}&sn={sn}")).expect(200);
    }
    // Five hours ago, in an offset that makes it look later.
    let ex = (later - TimeDelta::hours(1)).format("%Y-%m-%dT%H:%M:%S-00:00").to_string();
    let sn = sign(&key, &format!("ada\n{ex}"));
    show(&server.client(), &format!("uid=ada&ex={ex}&sn={sn}")).expect(401);
}

#[test]
fn what_was_tampered_with_is_refused() {
    let (server, _principals, ada, _) = start();
    let (key, until) = (ada.field("signing_key"), ex(600));
    let sn = sign(&key, &format!("ada\n{until}"));
    let longer = ex(6000);
    let mut other = sn.clone().into_bytes();
    other[0] = if other[0] == b'A' { b'B' } else { b'A' };
    let other = String::from_utf8(other).expect("base64");
    for fields in [
        format!("uid=bob&ex={until}&sn={sn}"),
        format!("uid=ada&ex={longer}&sn={sn}"),
        format!("uid=ada&ex={until}&sn={other}"),
        format!("uid=ada&ex={until}&sn={}", &sn[..40]),
        format!("uid=ADA&ex={until}&sn={sn}"),
    ] {
        let answer = show(&server.client(), &fields).expect_error(401);
        assert!(!answer.message().contains("expired"), "{answer:?}");
    }
}

#[test]
fn a_principal_without_a_signing_key_signs_nothing() {
    let (server, _principals, ada, bob) = start();
    let until = ex(600);
    for key in [bob.key.as_str(), bob.secret(), &ada.field("signing_key"), "a key that nobody has"] {
        let sn = sign(key, &format!("bob\n{until}"));
        show(&server.client(), &format!("uid=bob&ex={until}&sn={sn}")).expect(401);
        let sn = sign(key, &format!("nobody\n{until}"));
        show(&server.client(), &format!("uid=nobody&ex={until}&sn={sn}")).expect(401);
    }
}

#[test]
fn a_signing_key_is_good_for_nothing_else_and_a_key_does_not_sign() {
    let (server, _principals, ada, _) = start();
    let (signing, until) = (ada.field("signing_key"), ex(600));
    for line in [format!("Bearer {signing}"), format!("Basic {signing}")] {
        let client = server.client().with_header("Authorization", &line);
        client.request("GET", SERVICES).unchecked().send().expect(401);
    }
    let sn = sign(&ada.key, &format!("ada\n{until}"));
    show(&server.client(), &format!("uid=ada&ex={until}&sn={sn}")).expect(401);
}
