//! `apply`: a folder becomes the configuration, in one commit.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::thread;

use serde_json::{Value, json};

use super::{API, Files, SERVICES, SHOP, ask, head, put, refused, server};
use crate::support::documents::{completed_service, described, service};
use crate::support::program::finish;
use crate::support::{Server, Watch};

/// A clone of the server's repository, in a folder of its own.
#[track_caller]
fn clone(server: &Server) -> Files {
    let files = Files::new();
    let mut command = Command::new("git");
    command.args(["clone", "--quiet"]).arg(server.git().directory()).arg(files.path("clone"));
    finish(command, b"").expect_success();
    files
}

#[test]
fn a_clone_that_was_edited_becomes_the_configuration_in_one_commit() {
    let server = server();
    put(&server, "backend-services/gone", &service("gone"));
    put(&server, "backend-services/the old shop", &service("the old shop"));
    let files = clone(&server);
    let folder = files.text("clone");
    let before = head(&server);
    let said = ask(&server, &["apply", "-f", &folder]).expect_success();
    assert_eq!(said.stdout, format!("nothing differs; prod is at {before}\n"));
    fs::remove_file(files.path("clone/backend-services/gone.json")).expect("it is there");
    files.json("clone/backends/api.json", &json!({"host": "10.0.0.2"}));
    files.json("clone/backends/new%20one.json", &json!({"host": "10.0.0.3"}));
    files.write("clone/README.txt", "not a document");
    let expected = "deleted backend-services/gone\nupdated backends/api\n  replace /host \"10.0.0.2\"\ncreated backends/new one\n";
    let shown = ask(&server, &["diff", "-f", &folder]);
    assert_eq!((shown.code(), shown.stdout.as_str()), (Some(1), expected), "{shown:?}");
    let dry = ask(&server, &["apply", "-f", &folder, "--dry-run"]).expect_success();
    assert_eq!(dry.stdout, expected);
    assert_eq!(head(&server), before);
    let said = ask(&server, &["apply", "-f", &folder, "-m", "As in the clone"]).expect_success();
    let commit = server.git().head("prod");
    assert_eq!(said.stdout, format!("{expected}prod is at {}\n", commit.id));
    assert_eq!((commit.parents, commit.subject.as_str()), (vec![before.clone()], "As in the clone"));
    assert_eq!(
        server.git().text(&["diff", "--name-status", &before, "prod"]),
        "D\tbackend-services/gone.json\nM\tbackends/api.json\nA\tbackends/new%20one.json"
    );
    ask(&server, &["diff", "-f", &folder]).expect_success();
    server.git().assert_sound(&["prod"]);
}

#[test]
fn what_is_the_same_but_for_defaults_is_no_change() {
    let server = server();
    put(&server, SHOP, &service("shop"));
    let files = clone(&server);
    files.json("clone/backend-services/shop.json", &service("shop"));
    let watch = Watch::on(&server, "prod");
    let folder = files.text("clone");
    let said = ask(&server, &["apply", "-f", &folder]).expect_success();
    assert!(said.stdout.starts_with("nothing differs"), "{said:?}");
    let said = ask(&server, &["apply", "-f", &folder, "-o", "json"]).expect_success();
    assert_eq!(serde_json::from_str::<Value>(&said.stdout).unwrap()["diff"]["items"], json!([]));
    watch.untouched();
}

#[test]
fn faults_of_all_files_are_told_and_nothing_is_written() {
    let server = server();
    let files = clone(&server);
    files.json("clone/backends/api.json", &json!({"host": "http://a"}));
    files.json(
        "clone/backend-services/x.json",
        &json!({"name": "x", "back_hosts": [{"host": "a", "weight": -1}]}),
    );
    files.json("clone/backend-services/y.json", &json!({"nmae": "y"}));
    let watch = Watch::on(&server, "prod");
    let finished = ask(&server, &["apply", "-f", &files.text("clone")]);
    assert_eq!((finished.code(), finished.stdout.as_str()), (Some(1), ""), "{finished:?}");
    for fault in [
        "\n  backends/api: host: must be a bare host name",
        "\n  backend-services/x: back_hosts[0].weight: must be from 0",
        "\n  backend-services/y: name: is required",
        "\n  backend-services/y: nmae: is no field here",
    ] {
        assert!(finished.stderr.contains(fault), "{fault}: {finished:?}");
    }
    watch.untouched();
}

