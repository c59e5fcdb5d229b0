//! What was answered is there although the program was killed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use serde_json::json;

use crate::support::documents::{described, service};
use crate::support::strace::Strace;
use crate::support::view::{fill, view};
use crate::support::{Client, Server, wait_for};

const SERVICES: &str = "/conf/prod/backend-services";
const WEB: &str = "/conf/prod/backend-services/web";

#[test]
fn a_kill_right_after_an_answer_loses_nothing() {
    let mut server = Server::start();
    let paths = fill(&server.client());
    let before = view(&server.client(), &paths);
    server.kill();
    server.start_again();
    assert_eq!(view(&server.client(), &paths), before);
    server.git().fsck();

    // The very last thing that was said, and nothing in between that could have given it time.
    let last = server.client().put(WEB, &described("web", "the last word")).expect(200);
    server.kill();
    server.start_again();
    let answer = server.client().get(WEB).expect(200);
    assert_eq!((answer.version(), answer.etag()), (last.version(), last.etag()));
    assert_eq!(answer.json(), described("web", "the last word"));
    server.git().fsck();
}

#[test]
fn writers_that_are_cut_off_lose_nothing_that_was_acknowledged() {
    for clean in [false, true] {
        // Clients that never pause may be cut off when this time is up.
        let mut server = Server::builder().env("REVCONF_HTTP_SHUTDOWN_TIMEOUT", "3").start();
        let client = server.client();
        // The client reads the API's description with its first answer; it must not want to when the server is gone.
        client.get("/conf/configs").expect(200);
        let count = AtomicU64::new(0);
        let acknowledged: Vec<(String, Vec<String>)> = thread::scope(|threads| {
            let writers: Vec<_> = (0..4)
                .map(|writer| {
                    let (client, count) = (&client, &count);
                    threads.spawn(move || write_until_cut_off(client, &format!("service-{writer}"), count))
                })
                .collect();
            wait_for("enough writes", || (count.load(Ordering::SeqCst) >= 60).then_some(()));
            if clean {
                assert_eq!(server.stop().code(), Some(0));
            } else {
                server.kill();
            }
            writers.into_iter().map(|writer| writer.join().expect("a writer ends well")).collect()
        });

        server.start_again();
        let client = server.client();
        for (id, versions) in acknowledged {
            let Some(last) = (versions.len() as u64).checked_sub(1) else {
                continue;
            };
            let path = format!("{SERVICES}/{id}");
            let now: u64 = client.get(&path).expect(200).json()["description"]
                .as_str()
                .expect("a number")
                .parse()
                .expect("a number");
            assert!(now == last || now == last + 1, "{id}: {last} was acknowledged, {now} is there");
            let listed = client.get(&format!("{path}/versions")).expect(200).versions();
            let oldest_first: Vec<_> = listed.into_iter().rev().take(versions.len()).collect();
            assert_eq!(oldest_first, versions, "{id}");
        }
        server.git().fsck();
        server.git().assert_no_leftovers();
    }
}

/// Writes 0, 1, 2, … into an entry of its own until it is cut off; the commits that were acknowledged.
fn write_until_cut_off(client: &Client, id: &str, count: &AtomicU64) -> (String, Vec<String>) {
    let path = format!("{SERVICES}/{id}");
    let mut versions = Vec::new();
    for number in 0.. {
        let method = if number == 0 { "POST" } else { "PUT" };
        let document = described(id, &number.to_string());
        let Ok(answer) = client.request(method, &path).json(&document).allow_5xx().try_send() else {
            break;
        };
        // A server on its way down may say that it takes no more writes; that is no acknowledgement.
        if answer.status == 503 {
            break;
        }
        assert!(matches!(answer.status, 200 | 201), "{answer:?}");
        versions.push(answer.version());
        count.fetch_add(1, Ordering::SeqCst);
    }
    (id.to_owned(), versions)
}

