//! How this service shows others who asks, and where nothing of that is told.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::sync::mpsc::channel;
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Outside, WEB, text_of, told, wait_for_copy, wait_for_state};
use crate::support::documents::service;
use crate::support::{PATIENCE, Server};

const TOKEN: &str = "token-that-nobody-else-has";

/// The command lines of all processes.
fn processes() -> String {
    let entries = fs::read_dir("/proc").expect("the processes").flatten();
    let lines = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " ") + "\n").collect()
}

#[test]
fn a_token_is_shown_to_the_server_and_to_nobody_else() {
    let outside = Outside::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    let (heard, hears) = channel();
    // It asks whoever comes to go elsewhere, where the token must not be shown either.
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let head: Vec<String> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
            // Before the answer, while the call waits for it.
            let seen = processes();
            let answer = format!(
                "HTTP/1.1 302 Found\r\nLocation: http://{address}/elsewhere/info/refs\r\nContent-Length: 0\r\n\r\n"
            );
            let _ = (&stream).write_all(answer.as_bytes());
            if heard.send((head.join("\n"), seen)).is_err() {
                return;
            }
        }
    });
    let settings = format!(
        "[[mirrors]]\nname = \"copy\"\ndirection = \"push\"\nurl = \"http://{address}/conf.git\"\nuser = \"ada\"\n\
         token_file = {:?}\n",
        outside.secret("token", &format!("{TOKEN}\n"))
    );
    let server = Server::builder()
        .keep(&outside.0)
        .config(&settings)
        .env("REVCONF_LOG_LEVEL", "trace")
        .env("GIT_TRACE", "1")
        .start();
    let client = server.client();
    let (head, processes) = hears.recv_timeout(PATIENCE).expect("a request");
    let pair = STANDARD.encode(format!("ada:{TOKEN}"));
    assert!(head.starts_with("GET /conf.git/info/refs"), "{head}");
    assert!(head.contains(&format!("Authorization: Basic {pair}")), "{head}");
    assert!(processes.contains("ls-remote"), "the call was there to be seen");
    let failing = wait_for_state(&client, "failing");
    let (again, _) = hears.recv_timeout(PATIENCE).expect("another attempt");
    assert!(again.starts_with("GET /conf.git/"), "nobody goes where the server sends them: {again}");
    let settings = fs::read_to_string(server.git().directory().join("config")).expect("git's settings");
    let log = server.log_lines().join("\n");
    for text in [failing.to_string(), told(&client).to_string(), processes, settings, log] {
        assert!(!text.contains(TOKEN) && !text.contains(&pair), "a token is told: {text}");
    }
}

#[test]
fn ssh_is_told_the_key_and_the_hosts_and_nothing_of_the_users() {
    let outside = Outside::new();
    let copy = outside.bare("copy.git");
    // In the place of ssh: notes what it is told, and does here what it is asked to do there.
    let programs = outside.path("programs");
    fs::create_dir(&programs).expect("a folder");
    let (ssh, noted) = (programs.join("ssh"), outside.path("noted"));
    let script = format!(
        "#!/bin/sh\nfor word in \"$@\"; do printf '%s\\n' \"$word\" >> '{}'; last=$word; done\nexec sh -c \"$last\"\n",
        noted.display()
    );
    fs::write(&ssh, script).expect("a script");
    fs::set_permissions(&ssh, PermissionsExt::from_mode(0o755)).expect("its mode");
    let key = outside.secret("it's a key", "no key, really");
    let hosts = outside.secret("known hosts", "");
    let settings = format!(
        "[[mirrors]]\nname = \"copy\"\ndirection = \"push\"\nurl = \"ssh://git@git.example.org{}\"\n\
         ssh_key = {key:?}\nknown_hosts = {hosts:?}\n",
        text_of(copy.directory())
    );
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap_or_default());
    let server = Server::builder().keep(&outside.0).config(&settings).env("PATH", &path).start();
    server.client().post(WEB, &service("web")).expect(201);
    wait_for_copy(&server, &copy);
    let noted = fs::read_to_string(noted).expect("what ssh was told");
    for word in [
        "StrictHostKeyChecking=yes",
        "BatchMode=yes",
        "IdentitiesOnly=yes",
        "git@git.example.org",
        &format!("IdentityFile=\"{key}\""),
        &format!("UserKnownHostsFile=\"{hosts}\""),
    ] {
        assert!(noted.lines().any(|line| line == word), "{word}:\n{noted}");
    }
}