#[test]
fn a_folder_that_can_hardly_be_meant_is_refused() {
    let server = server();
    let files = Files::new();
    let watch = Watch::on(&server, "prod");
    let apply = |name: &str, said: &str| refused(&server, &["apply", "-f", &files.text(name)], 2, said);
    apply("nowhere", "cannot be read");
    fs::create_dir(files.path("empty")).expect("a folder can be made");
    apply("empty", "all would be deleted");
    files.json("other/pictures/a.json", &json!({}));
    apply("other", "the kinds are backend-services, backends");
    files.json("flat/shop.json", &service("shop"));
    apply("flat", "in a folder with their kind's name");
    files.json("deep/backends/more/a.json", &json!({"host": "a"}));
    apply("deep", "no deeper folder");
    files.json("twice/backends/a.json", &json!({"host": "a"}));
    files.json("twice/backends/b.json", &json!({"id": "a", "host": "a"}));
    apply("twice", "are both backends/a");
    files.write("broken/backends/a.json", "{\"host\": ");
    apply("broken", "a.json is not JSON");
    watch.untouched();
    // Who means it says so.
    fs::create_dir_all(files.path("none/backends")).expect("a folder can be made");
    ask(&server, &["apply", "-f", &files.text("none")]).expect_success();
    assert_eq!(server.git().ls("prod"), ["config.json"]);
}

#[test]
fn one_kind_alone_can_be_applied() {
    let server = server();
    let files = Files::new();
    files.json("new/backends/other.json", &json!({"host": "10.0.0.2"}));
    let folder = files.text("new");
    ask(&server, &["apply", "-f", &folder, "--kind", "backends"]).expect_success();
    assert_eq!(server.git().ls("prod"), ["backend-services/shop.json", "backends/other.json", "config.json"]);
    refused(&server, &["apply", "-f", &folder, "--kind", "pictures"], 2, "the kinds are");
}

#[test]
fn more_than_a_transaction_takes_is_the_set_at_once_or_is_refused() {
    let server = server();
    let files = clone(&server);
    for number in 0..1100 {
        let id = format!("s{number:04}");
        files.json(&format!("clone/backend-services/{id}.json"), &described(&id, "of many"));
    }
    let before = head(&server);
    let said = ask(&server, &["apply", "-f", &files.text("clone"), "-m", "Many"]).expect_success();
    assert_eq!(said.stdout.matches("created backend-services/s").count(), 1100, "{}", said.stderr);
    let commit = server.git().head("prod");
    assert_eq!((commit.parents, commit.subject.as_str()), (vec![before], "Many"));
    assert_eq!(server.client().get(SERVICES).total(), 1101);
    let watch = Watch::on(&server, "prod");
    for number in 0..1001 {
        files.json(&format!("clone/backends/b{number:04}.json"), &json!({"host": "10.0.0.1"}));
    }
    refused(&server, &["apply", "-f", &files.text("clone")], 2, "a transaction changes 1000 at most");
    files.json("clone/backend-services/shop.json", &completed_service("shop"));
    refused(&server, &["apply", "-f", &files.text("clone")], 2, "--kind");
    watch.untouched();
    assert_eq!(server.client().get(&format!("/conf/prod/{API}")).expect(200).json()["host"], "10.0.0.1");
}

/// Passes connections on to the server, and has something happen before the first transaction that is not a dry run.
fn intruded(server: &Server, happen: impl FnOnce() + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let server = server.address().to_owned();
    let mut happen = Some(happen);
    thread::spawn(move || {
        for near in listener.incoming().map_while(Result::ok) {
            let mut far = TcpStream::connect(&server).expect("the server accepts connections");
            let mut answers = (far.try_clone().expect("a handle"), near.try_clone().expect("a handle"));
            thread::spawn(move || io::copy(&mut answers.0, &mut answers.1));
            let mut near = BufReader::new(near);
            let mut line = Vec::new();
            // Bodies here end without a line feed, so only what begins a request is looked at line by line.
            while near.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                let text = String::from_utf8_lossy(&line).into_owned();
                if text.starts_with("POST ") && !text.contains("dry_run") {
                    happen.take().into_iter().for_each(|happen| happen());
                }
                if far.write_all(&line).is_err() {
                    break;
                }
                line.clear();
                let length =
                    text.to_lowercase().strip_prefix("content-length:").and_then(|n| n.trim().parse().ok());
                if let Some(length) = length {
                    forward_body(&mut near, &mut far, length);
                }
            }
        }
    });
    url
}

/// The rest of a request's head, and its body.
fn forward_body(near: &mut BufReader<TcpStream>, far: &mut TcpStream, length: u64) {
    let mut line = Vec::new();
    while line != b"\r\n" {
        line.clear();
        if near.read_until(b'\n', &mut line).is_err() || line.is_empty() || far.write_all(&line).is_err() {
            return;
        }
    }
    let _ = io::copy(&mut near.take(length), far);
}

