//! Calls of the system that fail: the disk is full, or gives an error. A client is told, and never falsely that its write
//! was made; reads go on; and when the fault is gone, so are its traces, with and without a restart.

mod sweep;

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::documents::described;
use crate::support::strace::Strace;
use crate::support::{Answer, Client, Server, wait_for};

const WEB: &str = "/conf/prod/backend-services/web";
/// So many temporary files the service makes in a test at most.
const TEMPORARY: usize = 40;

/// The journal's file that is appended to.
fn journal(server: &Server) -> Vec<PathBuf> {
    let folder = server.data().join("journal");
    let names = fs::read_dir(folder).expect("the journal").flatten().map(|entry| entry.path());
    vec![names.max().expect("a file")]
}

fn in_repository(server: &Server, name: &str) -> PathBuf {
    server.data().join("repository.git").join(name)
}

/// Packs, before they have their names.
fn packs(server: &Server) -> Vec<PathBuf> {
    temporary(server, "objects/pack").collect()
}

/// Objects with a file of their own, before they have their names.
fn objects(server: &Server) -> Vec<PathBuf> {
    (0..=255).flat_map(|fan| temporary(server, &format!("objects/{fan:02x}"))).collect()
}

fn temporary(server: &Server, folder: &str) -> impl Iterator<Item = PathBuf> + use<> {
    let (folder, pid) = (in_repository(server, folder), server.pid());
    (0..TEMPORARY).map(move |count| folder.join(format!("tmp_obj_revconf_{pid}_{count}")))
}

fn branch_lock(server: &Server) -> Vec<PathBuf> {
    ["prod", "sets"].map(|name| in_repository(server, &format!("refs/heads/{name}.lock"))).into()
}

fn packed_refs(server: &Server) -> Vec<PathBuf> {
    vec![in_repository(server, "packed-refs.lock")]
}

/// Which write meets the fault.
#[derive(Clone, Copy, Debug)]
enum Write {
    /// An entry, which is written as single objects.
    Entry,
    /// A set that is written as a pack.
    Set,
    /// The deletion of a configuration whose ref is packed.
    Deletion,
}

type Files = fn(&Server) -> Vec<PathBuf>;

/// Calls, their error, the files, and the write that meets it.
const WRITES: &[(&str, &str, Files, Write)] = &[
    ("pwrite64", "ENOSPC", journal, Write::Entry),
    ("pwrite64", "EIO", journal, Write::Set),
    ("fdatasync", "EIO", journal, Write::Entry),
    ("pwrite64,ftruncate", "EIO", journal, Write::Entry),
    ("fdatasync", "ENOSPC", journal, Write::Set),
    ("openat", "ENOSPC", objects, Write::Entry),
    ("write", "ENOSPC", objects, Write::Entry),
    ("rename", "EIO", objects, Write::Entry),
    ("openat", "EIO", packs, Write::Set),
    ("write", "ENOSPC", packs, Write::Set),
    ("rename", "ENOSPC", packs, Write::Set),
    ("openat", "ENOSPC", branch_lock, Write::Entry),
    ("write", "ENOSPC", branch_lock, Write::Entry),
    ("write", "EIO", branch_lock, Write::Set),
    ("rename", "EIO", branch_lock, Write::Entry),
    ("openat", "EIO", packed_refs, Write::Deletion),
    ("write", "ENOSPC", packed_refs, Write::Deletion),
    ("fsync", "EIO", packed_refs, Write::Deletion),
    ("rename", "EIO", packed_refs, Write::Deletion),
];

const SETS: &str = "/conf/sets/backend-services";

/// A set that is written as a pack.
fn set(number: usize) -> Value {
    (0..20).map(|nth| described(&format!("s{nth:02}"), &number.to_string())).collect()
}

/// What clients know: the last number of the entry and of the set that was acknowledged, and of what is deleted.
struct Known {
    number: usize,
    web: usize,
    set: usize,
    /// It was asked for.
    deleting: bool,
    deleted: bool,
}

