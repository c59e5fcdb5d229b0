//! What the program tells of its commands: help, documentation, and what shells load.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::Files;
use crate::support::program::{finish, run};

#[test]
fn every_shell_gets_all_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let printed = run(&["completions", shell]).expect_success().stdout;
        for command in
            ["ls", "get", "put", "rm", "log", "diff", "revert", "follow", "apply", "serve", "check"]
        {
            assert!(printed.contains(command), "{shell}: {command}");
        }
    }
    assert_eq!(run(&["completions", "cmd"]).code(), Some(2));
}

#[test]
fn bash_completes_commands_and_flags() {
    let files = Files::new();
    let path = files.write("revconf.bash", &run(&["completions", "bash"]).expect_success().stdout);
    for (words, expected) in
        [("rev", "revert"), ("app", "apply"), ("log --lim", "--limit"), ("get --output j", "json")]
    {
        let count = words.split(' ').count();
        let line = format!(
            "source '{path}'; COMP_WORDS=(revconf {words}); COMP_CWORD={count}; _revconf revconf \"${{COMP_WORDS[-1]}}\" \
             \"${{COMP_WORDS[-2]}}\"; echo \"${{COMPREPLY[@]}}\""
        );
        let mut command = Command::new("bash");
        command.args(["-c", &line]);
        let said = finish(command, b"").expect_success();
        assert_eq!(said.stdout.trim(), expected, "{words}: {said:?}");
    }
}

#[test]
fn every_command_and_flag_is_in_its_help_and_in_the_documentation() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/client.md");
    let documented = fs::read_to_string(path).expect("the documentation");
    for command in ["ls", "get", "put", "rm", "log", "diff", "revert", "follow", "apply"] {
        assert!(documented.contains(&format!("| `revconf {command}")), "{command}");
        let help = run(&[command, "--help"]).expect_success().stdout;
        assert!(help.contains("Exit status: 0 "), "{help}");
        for flag in ["--server", "--config", "--key-file", "--ca", "--output", "--color"] {
            assert!(help.contains(flag), "{flag} is not in the help of {command}:\n{help}");
        }
        for line in
            help.lines().map(str::trim).filter(|line| line.starts_with('-') && !line.contains("--help"))
        {
            // In either form, the short or the long one.
            let mut forms = line.split([' ', ',']).filter(|word| word.starts_with('-'));
            let told = |form: &str| [' ', '`'].iter().any(|end| documented.contains(&format!("{form}{end}")));
            assert!(forms.any(told), "{line} of {command} is not documented");
        }
    }
}
