//! Settings: default < file < environment < flag.

use tempfile::TempDir;

use super::assert_refused;
use crate::support::Server;
use crate::support::documents::service;
use crate::support::program::{Finished, run, run_with};

const WEB: &str = "/conf/prod/backend-services/web";

/// Who an anonymous write is ascribed to under these settings.
#[track_caller]
fn author(file: Option<&str>, variable: Option<&str>) -> String {
    let mut builder = Server::builder();
    if let Some(name) = file {
        builder = builder.config(&format!("[commits]\nanonymous_name = \"{name}\"\n"));
    }
    if let Some(name) = variable {
        builder = builder.env("REVCONF_COMMITS_ANONYMOUS_NAME", name);
    }
    let server = builder.start();
    let version = server.client().post(WEB, &service("web")).expect(201).version();
    server.git().head(&version).author
}

#[test]
fn the_environment_goes_before_the_file_and_the_file_before_the_default() {
    assert_eq!(author(None, None), "anonymous");
    assert_eq!(author(Some("from the file"), None), "from the file");
    assert_eq!(author(None, Some("from the environment")), "from the environment");
    assert_eq!(author(Some("from the file"), Some("from the environment")), "from the environment");
}

#[test]
fn a_flag_goes_before_the_environment_and_the_file() {
    let home = TempDir::new().expect("a temporary directory");
    let [flag, variable, file] = ["flag", "variable", "file"].map(|name| home.path().join(name));
    let text = |path: &std::path::Path| path.to_str().expect("a path in UTF-8").to_owned();
    let server = Server::builder()
        .data(&flag)
        .env("REVCONF_DATA", &text(&variable))
        .env("REVCONF_HTTP_LISTEN", "192.0.2.1:1")
        .config(&format!("data = {:?}\n[http]\nlisten = \"192.0.2.1:2\"\n", text(&file)))
        .start();
    server.client().get("/health/live").expect(200);
    assert!(flag.join("repository.git").is_dir());
    assert!(!variable.exists() && !file.exists());
}

#[test]
fn the_file_sets_what_it_names_and_leaves_the_rest() {
    let server = Server::builder()
        .config("[commits]\ncommitter_name = \"The House\"\ncommitter_email = \"house@example.com\"\n")
        .start();
    let version = server.client().post(WEB, &service("web")).expect(201).version();
    let commit = server.git().head(&version);
    assert_eq!(
        (commit.committer.as_str(), commit.committer_email.as_str()),
        ("The House", "house@example.com")
    );
    assert_eq!((commit.author.as_str(), commit.email.as_str()), ("anonymous", "anonymous@localhost"));
}

#[test]
fn a_file_may_hold_every_setting() {
    let server = Server::builder()
        .config(
            r#"
            [http]
            prefixes = ["/v1"]
            workers = 2
            max_body = 100000
            max_uri = 1000
            cors_origins = ["https://panel.example.com"]
            shutdown_timeout = 10
            client_timeout = 5
            keep_alive = 5
            [log]
            level = "debug"
            [commits]
            queue = 16
            batch = 4
            committer_name = "c"
            committer_email = "c@example.com"
            anonymous_name = "a"
            anonymous_email = "a@example.com"
            "#,
        )
        .start();
    let version = server.client().post(&format!("/v1{WEB}"), &service("web")).expect(201).version();
    let commit = server.git().head(&version);
    assert_eq!((commit.email.as_str(), commit.committer_email.as_str()), ("a@example.com", "c@example.com"));
}

/// Starts the service with this config file and this variable; it is expected to refuse.
#[track_caller]
fn refused(file: &str, variable: Option<(&str, &str)>) -> Finished {
    // The harness's own variable would hide a bad value of the file's.
    let mut builder = Server::builder().without_env("REVCONF_LOG_FORMAT").config(file);
    if let Some((name, value)) = variable {
        builder = builder.env(name, value);
    }
    builder.run()
}

#[test]
fn an_unknown_key_of_the_file_is_named() {
    for (file, key) in [
        ("nonsense = 1\n", "nonsense"),
        ("[http]\nmaxbody = 1\n", "maxbody"),
        ("[logging]\nlevel = \"info\"\n", "logging"),
        ("[http.limits]\nbody = 1\n", "limits"),
    ] {
        assert_refused(&refused(file, None), &[key]);
    }
}