impl Known {
    fn begin(server: &Server) -> Self {
        let client = server.client();
        client.post(WEB, &described("web", "0")).expect(201);
        client.post("/conf/configs/sets", &json!({})).expect(201);
        client.put("/conf/sets/backend-services", &set(0)).expect(200);
        client.post("/conf/configs/going", &json!({})).expect(201);
        server.git().text(&["pack-refs", "--all"]);
        Known { number: 0, web: 0, set: 0, deleting: false, deleted: false }
    }

    /// Sends a write, and remembers it if it was acknowledged.
    fn write(&mut self, client: &Client, write: Write) -> Answer {
        self.try_write(client, write).expect("an answer")
    }

    fn try_write(&mut self, client: &Client, write: Write) -> Result<Answer, String> {
        self.number += 1;
        let request = match write {
            Write::Entry => client.request("PUT", WEB).json(&described("web", &self.number.to_string())),
            Write::Set => client.request("PUT", SETS).json(&set(self.number)),
            Write::Deletion => client.request("DELETE", "/conf/configs/going"),
        };
        self.deleting |= matches!(write, Write::Deletion);
        let answer = request.allow_5xx().try_send()?;
        assert!(matches!(answer.status, 200 | 503 | 507), "{answer:?}");
        if answer.status == 200 {
            match write {
                Write::Entry => self.web = self.number,
                Write::Set => self.set = self.number,
                Write::Deletion => self.deleted = true,
            }
        }
        Ok(answer)
    }

    /// After a kill: what was sent last may have been made without an answer, and then counts as known.
    fn settle(&mut self, client: &Client) {
        if client.get(WEB).expect(200).json() == described("web", &self.number.to_string()) {
            self.web = self.number;
        }
        if Value::Array(client.get(SETS).expect(200).items()) == set(self.number) {
            self.set = self.number;
        }
        self.deleted |= self.deleting && client.get("/conf/configs/going").status == 404;
    }

    /// Everything that was acknowledged is there, and nothing that was refused.
    fn check(&self, client: &Client) {
        assert_eq!(client.get(WEB).expect(200).json(), described("web", &self.web.to_string()));
        assert_eq!(Value::Array(client.get(SETS).expect(200).items()), set(self.set));
        client.get("/conf/configs/going").expect(if self.deleted { 404 } else { 200 });
    }
}

/// Three writes meet the fault, and are refused.
fn refused(
    server: &Server,
    known: &mut Known,
    (calls, error, files, write): (&str, &str, Files, Write),
) -> Strace {
    let client = server.client();
    let fault = Strace::on_files(server, calls, &format!("error={error}"), &files(server));
    for _ in 0..3 {
        let answer = known.write(&client, write);
        assert_ne!(answer.status, 200, "the fault was not met: {answer:?}");
        // Where the journal cannot be put right again, it is not known what the next start finds there.
        let unknown = answer.message().contains("not known");
        assert!(!unknown || calls.contains("ftruncate") || calls == "fdatasync", "{answer:?}");
        known.check(&client);
    }
    fault
}

fn all_writes(case: impl Fn((&str, &str, Files, Write))) {
    for (calls, error, files, write) in WRITES {
        eprintln!("{calls} fails with {error} while this is written: {write:?}");
        case((calls, error, *files, *write));
    }
}

fn server() -> Server {
    Server::builder().env("REVCONF_JOURNAL_PERIOD", "3600").start()
}

#[test]
fn a_write_that_the_disk_refuses_leaves_nothing_for_the_next_start() {
    all_writes(|case| {
        let mut server = server();
        let mut known = Known::begin(&server);
        let fault = refused(&server, &mut known, case);
        server.kill();
        fault.end();
        server.start_again();
        if !case.0.contains("ftruncate") {
            known.check(&server.client());
        }
        assert_eq!(known.write(&server.client(), case.3).status, 200);
        server.git().fsck();
        server.git().assert_no_leftovers();
    });
}

#[test]
fn a_disk_that_has_room_again_is_written_without_a_restart() {
    all_writes(|case| {
        let mut server = server();
        let mut known = Known::begin(&server);
        refused(&server, &mut known, case).end();
        let client = server.client();
        for write in [case.3, Write::Entry, Write::Set] {
            assert_eq!(known.write(&client, write).status, 200, "writes are taken again");
        }
        known.check(&client);
        server.git().fsck();
        server.git().assert_no_leftovers();
        server.kill();
        server.start_again();
        known.check(&server.client());
        server.git().fsck();
    });
}

