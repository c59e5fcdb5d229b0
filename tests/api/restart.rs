//! A clean stop and a start on the same directory, or on a copy of it.

use tempfile::TempDir;

use crate::support::Server;
use crate::support::documents::{described, service};
use crate::support::view::{fill, view};

const WEB: &str = "/conf/prod/backend-services/web";

#[test]
fn a_clean_stop_and_a_start_change_nothing_that_a_client_can_see() {
    let mut server = Server::start();
    let paths = fill(&server.client());
    let before = view(&server.client(), &paths);
    let refs = server.git().refs();

    assert_eq!(server.stop().code(), Some(0));
    assert_eq!(server.git().refs(), refs, "stopping writes nothing into the history");
    server.git().fsck();
    server.start_again();
    assert_eq!(view(&server.client(), &paths), before);
    assert_eq!(server.git().refs(), refs);
}

#[test]
fn an_interrupt_is_a_clean_stop_too() {
    let mut server = Server::start();
    server.client().post(WEB, &service("web")).expect(201);
    server.signal("INT");
    assert_eq!(server.wait().code(), Some(0));
    server.git().assert_no_leftovers();
}

#[test]
fn writing_goes_on_after_a_restart() {
    let mut server = Server::start();
    let first = server.client().post(WEB, &service("web")).expect(201);
    server.stop();
    server.start_again();
    let client = server.client();
    let second =
        client.request("PUT", WEB).if_match(&first.etag()).json(&described("web", "x")).send().expect(200);
    assert_eq!(client.get(&format!("{WEB}/versions")).versions(), [second.version(), first.version()]);
}

#[test]
fn a_second_process_on_the_same_directory_is_refused() {
    let server = Server::start();
    let client = server.client();
    client.post(WEB, &service("web")).expect(201);

    let second = Server::builder().data(server.data()).run();
    assert_eq!(second.code(), Some(1), "{second:?}");
    let said = second.stderr.to_lowercase();
    assert!(said.contains("use") || said.contains("lock") || said.contains("running"), "it says why: {said}");
    assert!(!said.contains("panicked"), "{said}");

    client.put(WEB, &described("web", "still here")).expect(200);
}

#[test]
fn everything_but_the_repository_can_be_thrown_away() {
    let mut server = Server::start();
    let paths = fill(&server.client());
    let before = view(&server.client(), &paths);
    server.stop();
    for entry in std::fs::read_dir(server.data()).expect("the data directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() && !path.ends_with("repository.git") {
            std::fs::remove_dir_all(path).expect("it can be removed");
        } else if path.is_file() {
            std::fs::remove_file(path).expect("it can be removed");
        }
    }
    server.start_again();
    assert_eq!(view(&server.client(), &paths), before);
}

#[test]
fn a_mirror_made_by_git_is_a_backup() {
    let server = Server::start();
    let paths = fill(&server.client());
    let before = view(&server.client(), &paths);
    let home = TempDir::new().expect("a temporary directory");
    let (from, to) = (server.data().join("repository.git"), home.path().join("repository.git"));
    // While the service runs: a clone is whole at any time.
    server.git().text(&[
        "clone",
        "--quiet",
        "--mirror",
        from.to_str().expect("UTF-8"),
        to.to_str().expect("UTF-8"),
    ]);

    let restored = Server::builder().data(home.path()).start();
    assert_eq!(view(&restored.client(), &paths), before);
    restored.client().put(WEB, &described("web", "goes on")).expect(200);
    assert_eq!(view(&server.client(), &paths), before, "what was restored has a life of its own");
}
