//! The program as a client that shows a key, over TLS or not.

use std::process::Command;

use super::tls::Authority;
use super::{Principals, new_key, set_mode};
use crate::support::Server;
use crate::support::program::{Finished, finish, run_with};

#[track_caller]
fn ask(server: &Server, scheme: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Finished {
    let url = format!("{scheme}://{}", server.address());
    let all = [&[("REVCONF_SERVER", url.as_str()), ("NO_PROXY", "127.0.0.1")], environment].concat();
    run_with(arguments, br#"{"host": "10.0.0.1"}"#, &all)
}

const PUT: &[&str] = &["put", "backends/api", "-f", "-"];

#[test]
fn a_key_comes_from_the_environment_or_a_file() {
    let ada = new_key("Ada", &["editor=prod"], &[]);
    let reader = new_key("Reader", &["reader=prod"], &[]);
    let principals = Principals::of(&[&ada, &reader]);
    let server = principals.builder().start();
    let nobody = ask(&server, "http", PUT, &[]);
    assert_eq!(nobody.code(), Some(1), "{nobody:?}");
    assert!(nobody.stderr.contains("REVCONF_KEY or --key-file"), "{nobody:?}");
    ask(&server, "http", PUT, &[("REVCONF_KEY", &ada.key)]).expect_success();
    assert_eq!(server.git().head("prod").author, "Ada");
    let refused = ask(&server, "http", PUT, &[("REVCONF_KEY", &reader.key)]);
    assert_eq!(refused.code(), Some(1), "{refused:?}");
    ask(&server, "http", &["log"], &[("REVCONF_KEY", &reader.key)]).expect_success();
    let path = principals.folder().join("ada.key");
    std::fs::write(&path, format!("{}\n", ada.key)).expect("a file can be written");
    set_mode(&path, 0o600);
    let path = path.to_str().expect("a path in UTF-8");
    let rm = ["rm", "backends/api", "--key-file", path];
    // The file that is named counts before the variable.
    ask(&server, "http", &rm, &[("REVCONF_KEY", &reader.key)]).expect_success();
    for (arguments, environment) in [
        (&["ls", "--key-file", "/nowhere"][..], &[][..]),
        (&["ls"], &[("REVCONF_KEY", "two words")]),
        (&["ls", "--key", "rck_x"], &[]),
    ] {
        let finished = ask(&server, "http", arguments, environment);
        assert_eq!(finished.code(), Some(2), "{finished:?}");
    }
}

#[test]
fn over_tls_the_certificate_is_checked() {
    let authority = Authority::new();
    authority.issue("one");
    authority.install("one");
    let server = authority.builder(Server::builder()).start();
    let ca = authority.text("ca.pem");
    ask(&server, "https", &[PUT, &["--ca", &ca]].concat(), &[]).expect_success();
    ask(&server, "https", &["get", "backends/api"], &[("REVCONF_CA", &ca)]).expect_success();
    // The system knows nothing of this issuer; neither does another one.
    let other = Authority::new();
    for arguments in [&["ls"][..], &["ls", "--ca", &other.text("ca.pem")]] {
        let finished = ask(&server, "https", arguments, &[]);
        assert_eq!(finished.code(), Some(5), "{finished:?}");
        assert!(finished.stderr.contains("certificate"), "{finished:?}");
    }
    let no_certificate = ask(&server, "https", &["ls", "--ca", &authority.text("ca.key")], &[]);
    assert_eq!(no_certificate.code(), Some(2), "{no_certificate:?}");
    let wrong = ask(&server, "http", &["ls"], &[]);
    assert_eq!(wrong.code(), Some(5), "{wrong:?}");
}

/// The client brought the TLS library's own log along.
#[test]
fn strange_greetings_do_not_fill_the_log_of_the_service() {
    let authority = Authority::new();
    authority.issue("one");
    authority.install("one");
    let mut server = authority.builder(Server::builder()).start();
    let mut command = Command::new("openssl");
    command.args(["s_client", "-servername", "no name..at all", "-connect", server.address()]);
    finish(command, b"");
    // An issuer that the client does not trust makes it send an alert.
    ask(&server, "https", &["ls"], &[]);
    ask(&server, "https", &["ls", "--ca", &authority.text("ca.pem")], &[]).expect_success();
    server.stop();
    let warned = |line: &String| line.contains("\"WARN\"") || line.contains("\"ERROR\"");
    let lines: Vec<_> = server.log_lines().into_iter().filter(warned).collect();
    assert_eq!(lines, Vec::<String>::new());
}