#[test]
fn what_a_crash_left_lying_about_is_cleared_at_start() {
    let mut server = Server::start();
    server.client().post(WEB, &service("web")).expect(201);
    server.kill();
    let repository = server.data().join("repository.git");
    let left = [
        "HEAD.lock",
        "config.lock",
        "packed-refs.lock",
        "refs/heads/prod.lock",
        "refs/heads/new.lock",
        "objects/tmp_obj_Ab3xYz",
        "objects/4b/tmp_obj_q8Wert",
        "objects/pack/tmp_pack_Zx81ab",
        "objects/pack/tmp_idx_Zx81ab",
        "refs/archive/old/20260101T000000Z.lock",
    ];
    for name in left {
        let path = repository.join(name);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        std::fs::write(path, "half of something").expect("a file");
    }

    server.start_again();
    let client = server.client();
    server.git().assert_no_leftovers();
    client.put(WEB, &described("web", "x")).expect(200);
    client.post("/conf/configs/new", &json!({})).expect(201);
    server.git().fsck();
}

#[test]
fn a_pack_without_an_index_is_cleared_at_start_if_it_is_the_services_own() {
    let mut server = Server::start();
    let set: Vec<_> = (0..20).map(|nth| service(&format!("s{nth:02}"))).collect();
    server.client().put(SERVICES, &json!(set)).expect(200);
    server.kill();
    let packs = server.data().join("repository.git/objects/pack");
    let found = std::fs::read_dir(&packs).expect("the packs").flatten().map(|entry| entry.path());
    let index = found.filter(|path| path.extension().is_some_and(|ending| ending == "idx")).max();
    let index = index.expect("a pack's index");
    let (ours, others) = ([0x0a; 20], [0x0b; 20]);
    let pack = |name: [u8; 20]| {
        let hex: String = name.iter().map(|byte| format!("{byte:02x}")).collect();
        packs.join(format!("pack-{hex}.pack"))
    };
    for name in [ours, others] {
        std::fs::copy(index.with_extension("pack"), pack(name)).expect("a pack can be copied");
    }
    // Killed when the pack had its name and its index had not.
    let mut bytes = std::fs::read(&index).expect("an index");
    let end = bytes.len();
    bytes[end - 40..end - 20].copy_from_slice(&ours);
    std::fs::write(packs.join("tmp_obj_revconf_1_1"), bytes).expect("a file can be written");

    server.start_again();
    assert!(!pack(ours).exists(), "nobody could read it");
    assert!(pack(others).exists(), "a git gc may be about to write its index");
    assert_eq!(server.client().get(SERVICES).expect(200).items().len(), 20);
    server.git().assert_no_leftovers();
}

#[test]
fn a_directory_is_free_again_after_a_kill() {
    let mut server = Server::start();
    server.kill();
    let other = Server::builder().data(server.data()).start();
    other.client().get("/conf/configs").expect(200);
}

#[test]
fn a_deletion_that_is_cut_off_leaves_the_configuration_or_its_archive() {
    for name in ["one", "two", "three", "four"] {
        for (calls, ending) in [("unlink,unlinkat", ""), ("unlink,unlinkat", ".lock"), ("openat", ".lock")] {
            let mut server = Server::start();
            let client = server.client();
            client.post(&format!("/conf/configs/{name}"), &json!({"description": "precious"})).expect(201);
            let version = client.get(&format!("/conf/configs/{name}")).expect(200).version();
            let file = server.data().join(format!("repository.git/refs/heads/{name}{ending}"));
            let strace = Strace::on_files(&server, calls, "signal=SIGKILL", &[file]);
            let answer = client.request("DELETE", &format!("/conf/configs/{name}")).try_send();
            assert!(answer.is_err(), "the service was killed before it could answer: {answer:?}");
            server.wait();
            strace.end();
            server.start_again();
            let kept = server.git().refs().into_iter().any(|(full, id)| {
                let ours = full == format!("refs/heads/{name}")
                    || full.starts_with(&format!("refs/archive/{name}/"));
                ours && id == version
            });
            assert!(kept, "killed at {calls} of {ending:?}: {:?}", server.git().refs());
        }
    }
}
