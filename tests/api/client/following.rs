//! `follow`: what happens, in lines, over restarts of the service.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use serde_json::{Value, json};

use super::{API, SHOP, ask, head, put, refused, server};
use crate::support::documents::described;
use crate::support::program::program;
use crate::support::{PATIENCE, Server, wait_for};

/// A running `revconf follow`, and its lines as they come.
struct Following {
    child: Child,
    lines: Receiver<String>,
    said: Receiver<String>,
}

impl Following {
    #[track_caller]
    fn start(server: &Server, arguments: &[&str]) -> Self {
        let mut command = program();
        command.arg("follow").args(arguments).env("NO_PROXY", "127.0.0.1");
        command.env("REVCONF_SERVER", format!("http://{}", server.address()));
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program can be started");
        let lines = lines_of(child.stdout.take());
        let said = lines_of(child.stderr.take());
        Self { child, lines, said }
    }

    #[track_caller]
    fn next(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("a line comes")
    }

    /// The version in the next line.
    #[track_caller]
    fn version(&self) -> String {
        self.next().split("  ").next().unwrap_or_default().to_owned()
    }

    #[track_caller]
    fn status(&mut self) -> Option<i32> {
        wait_for("the program to end", || self.child.try_wait().expect("it can be waited for")).code()
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines_of(stream: Option<impl std::io::Read + Send + 'static>) -> Receiver<String> {
    let stream = BufReader::new(stream.expect("output is piped"));
    let (sender, receiver) = channel();
    thread::spawn(move || stream.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    receiver
}

/// Where to begin, so that it does not matter when the program has got its connection.
fn since(server: &Server) -> String {
    head(server)
}

#[test]
fn every_commit_is_a_line() {
    let server = server();
    let following = Following::start(&server, &["--since", &since(&server)]);
    put(&server, API, &json!({"host": "10.0.0.2"}));
    let line = following.next();
    let cells: Vec<_> = line.split("  ").collect();
    assert_eq!(
        [cells[0], cells[2], cells[3], cells[4]],
        [&head(&server), "anonymous", "Put backend api", "~backends/api"]
    );
    ask(&server, &["rm", SHOP, "-m", "Close"]).expect_success();
    assert!(following.next().ends_with("  anonymous  Close  -backend-services/shop"));
    put(&server, SHOP, &described("shop", "again"));
    assert!(following.next().ends_with("+backend-services/shop"));
}

#[test]
fn a_set_or_an_entry_can_be_followed_alone() {
    let server = server();
    let since = since(&server);
    let of_set = Following::start(&server, &["backends", "--since", &since]);
    let of_entry = Following::start(&server, &[API, "--since", &since, "-o", "json"]);
    put(&server, SHOP, &described("shop", "two"));
    put(&server, "backends/other", &json!({"host": "10.0.0.3"}));
    let other = head(&server);
    put(&server, API, &json!({"host": "10.0.0.2"}));
    assert_eq!([of_set.version(), of_set.version()], [other, head(&server)]);
    let event: Value = serde_json::from_str(&of_entry.next()).expect("a line of JSON");
    assert_eq!(event["version"], head(&server));
    assert_eq!(event["changes"], json!([{"kind": "backends", "id": "api", "change": "updated"}]));
}

#[test]
fn a_restart_of_the_service_is_got_over_without_a_gap_or_a_repeat() {
    let reserved = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = reserved.local_addr().expect("an address").to_string();
    drop(reserved);
    let mut server = Server::builder().listen(&address).start();
    let mut expected = Vec::new();
    let following = Following::start(&server, &["--since", &since(&server)]);
    for round in 0..3 {
        for number in 0..5 {
            put(&server, API, &json!({"host": format!("10.0.{round}.{number}")}));
            expected.push(head(&server));
        }
        if round == 0 {
            assert_eq!((0..5).map(|_| following.version()).collect::<Vec<_>>(), expected);
        }
        server.kill();
        let said = following.said.recv_timeout(PATIENCE).expect("it says that it tries again");
        assert!(said.contains("tried again"), "{said}");
        server.start_again();
    }
    assert_eq!((5..15).map(|_| following.version()).collect::<Vec<_>>(), expected[5..]);
}

#[test]
fn it_ends_with_the_configuration_or_its_reader_or_by_a_signal() {
    let server = server();
    let (client, document) = (server.client(), json!({"host": "10.0.0.2"}));
    client.post("/conf/configs/staging", &json!({})).expect(201);
    let staging = server.git().rev_parse("staging");
    let mut of_staging = Following::start(&server, &["--config", "staging", "--since", &staging]);
    client
        .post(
            "/conf/staging/transactions",
            &json!({"operations": [{"op": "put", "kind": "backends", "id": "api", "value": document}]}),
        )
        .expect(200);
    of_staging.next();
    client.delete("/conf/configs/staging").expect(200);
    assert_eq!(of_staging.status(), Some(3));
    assert!(of_staging.said.iter().any(|line| line.contains("\"staging\" was deleted")));

    let mut interrupted = Following::start(&server, &["--since", &since(&server)]);
    put(&server, API, &document);
    interrupted.next();
    let id = interrupted.child.id().to_string();
    let sent = Command::new("sh").args(["-c", "kill -s INT \"$0\"", &id]).status().expect("a shell");
    assert!(sent.success());
    assert_eq!(interrupted.status(), None, "it was ended by the signal");
}

#[test]
fn what_cannot_be_followed_is_told() {
    let server = server();
    refused(&server, &["follow", "--config", "nowhere"], 3, "\"nowhere\"");
    refused(&server, &["follow", "--since", "0000000"], 3, "0000000");
    refused(&server, &["follow", "--server", "http://127.0.0.1:1"], 5, "cannot be reached");
}

/// As `head` does once it has its lines. Nothing more happens that could be written.
#[test]
fn a_reader_that_goes_ends_it_although_nothing_happens() {
    let server = Server::builder().env("REVCONF_HTTP_HEARTBEAT", "1").start();
    let url = format!("http://{}", server.address());
    let since = head(&server);
    put(&server, SHOP, &described("shop", "one"));
    put(&server, API, &json!({"host": "10.0.0.1"}));
    let mut child = program()
        .args(["follow", "--since", &since])
        .env("REVCONF_SERVER", url)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program can be started");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    for _ in 0..2 {
        lines.next().expect("a line").expect("UTF-8");
    }
    drop(lines);
    let status = wait_for("the program to end", || child.try_wait().expect("it can be waited for"));
    assert_eq!(status.code(), Some(0));
}
