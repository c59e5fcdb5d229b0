//! Abuse by many and by much: others are served, the answer says what is wrong, and memory stays within the bound that
//! SECURITY.md states.

mod bodies;
mod connections;
mod heads;
mod memory;
mod queue;
mod slow;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use crate::support::documents::{described, service};
use crate::support::{Client, PATIENCE, Server};

const SERVICES: &str = "/conf/prod/backend-services";
const WEB: &str = "/conf/prod/backend-services/web";

/// A server with one entry, which a client of good manners reads and writes.
#[track_caller]
fn start(builder: crate::support::server::Builder) -> (Server, Client) {
    let server = builder.start();
    let client = server.client();
    client.post(WEB, &service("web")).expect(201);
    (server, client)
}

/// A read and a write are done as ever.
#[track_caller]
fn served(client: &Client, what: &str) {
    let what = what.trim();
    client.put(WEB, &described("web", what)).expect(200);
    assert_eq!(client.get(WEB).expect(200).json()["description"], what);
}

#[track_caller]
fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.address()).expect("the server accepts connections")
}

/// In MiB, what a server has grown by since its peak was `before` KiB.
fn grown(server: &Server, before: u64) -> u64 {
    server.peak().saturating_sub(before) / 1024
}

/// What comes back until the other end closes the connection, while `bytes` are sent one by one for ever.
#[track_caller]
fn dribble(mut stream: TcpStream, head: &[u8], bytes: &[u8]) -> String {
    stream.set_read_timeout(Some(Duration::from_millis(20))).expect("a timeout can be set");
    stream.write_all(head).expect("sent");
    let (mut said, mut buffer) = (Vec::new(), [0; 4096]);
    let deadline = Instant::now() + PATIENCE;
    for byte in bytes.iter().cycle() {
        assert!(
            Instant::now() < deadline,
            "the connection is still open; {}",
            String::from_utf8_lossy(&said)
        );
        let sent = stream.write_all(std::slice::from_ref(byte)).is_ok();
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => said.extend(&buffer[..length]),
            Err(_) if sent => {}
            Err(_) => break,
        }
    }
    let _ = stream.shutdown(Shutdown::Both);
    String::from_utf8(said).expect("an answer in UTF-8")
}