/// What a thread beside the writes calls, and the error.
const CALLS: &[(&str, &str)] = &[
    ("openat", "ENOSPC"),
    ("write", "ENOSPC"),
    ("rename", "EIO"),
    ("fsync", "EIO"),
    ("syncfs", "EIO"),
    ("unlink", "EIO"),
];

/// Writes go on while the calls of a thread fail, and it catches up when they succeed again, or after a restart. It says
/// that it failed where these are the calls.
fn beside_the_writes(
    thread: &str,
    writes: usize,
    says: &str,
    told: &[&str],
    settled: impl Fn(&Server) -> bool,
) {
    for (fault, restarted) in CALLS.iter().flat_map(|fault| [(*fault, false), (*fault, true)]) {
        eprintln!("{} of {thread} fails with {}; restarted: {restarted}", fault.0, fault.1);
        let mut server = Server::builder().env("REVCONF_JOURNAL_PERIOD", "1").start();
        let mut known = Known::begin(&server);
        let client = server.client();
        let failing = Strace::on_thread(&server, fault.0, &format!("error={}", fault.1), thread);
        for _ in 0..writes {
            assert_eq!(known.write(&client, Write::Set).status, 200);
        }
        assert_eq!(known.write(&client, Write::Entry).status, 200);
        if told.contains(&fault.0) {
            server.wait_for_log(says, |line| line.contains(says).then_some(()));
        }
        known.check(&client);
        if restarted {
            server.kill();
            failing.end();
            server.start_again();
        } else {
            failing.end();
        }
        let client = server.client();
        assert_eq!(known.write(&client, Write::Set).status, 200);
        wait_for(&format!("{thread} to catch up"), || settled(&server).then_some(()));
        known.check(&client);
        server.git().fsck();
        wait_for("no leftovers", || server.git().leftovers().is_empty().then_some(()));
    }
}

#[test]
fn a_checkpoint_that_fails_is_made_up_for() {
    let told = ["openat", "fsync", "syncfs", "unlink"];
    beside_the_writes("checkpoints", 1, "a checkpoint failed", &told, journal_is_empty);
}

fn journal_is_empty(server: &Server) -> bool {
    let files = fs::read_dir(server.data().join("journal")).expect("the journal").flatten();
    files.map(|file| file.metadata().map_or(0, |found| found.len())).sum::<u64>() == 0
}

#[test]
fn maintenance_that_fails_is_made_up_for() {
    // Where it cannot write, it cannot say so either.
    let told = ["openat", "rename", "fsync"];
    beside_the_writes("maintenance", 30, "the maintenance of the repository failed", &told, |server| {
        count_packs(server) < 10
    });
}

fn count_packs(server: &Server) -> usize {
    let files = fs::read_dir(in_repository(server, "objects/pack")).expect("the packs").flatten();
    files.filter(|file| file.path().extension().is_some_and(|ending| ending == "pack")).count()
}

#[test]
fn a_merge_of_packs_that_is_killed_leaves_nothing_half_made() {
    // The pack and its index are synced, then moved to their places, and their folder is synced; then others are removed.
    for (call, nth) in [("fsync", 1), ("fsync", 2), ("rename", 1), ("fsync", 3), ("unlink", 1)] {
        eprintln!("killed at call {nth} of {call}");
        let mut server = server();
        let mut known = Known::begin(&server);
        let client = server.client();
        let fault = Strace::on_thread(&server, call, &format!("signal=SIGKILL:when={nth}"), "maintenance");
        // Until the service is gone.
        while known.try_write(&client, Write::Set).is_ok() {}
        server.wait();
        fault.end();
        server.start_again();
        let found = Value::Array(server.client().get(SETS).expect(200).items());
        assert!(found == set(known.set) || found == set(known.number), "{} was acknowledged", known.set);
        server.git().fsck();
        wait_for("a repository without garbage", || is_tidy(&server).then_some(()));
    }
}

/// Nothing that was begun and not finished, and no pack without its index.
fn is_tidy(server: &Server) -> bool {
    let git = server.git();
    git.text(&["count-objects", "-v"]).contains("\ngarbage: 0") && git.leftovers().is_empty()
}