#[test]
fn what_came_between_comparing_and_writing_is_not_undone() {
    let server = server();
    let files = clone(&server);
    files.json("clone/backends/api.json", &json!({"host": "10.0.0.2"}));
    let client = server.client();
    let url = intruded(&server, move || {
        let change =
            json!({"operations": [{"op": "put", "kind": "backends", "id": "new", "value": {"host": "a"}}]});
        client.post("/conf/prod/transactions", &change).expect(200);
    });
    let folder = files.text("clone");
    let finished = ask(&server, &["apply", "-f", &folder, "--server", &url]);
    assert_eq!(finished.code(), Some(4), "{finished:?}");
    assert!(finished.stderr.contains("If-Match"), "{finished:?}");
    assert_eq!(server.git().head("prod").subject, "Put backend new");
    // Applied again, it says that this would be deleted.
    let again = ask(&server, &["apply", "-f", &folder, "--dry-run"]).expect_success();
    assert!(again.stdout.contains("deleted backends/new\n"), "{again:?}");
}

#[test]
fn many_documents_may_leave_their_ids_to_their_files_names() {
    let server = server();
    let files = Files::new();
    for number in 0..1001 {
        files.json(&format!("all/backend-services/s{number:04}.json"), &json!({"name": "One of many"}));
    }
    ask(&server, &["apply", "--kind", "backend-services", "-f", &files.text("all")]).expect_success();
    let items = server.client().get(SERVICES).expect(200).items();
    assert_eq!((items.len(), &items[1000]["id"]), (1001, &json!("s1000")));
}

#[test]
fn a_key_that_is_there_twice_is_no_document_that_is_the_same() {
    let server = server();
    let files = Files::new();
    files.write("all/backends/api.json", "{\"id\": \"api\", \"host\": \"10.0.0.2\", \"host\": \"10.0.0.1\", \"skipCertificateChainValidation\": false}");
    refused(&server, &["apply", "--kind", "backends", "-f", &files.text("all")], 1, "duplicate key");
}

#[test]
fn many_documents_that_leave_out_defaults_are_no_changes() {
    let server = server();
    let files = clone(&server);
    let folder = files.text("clone");
    for number in 0..1010 {
        files.json(&format!("clone/backends/b{number:04}.json"), &json!({"host": "10.0.0.1"}));
        if number == 700 {
            ask(&server, &["apply", "-f", &folder]).expect_success();
        }
    }
    ask(&server, &["apply", "-f", &folder]).expect_success();
    let before = head(&server);
    let said = ask(&server, &["apply", "-f", &folder]).expect_success();
    assert_eq!(said.stdout, format!("nothing differs; prod is at {before}\n"));
    files.json("clone/backends/b0500.json", &json!({"host": "10.0.0.2"}));
    files.json("clone/backend-services/shop.json", &described("shop", "of one kind and another"));
    let said = ask(&server, &["apply", "-f", &folder]).expect_success();
    assert_eq!(said.stdout.matches("updated ").count(), 2, "{said:?}");
    assert_eq!(server.git().head("prod").parents, [before]);
    for number in 2000..3001 {
        files.json(&format!("clone/backends/b{number:04}.json"), &json!({"host": "10.0.0.1"}));
    }
    refused(&server, &["apply", "-f", &folder], 2, "1001 entries differ");
}

#[test]
fn what_is_no_json_is_told_by_its_place_in_its_file() {
    let server = server();
    let files = clone(&server);
    let folder = files.text("clone");
    files.json("clone/backends/a.json", &json!({"host": "10.0.0.1"}));
    files.write("clone/backends/twice.json", "{\n  \"host\": \"10.0.0.1\",\n  \"host\": \"10.0.0.2\"\n}\n");
    files.json("clone/backends/z.json", &json!({"host": "10.0.0.1"}));
    let client = server.client();
    let direct = client.request("PUT", "/conf/prod/backends/twice");
    let text = fs::read(files.path("clone/backends/twice.json")).expect("the file");
    let answer = direct.body(text).send().expect(400).json();
    let told = answer["error"]["details"][0]["message"].as_str().expect("a message").to_owned();
    assert!(told.contains(" at line 3 column "), "{told}");
    let (_, fault) = told.split_once(": ").expect("what and where");
    let file = files.text("clone/backends/twice.json");
    for arguments in [&["apply", "-f", &folder][..], &["put", "backends/twice", "-f", &file]] {
        let said = refused_with(&server, arguments);
        assert!(said.contains("backends/twice: ") && said.contains(fault), "{said}");
        assert_eq!(said.matches(" column ").count(), 1, "{said}");
    }
}

/// What is said on standard error.
#[track_caller]
fn refused_with(server: &Server, arguments: &[&str]) -> String {
    let said = ask(server, arguments);
    assert_eq!(said.code(), Some(1), "{said:?}");
    said.stderr
}
