//! TLS, with certificates that openssl makes and curl checks.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Principals, SERVICES, WEB, new_key, wait_for_word};
use crate::support::documents::service;
use crate::support::program::{Finished, finish};
use crate::support::server::Builder;
use crate::support::{Server, wait_for};

/// An issuer of certificates, and what it issued, in a folder.
pub struct Authority {
    folder: tempfile::TempDir,
}

impl Authority {
    #[track_caller]
    pub fn new() -> Self {
        let authority = Self { folder: tempfile::tempdir().expect("a temporary directory") };
        authority.openssl(&[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
            "-days",
            "2",
            "-subj",
            "/CN=The tests' authority",
        ]);
        authority
    }

    #[track_caller]
    fn openssl(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("openssl");
        command.args(arguments).current_dir(self.folder.path());
        finish(command, b"").expect_success().stdout
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("a path in UTF-8").to_owned()
    }

    /// Issues `NAME.pem` with `NAME.key`, for this machine.
    #[track_caller]
    pub fn issue(&self, name: &str) {
        let (key, request, certificate) =
            (format!("{name}.key"), format!("{name}.csr"), format!("{name}.pem"));
        self.openssl(&[
            "req",
            "-new",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-keyout",
            &key,
            "-out",
            &request,
            "-subj",
            &format!("/CN={name}"),
        ]);
        fs::write(self.path("extensions"), "subjectAltName=IP:127.0.0.1\n").expect("a file can be written");
        self.openssl(&[
            "x509",
            "-req",
            "-in",
            &request,
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            "2",
            "-extfile",
            "extensions",
            "-out",
            &certificate,
        ]);
    }

    /// The SHA-256 of a certificate, as openssl prints it.
    #[track_caller]
    pub fn fingerprint(&self, name: &str) -> String {
        let certificate = format!("{name}.pem");
        let said = self.openssl(&["x509", "-in", &certificate, "-noout", "-fingerprint", "-sha256"]);
        said.split('=').nth(1).expect("a fingerprint").trim().to_owned()
    }

    /// Puts a certificate and its key where the service reads them.
    #[track_caller]
    pub fn install(&self, name: &str) {
        self.replace("served.key", &format!("{name}.key"));
        self.replace("served.pem", &format!("{name}.pem"));
    }

    /// Makes a file a copy of another at once: half a copy may be looked at.
    #[track_caller]
    pub fn replace(&self, file: &str, by: &str) {
        let copy = self.path("copy");
        fs::copy(self.path(by), &copy).expect("it can be copied");
        fs::rename(copy, self.path(file)).expect("it can be moved");
    }

    pub fn builder(&self, builder: Builder) -> Builder {
        builder
            .env("REVCONF_TLS_CERTIFICATE", &self.text("served.pem"))
            .env("REVCONF_TLS_KEY", &self.text("served.key"))
    }

    /// What curl says of a path; it trusts this authority and nobody else.
    pub fn curl(&self, server: &Server, path: &str, more: &[&str]) -> Finished {
        let mut command = Command::new("curl");
        command.args(["-s", "-i", "-w", "\n%{http_code} %{http_version}", "--cacert", &self.text("ca.pem")]);
        command.args(more).arg(format!("https://{}{path}", server.address()));
        finish(command, b"")
    }
}

/// The status and version of HTTP at the end of what curl said.
#[track_caller]
pub fn ending(finished: Finished) -> (u16, String) {
    let said = finished.expect_success().stdout;
    let (_, ending) = said.trim_end().rsplit_once('\n').expect("an ending");
    let (status, version) = ending.split_once(' ').expect("a status and a version");
    (status.parse().expect("a status"), version.to_owned())
}

/// The serial number of the certificate that the service shows now.
fn shown(authority: &Authority, server: &Server) -> String {
    let mut command = Command::new("sh");
    let script = "openssl s_client -connect \"$0\" </dev/null 2>/dev/null | openssl x509 -noout -serial";
    command.args(["-c", script, server.address()]).current_dir(authority.folder.path());
    finish(command, b"").stdout.trim().to_owned()
}

fn serial(authority: &Authority, name: &str) -> String {
    authority.openssl(&["x509", "-in", &format!("{name}.pem"), "-noout", "-serial"]).trim().to_owned()
}

