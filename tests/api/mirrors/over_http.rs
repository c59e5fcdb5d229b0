//! Over HTTP, with git's own server behind a token.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Outside, WEB, wait_for_copy, wait_for_state};
use crate::support::documents::service;
use crate::support::{Server, wait_for};

/// Serves the repositories in a folder to whoever shows this user and token.
fn serve(folder: PathBuf, user: &str, token: &str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    let wanted = format!("Basic {}", STANDARD.encode(format!("{user}:{token}")));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (folder, wanted) = (folder.clone(), wanted.clone());
            thread::spawn(move || answer(&stream, &folder, &wanted));
        }
    });
    address
}

/// One request, which ends its connection: through git's CGI program (git-http-backend(1)).
fn answer(mut stream: &TcpStream, folder: &Path, wanted: &str) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end() {
            "" => break,
            text => lines.push(text.to_owned()),
        }
    }
    let header = |name: &str| {
        let mut pairs = lines.iter().filter_map(|line| line.split_once(": "));
        pairs.find(|(found, _)| found.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    };
    if header("Authorization") != wanted {
        stream
            .write_all(b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n")
            .ok()?;
        return None;
    }
    let mut body = vec![0; header("Content-Length").parse().unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    let mut words = lines.first()?.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut git = Command::new("git")
        .args(["http-backend"])
        .env("GIT_PROJECT_ROOT", folder)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REMOTE_USER", "somebody")
        .env("REQUEST_METHOD", method)
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("CONTENT_TYPE", header("Content-Type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", header("Content-Encoding"))
        .env("GIT_PROTOCOL", header("Git-Protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    let mut input = git.stdin.take()?;
    let output = thread::scope(|threads| {
        threads.spawn(move || input.write_all(&body));
        git.wait_with_output()
    });
    let output = output.ok()?.stdout;
    let status = if output.starts_with(b"Status: ") { &output[8..11] } else { b"200" };
    stream.write_all(&[b"HTTP/1.1 ", status, b" Told\r\nConnection: close\r\n", &output].concat()).ok()
}

#[test]
fn a_copy_is_kept_and_followed_with_a_token() {
    let outside = Outside::new();
    let copy = outside.bare("copy.git");
    let address = serve(outside.0.path().to_owned(), "ada", "the token");
    let token = outside.secret("token", "another token");
    let mirror = |rest: &str| {
        format!(
            "[[mirrors]]\nname = \"web\"\nurl = \"http://{address}/copy.git\"\nuser = \"ada\"\ntoken_file = {token:?}\n{rest}\n"
        )
    };
    let first = Server::builder().keep(&outside.0).config(&mirror("direction = \"push\"")).start();
    let client = first.client();
    client.post(WEB, &service("web")).expect(201);
    let failing = wait_for_state(&client, "failing");
    assert!(!failing.to_string().contains("another token"), "{failing}");
    // Without a restart.
    outside.secret("token", "the token");
    wait_for_copy(&first, &copy);
    wait_for_state(&client, "current");
    let follows = mirror("direction = \"follow\"\nconfiguration = \"prod\"\ninterval = 1");
    let second = Server::builder().keep(&outside.0).config(&follows).start();
    let version = client.put(WEB, &serde_json::json!({"name": "for both"})).expect(200).version();
    wait_for("the second to serve what was written to the first", || {
        let found = second.client().request("GET", WEB).send();
        (found.header("revconf-version") == Some(version.as_str())).then_some(())
    });
    assert_eq!(second.client().get(WEB).expect(200).json()["name"], "for both");
}
