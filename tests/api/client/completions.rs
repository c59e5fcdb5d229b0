//! `completions`: what shells load.

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