#[test]
fn an_unknown_variable_is_named() {
    for (name, said) in [
        ("REVCONF_NONSENSE", "nonsense"),
        ("REVCONF_HTTP_MAXBODY", "maxbody"),
        ("REVCONF_LOGGING_LEVEL", "logging"),
    ] {
        assert_refused(&refused("", Some((name, "1"))), &[said]);
    }
}

#[test]
fn a_bad_value_is_told_with_its_key() {
    for (file, key) in [
        ("[http]\nmax_body = \"many\"\n", "max_body"),
        ("[http]\nmax_body = -1\n", "max_body"),
        ("[http]\nprefixes = \"/api\"\n", "prefixes"),
        ("[log]\nformat = \"xml\"\n", "format"),
        ("[commits]\nqueue = 1.5\n", "queue"),
    ] {
        assert_refused(&refused(file, None), &[key]);
    }
    for (name, value, key) in [
        ("REVCONF_HTTP_MAX_BODY", "many", "max_body"),
        ("REVCONF_HTTP_MAX_URI", "-5", "max_uri"),
        ("REVCONF_LOG_FORMAT", "xml", "format"),
        ("REVCONF_COMMITS_BATCH", "", "batch"),
    ] {
        assert_refused(&refused("", Some((name, value))), &[key]);
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let missing = Server::builder().args(&["--config", "/nonexistent/revconf.toml"]).run();
    assert_refused(&missing, &["/nonexistent/revconf.toml"]);
    assert_refused(&refused("[http\n", None), &["revconf.toml"]);
    assert_refused(&refused("[http]\nmax_body = 1\nmax_body = 2\n", None), &["revconf.toml"]);
}

#[test]
fn a_bad_address_is_named() {
    let home = TempDir::new().expect("a temporary directory");
    let data = home.path().join("data");
    let data = data.to_str().expect("a path in UTF-8");
    for listen in ["nonsense", "127.0.0.1", "127.0.0.1:99999"] {
        let finished = run(&["serve", "--data", data, "--listen", listen]);
        assert!(matches!(finished.code(), Some(1 | 2)), "{finished:?}");
        assert!(finished.stderr.contains(listen), "{finished:?}");
        let finished = run_with(&["serve", "--data", data], b"", &[("REVCONF_HTTP_LISTEN", listen)]);
        assert!(matches!(finished.code(), Some(1 | 2)), "{finished:?}");
        assert!(finished.stderr.contains("listen"), "{finished:?}");
    }
}

#[test]
fn what_would_only_fail_later_is_refused_at_once() {
    for (file, key) in [
        ("[http]\ncors_origins = [\"*\"]\n", "cors_origins"),
        ("[http]\ncors_origins = [\"https://a.example/path\"]\n", "cors_origins"),
        ("[http]\nprefixes = [\"/{\"]\n", "prefixes"),
        ("[http]\nprefixes = [\"api\"]\n", "prefixes"),
        ("[http]\nprefixes = [\"/api/\"]\n", "prefixes"),
        ("[http]\nkeep_alive = 18446744073709551615\n", "keep_alive"),
        ("[http]\nclient_timeout = 0\n", "client_timeout"),
        ("[commits]\nqueue = 0\n", "queue"),
        ("[azure]\nconfig = \"No Name\"\n", "azure.config"),
    ] {
        assert_refused(&refused(file, None), &[key]);
    }
}

#[test]
fn a_text_that_looks_like_a_number_is_a_text() {
    let server = Server::builder()
        .env("REVCONF_AZURE_CONFIG", "1")
        .env("REVCONF_COMMITS_COMMITTER_NAME", "123")
        .env("REVCONF_COMMITS_ANONYMOUS_NAME", "true")
        .start();
    server.client().post(WEB, &service("web")).expect(201);
    let commit = server.git().head("prod");
    assert_eq!((commit.committer.as_str(), commit.author.as_str()), ("123", "true"));
}
