//! Starting: what a service that cannot start says.

use std::net::TcpListener;

use tempfile::TempDir;

use super::{Data, assert_refused};
use crate::support::Server;
use crate::support::planted::plant;
use crate::support::program::run;

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let home = TempDir::new().expect("a temporary directory");
    // A file in the way stops everybody, also who may write everywhere.
    let file = home.path().join("file");
    std::fs::write(&file, "not a directory").expect("a file can be written");
    for data in [file.clone(), file.join("data")] {
        let finished = Server::builder().data(&data).run();
        assert_refused(&finished, &[data.to_str().expect("a path in UTF-8")]);
    }
    assert_eq!(std::fs::read_to_string(&file).expect("the file is still there"), "not a directory");
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let home = TempDir::new().expect("a temporary directory");
    let data = home.path().join("data");
    let finished = run(&["serve", "--data", data.to_str().expect("a path in UTF-8"), "--listen", &address]);
    assert_refused(&finished, &[&address]);
}

#[test]
fn a_directory_is_free_for_another_start_after_a_refusal() {
    let data = Data::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    assert_refused(&run(&["serve", "--data", &data.path(), "--listen", &address]), &[&address]);
    data.serve().client().get("/conf/prod/backend-services/web").expect(200);
}

#[test]
fn a_directory_in_use_is_named() {
    let data = Data::new();
    let server = data.serve();
    let second = Server::builder().data(server.data()).run();
    assert_refused(&second, &[&data.path()]);
    server.client().get("/conf/prod/backend-services/web").expect(200);
}

#[test]
fn a_repository_of_a_newer_format_is_refused_and_left_alone() {
    let data = Data::new();
    plant(
        &data.git(),
        "future",
        &[("config.json", b"{\n  \"format\": 3,\n  \"description\": \"\"\n}\n")],
        "From the future",
    );
    let everything = data.git().everything();
    let finished = Server::builder().data(&data.directory()).run();
    assert_refused(&finished, &["future", "format", "3"]);
    assert_eq!(data.git().everything(), everything);
}

#[test]
fn the_default_log_is_text() {
    let server = Server::builder().without_env("REVCONF_LOG_FORMAT").start();
    let line = server
        .wait_for_log("the line that says where", |line| line.contains("listening").then(|| line.to_owned()));
    assert!(!line.starts_with('{'), "{line}");
    assert!(line.contains(server.address()), "{line}");
}
