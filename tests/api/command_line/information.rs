//! What the program tells about itself.

use serde_json::Value;

use crate::support::Server;
use crate::support::program::run;

#[test]
fn version_is_that_of_the_package() {
    let finished = run(&["--version"]).expect_success();
    assert_eq!(finished.stdout.trim(), concat!("revconf ", env!("CARGO_PKG_VERSION")));
}

#[test]
fn help_names_every_command() {
    let help = run(&["--help"]).expect_success().stdout;
    for word in ["serve", "check", "import", "openapi", "--help", "--version"] {
        assert!(help.contains(word), "{word} is not in the help:\n{help}");
    }
}

#[test]
fn every_command_has_a_help_of_its_own() {
    let commands = [
        ("serve", vec!["--data", "--listen", "--config"]),
        ("check", vec!["--data"]),
        ("import", vec!["--data", "--config", "--kind", "--replace", "--author", "--message"]),
        ("openapi", vec![]),
    ];
    for (command, flags) in commands {
        let help = run(&[command, "--help"]).expect_success().stdout;
        for flag in flags {
            assert!(help.contains(flag), "{flag} is not in the help of {command}:\n{help}");
        }
    }
}

#[test]
fn unknown_words_and_flags_are_usage_errors() {
    for arguments in
        [&["nonsense"][..], &["--nonsense"], &["serve", "--nonsense"], &["check", "too", "many"], &["import"]]
    {
        let finished = run(arguments);
        assert_eq!(finished.code(), Some(2), "{arguments:?}: {finished:?}");
        assert!(finished.stderr.contains("Usage"), "{finished:?}");
    }
}

#[test]
fn openapi_prints_what_the_service_serves() {
    let printed: Value =
        serde_json::from_str(&run(&["openapi"]).expect_success().stdout).expect("it prints JSON");
    let server = Server::start();
    assert_eq!(printed, server.client().get("/openapi.json").expect(200).json());
}