#[test]
fn the_service_speaks_tls_and_http_2() {
    let authority = Authority::new();
    authority.issue("one");
    authority.install("one");
    let ada = new_key("ada", &["editor=prod"], &[]);
    let principals = Principals::of(&[&ada]);
    let server = authority.builder(principals.builder()).start();
    let user = format!("ada:{}", ada.key);
    let body = service("web").to_string();
    let known = ["-u", user.as_str()];
    assert_eq!(ending(authority.curl(&server, SERVICES, &["--http2"])), (401, "2".to_owned()));
    let post = [&known[..], &["--http2", "--json", &body]].concat();
    assert_eq!(ending(authority.curl(&server, WEB, &post)), (201, "2".to_owned()));
    assert_eq!(server.git().head("prod").author, "ada");
    for (flag, version) in [("--http2", "2"), ("--http1.1", "1.1")] {
        let read = authority.curl(&server, WEB, &[&known[..], &[flag]].concat());
        assert!(
            read.stdout.to_lowercase().contains("strict-transport-security: max-age=63072000"),
            "{read:?}"
        );
        assert_eq!(ending(read), (200, version.to_owned()));
    }
    for (version, served) in [("1.1", false), ("1.2", true), ("1.3", true)] {
        let least = format!("--tlsv{version}");
        let only = [&known[..], &["--tls-max", version, least.as_str()]].concat();
        assert_eq!(authority.curl(&server, WEB, &only).status.success(), served, "TLS {version}");
    }
    // Nobody is served without it.
    let mut plain = Command::new("curl");
    plain.args(["-s", &format!("http://{}{SERVICES}", server.address())]);
    assert!(!finish(plain, b"").status.success());
}

#[test]
fn what_is_read_is_the_same_over_http_2() {
    let authority = Authority::new();
    authority.issue("one");
    authority.install("one");
    let server = authority.builder(Server::builder()).start();
    let body = service("web").to_string();
    assert_eq!(ending(authority.curl(&server, WEB, &["--json", &body])).0, 201);
    let etag = |said: &str| {
        let line = said.lines().find_map(|line| line.strip_prefix("etag: ")).map(str::trim);
        line.expect("a tag").to_owned()
    };
    let (new, old) = (
        authority.curl(&server, WEB, &["--http2"]).stdout,
        authority.curl(&server, WEB, &["--http1.1"]).stdout,
    );
    assert_eq!(etag(&new), etag(&old));
    let unchanged = format!("If-None-Match: {}", etag(&new));
    assert_eq!(ending(authority.curl(&server, WEB, &["--http2", "-H", &unchanged])).0, 304);
    let next = authority.curl(&server, "/conf/prod/backends?%24top=1", &["--http2"]);
    assert_eq!(ending(next).0, 200);
}

/// An authority with the certificates `one` and `two`, and a server that shows the first.
fn serving_one_of_two() -> (Authority, Server) {
    let authority = Authority::new();
    for name in ["one", "two"] {
        authority.issue(name);
    }
    authority.install("one");
    let server = authority.builder(Server::builder()).start();
    (authority, server)
}

#[test]
fn a_new_certificate_is_shown_without_a_restart() {
    let (authority, server) = serving_one_of_two();
    assert_eq!(shown(&authority, &server), serial(&authority, "one"));
    authority.install("two");
    wait_for("the new certificate", || {
        (shown(&authority, &server) == serial(&authority, "two")).then_some(())
    });
    assert_eq!(ending(authority.curl(&server, SERVICES, &[])).0, 200);
}

#[test]
fn a_broken_certificate_leaves_the_old_one_in_use_and_the_log_says_so() {
    let (authority, server) = serving_one_of_two();
    // The certificate of one key with another key.
    authority.replace("served.pem", "two.pem");
    let line = wait_for_word(&server, "the certificate stays as it was");
    assert!(line.contains("do not go together"), "{line}");
    assert_eq!(shown(&authority, &server), serial(&authority, "one"));
    let secret = fs::read_to_string(authority.path("one.key")).expect("a key");
    let secret = secret.lines().nth(1).expect("a line of the key");
    assert!(!server.log_lines().join("\n").contains(secret));
    authority.install("two");
    wait_for_word(&server, "the certificate was read again");
    assert_eq!(shown(&authority, &server), serial(&authority, "two"));
}

#[test]
fn what_cannot_be_used_stops_the_start() {
    let authority = Authority::new();
    authority.issue("one");
    authority.install("one");
    let run = |certificate: &str, key: &str| {
        let path = |name: &str| authority.text(name);
        Server::builder()
            .env("REVCONF_TLS_CERTIFICATE", &path(certificate))
            .env("REVCONF_TLS_KEY", &path(key))
            .run()
    };
    for (certificate, key, said) in [
        ("nothing.pem", "one.key", "nothing.pem"),
        ("one.pem", "nothing.key", "nothing.key"),
        ("one.pem", "ca.key", "do not go together"),
        ("one.key", "one.key", "no certificate"),
        ("one.pem", "one.pem", "one.pem"),
    ] {
        let finished = run(certificate, key);
        assert_eq!(finished.code(), Some(1), "{finished:?}");
        assert!(finished.stderr.contains(said), "{said}: {finished:?}");
        assert!(!finished.stderr.contains("panicked"), "{finished:?}");
    }
    assert!(Path::new(&authority.text("one.pem")).exists());
}
