//! Stopping: what was accepted is finished.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::support::documents::{completed_service, file, service};
use crate::support::{PATIENCE, Server, wait_for};

const SERVICES: &str = "/conf/prod/backend-services";

#[test]
fn both_signals_end_the_service_well() {
    for signal in ["TERM", "INT"] {
        let mut server = Server::start();
        server.client().post(&format!("{SERVICES}/web"), &service("web")).expect(201);
        server.signal(signal);
        assert_eq!(server.wait().code(), Some(0), "{signal}");
        server.git().fsck();
        assert_eq!(server.git().ls("prod"), ["backend-services/web.json", "config.json"]);
    }
}

#[test]
fn a_service_that_nobody_asked_anything_ends_well_too() {
    let mut server = Server::start();
    assert_eq!(server.stop().code(), Some(0));
    server.git().fsck();
}

/// Writes entries until the service no longer answers; the ids of those that were acknowledged.
fn write_until_the_end(server: &Server, writer: usize, written: &AtomicUsize) -> Vec<String> {
    let client = server.client();
    let mut acknowledged = Vec::new();
    for number in 0.. {
        let id = format!("w{writer}-{number}");
        let request = client.request("POST", &format!("{SERVICES}/{id}")).json(&service(&id)).allow_5xx();
        match request.try_send() {
            Ok(answer) if answer.status == 201 => {
                acknowledged.push(id);
                written.fetch_add(1, Ordering::Relaxed);
            }
            // A service that is about to stop may say so.
            Ok(answer) => {
                answer.expect(503);
                break;
            }
            Err(_) => break,
        }
    }
    acknowledged
}

#[test]
fn what_was_acknowledged_while_stopping_is_in_the_repository() {
    let mut server = Server::start();
    let written = AtomicUsize::new(0);
    let acknowledged: Vec<String> = thread::scope(|scope| {
        let (running, written) = (&server, &written);
        let writers: Vec<_> =
            (0..4).map(|writer| scope.spawn(move || write_until_the_end(running, writer, written))).collect();
        wait_for("some writes to be acknowledged", || (written.load(Ordering::Relaxed) >= 50).then_some(()));
        running.signal("TERM");
        writers.into_iter().flat_map(|writer| writer.join().expect("a writer ends")).collect()
    });
    assert_eq!(server.wait().code(), Some(0));
    let git = server.git();
    git.fsck();
    let files = git.ls("prod");
    for id in &acknowledged {
        assert!(files.contains(&format!("backend-services/{id}.json")), "{id} was acknowledged and is lost");
    }
}

#[test]
fn a_request_that_had_begun_is_finished() {
    let mut server = Server::start();
    let body = service("late").to_string();
    let mut stream = TcpStream::connect(server.address()).expect("the server accepts connections");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    let head = format!(
        "POST {SERVICES}/late HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Expect: 100-continue\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("the head can be sent");
    let mut answer = BufReader::new(stream.try_clone().expect("a second handle"));
    let mut line = String::new();
    answer.read_line(&mut line).expect("an interim answer");
    assert!(line.starts_with("HTTP/1.1 100"), "the server has begun with the request: {line:?}");

    server.signal("TERM");
    stream.write_all(body.as_bytes()).expect("the body can be sent");
    let mut rest = String::new();
    answer.read_to_string(&mut rest).expect("a whole answer");
    assert!(rest.contains("HTTP/1.1 201"), "{rest}");
    assert_eq!(server.wait().code(), Some(0));
    assert_eq!(server.git().show("prod", "backend-services/late.json"), file(&completed_service("late")));
}
