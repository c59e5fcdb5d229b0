//! Everything that is wrong with the settings of mirrors is told at the start, at once.

use super::{Outside, follow, push, text_of};
use crate::support::Server;

/// What the service says that refuses to start with these settings.
#[track_caller]
fn refused(settings: &str) -> String {
    let finished = Server::builder().config(settings).run();
    assert_eq!(finished.code(), Some(1), "{finished:?}");
    finished.stderr
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let outside = Outside::new();
    let short = outside.secret("short", "short");
    let open = outside.path("open");
    std::fs::write(&open, "a token").expect("a file");
    let settings = [
        push(&outside.path("a"), "interval = 5"),
        push(&outside.path("b"), &format!("token_file = {:?}", text_of(&open))),
        follow(&outside.path("c"), "interval = 100000000"),
        follow(&outside.path("d"), "known_hosts = \"/nonexistent/hosts\""),
    ];
    let said = refused(&settings.join("\n"));
    for part in [
        "interval means nothing with direction = \\\"push\\\"",
        "there are two of this name",
        "are for https",
        "chmod 600",
        "interval must be from 0 to 86400",
        "follows another mirror already",
        "/nonexistent/hosts cannot be read",
    ] {
        let plain = part.replace('\\', "");
        assert!(said.contains(part) || said.contains(&plain), "{part}:\n{said}");
    }
    let said = refused(&follow(&outside.path("c"), &format!("secret_file = {short:?}")));
    assert!(said.contains("16 bytes"), "{said}");
}

#[test]
fn an_address_that_is_a_command_or_shows_a_secret_is_refused() {
    for url in ["ext::sh -c true", "https://ada:secret@example.org/x", "-oProxyCommand=x", "relative/path"] {
        let settings = format!("[[mirrors]]\nname = \"a\"\ndirection = \"push\"\nurl = {url:?}\n");
        let said = refused(&settings);
        assert!(said.contains("mirror") && said.contains("url"), "{url}: {said}");
    }
}

#[test]
fn what_is_unknown_or_missing_is_named() {
    for (settings, part) in [
        ("[[mirrors]]\nname = \"a\"\nurl = \"/x\"\n", "direction"),
        ("[[mirrors]]\nname = \"a\"\nurl = \"/x\"\ndirection = \"pull\"\n", "pull"),
        ("[[mirrors]]\nname = \"a\"\nurl = \"/x\"\ndirection = \"push\"\nsecret = \"x\"\n", "secret"),
        (
            "[[mirrors]]\nname = \"a\"\nurl = \"/x\"\ndirection = \"push\"\narchives = \"here\"\n",
            "archives must be true, false or",
        ),
        ("[[mirrors]]\nname = \"a\"\nurl = \"/x\"\ndirection = \"follow\"\n", "configuration"),
        ("[[mirrors]]\nname = \"A\"\nurl = \"/x\"\ndirection = \"push\"\n", "name must be"),
    ] {
        let said = refused(settings);
        assert!(said.contains(part), "{part}: {said}");
    }
}
