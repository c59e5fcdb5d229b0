//! The program's command line, run to its end.

use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;

use super::wait_for;

/// What a run of the program came to.
#[derive(Debug)]
pub struct Finished {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Finished {
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// Panics with everything that was said unless it ended well.
    #[track_caller]
    pub fn expect_success(self) -> Self {
        assert!(self.status.success(), "the program failed: {self:?}");
        self
    }
}

/// The program, with none of the settings that the environment of the tests may hold.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_revconf"));
    for (name, _) in std::env::vars_os() {
        let setting = name.to_str().is_some_and(|name| name.starts_with("REVCONF_") || name == "RUST_LOG");
        if setting {
            command.env_remove(name);
        }
    }
    command
}

/// Runs the program with these arguments and nothing on its standard input.
#[track_caller]
pub fn run(arguments: &[&str]) -> Finished {
    run_with(arguments, b"", &[])
}

/// Runs the program with these arguments, standard input and environment variables.
#[track_caller]
pub fn run_with(arguments: &[&str], stdin: &[u8], environment: &[(&str, &str)]) -> Finished {
    let mut command = program();
    command.args(arguments).envs(environment.iter().copied());
    finish(command, stdin)
}

/// Runs a command to its end, with a deadline.
#[track_caller]
pub fn finish(mut command: Command, stdin: &[u8]) -> Finished {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program can be started");
    let stdout = drain(child.stdout.take());
    let stderr = drain(child.stderr.take());
    let mut input = child.stdin.take().expect("standard input is piped");
    let stdin = stdin.to_vec();
    // A program that does not read its input closes it; that is its right.
    thread::spawn(move || {
        let _ = input.write_all(&stdin);
    });
    let child = KilledOnDrop(child);
    let status = child.wait();
    Finished {
        status,
        stdout: stdout.join().expect("reading ends"),
        stderr: stderr.join().expect("reading ends"),
    }
}

fn drain(stream: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    let mut stream = stream.expect("output is piped");
    thread::spawn(move || {
        let mut text = Vec::new();
        let _ = stream.read_to_end(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    })
}

/// A test that gives up on a program does not leave it behind.
struct KilledOnDrop(Child);

impl KilledOnDrop {
    #[track_caller]
    fn wait(mut self) -> ExitStatus {
        wait_for("the program to end", || self.0.try_wait().expect("the program can be waited for"))
    }
}

impl Drop for KilledOnDrop {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
