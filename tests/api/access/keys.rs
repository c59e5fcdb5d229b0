//! `revconf key new`.

use super::{Principals, WEB, new_key};
use crate::support::documents::service;
use crate::support::program::run;

#[test]
fn what_is_printed_is_all_that_is_needed() {
    let ada = new_key("Ada \"L\"", &["editor=prod", "reader=*"], &["--email", "ada@example.org"]);
    let principals = Principals::of(&[&ada]);
    let server = principals.builder().start();
    let version = server.client().with_key(&ada.key).post(WEB, &service("web")).expect(201).version();
    let commit = server.git().head(&version);
    assert_eq!((commit.author.as_str(), commit.email.as_str()), ("Ada \"L\"", "ada@example.org"));
    assert_eq!(commit.committer, "revconf");
}

#[test]
fn a_key_has_256_bits_and_is_stored_as_a_hash_alone() {
    let (one, other) = (new_key("ci", &["reader=*"], &[]), new_key("ci", &["reader=*"], &[]));
    assert_ne!(one.key, other.key);
    assert_eq!(one.secret().len(), 64, "{}", one.secret());
    assert!(one.secret().bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert!(!one.entry.contains(one.secret()), "{}", one.entry);
    assert!(one.entry.contains("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", one.entry);
    assert_eq!(one.entry.matches("signing_key").count(), 0);
}

#[test]
fn what_could_not_be_read_back_is_refused() {
    for (arguments, said) in [
        (&["key", "new", "--name", "a:b"][..], "colon"),
        (&["key", "new", "--name", "a<b"], "name"),
        (&["key", "new", "--name", ""], "name"),
    ] {
        let finished = run(arguments);
        assert_eq!(finished.code(), Some(1), "{finished:?}");
        assert!(finished.stderr.contains(said) && finished.stdout.is_empty(), "{finished:?}");
    }
    for role in ["owner=*", "reader", "reader=PROD"] {
        let finished = run(&["key", "new", "--name", "a", "--role", role]);
        assert_eq!(finished.code(), Some(2), "{finished:?}");
        assert!(finished.stderr.contains("editor=staging-*"), "{finished:?}");
    }
}
