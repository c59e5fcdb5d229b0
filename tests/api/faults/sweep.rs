//! Sweeps over the calls that a write, a checkpoint or maintenance makes: each in turn, and all that follow it, fail; and
//! the service is killed at each. Which calls there are is recorded first, by looking on once.
//!
//! `REVCONF_TEST_SWEEP=all` takes all of them, instead of some from the whole length of each.

use std::collections::BTreeMap;
use std::{fmt, fs};

use super::{
    Files, Known, Write, branch_lock, count_packs, in_repository, is_tidy, journal, journal_is_empty,
    objects, packed_refs, packs,
};
use crate::support::strace::Strace;
use crate::support::{Client, Server, wait_for};

/// What there may be of calls that change files, and of calls that make changes last.
const CALLS: &str = "?write,?writev,?pwrite64,?pwritev,?openat,?rename,?renameat,?renameat2,?link,?linkat,?fsync,\
                     ?fdatasync,?syncfs,?ftruncate,?fallocate,?unlink,?unlinkat,?mkdir,?mkdirat,?rmdir";
/// So many calls of each sweep are tried, unless all are asked for.
const SOME: usize = 3;
/// With so many sets, packs are merged.
const MANY_SETS: usize = 9;

/// What is done while the calls are swept.
#[derive(Clone, Copy, Debug)]
enum Work {
    Write(Write),
    Checkpoint,
    Maintenance,
}

/// Whose calls they are.
#[derive(Clone, Copy)]
enum Whose {
    Thread(&'static str),
    /// Those that name these files.
    Files(&'static str, Files),
}

impl Work {
    fn server(self) -> Server {
        let size = if matches!(self, Work::Checkpoint) { "1" } else { "100000000" };
        Server::builder().env("REVCONF_JOURNAL_PERIOD", "3600").env("REVCONF_JOURNAL_SIZE", size).start()
    }

    /// The client has read the API's description, for which there will be no time.
    fn begin(self) -> (Server, Client, Known) {
        let server = self.server();
        let known = Known::begin(&server);
        let client = server.client();
        client.openapi();
        if matches!(self, Work::Checkpoint) {
            wait_for("the checkpoints of what was written", || journal_is_empty(&server).then_some(()));
        }
        (server, client, known)
    }

    /// Does it, to its end or to that of the service.
    fn run(self, server: &Server, client: &Client, known: &mut Known) {
        let gone = || client.request("GET", "/health/live").unchecked().try_send().is_err();
        let until = |what: &str, done: fn(&Server) -> bool| {
            wait_for(what, || (done(server) || gone()).then_some(()));
        };
        match self {
            Work::Write(write) => {
                known.try_write(client, write).ok();
            }
            Work::Checkpoint => {
                known.try_write(client, Write::Entry).ok();
                until("a checkpoint", journal_is_empty);
            }
            Work::Maintenance => {
                for _ in 0..MANY_SETS {
                    if known.try_write(client, Write::Set).is_err() {
                        return;
                    }
                }
                until("packs to be merged", |server| count_packs(server) == 1);
            }
        }
    }
}

impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Whose::Thread(name) | Whose::Files(name, _) => f.write_str(name),
        }
    }
}

impl Whose {
    fn inject(self, server: &Server, call: &str, happens: &str) -> Strace {
        match self {
            Whose::Thread(thread) => Strace::on_thread(server, call, happens, thread),
            Whose::Files(_, files) => Strace::on_files(server, call, happens, &files(server)),
        }
    }

    /// The calls of this work, each with how manieth of its name it is. Of several threads those of the busiest.
    fn calls(self, work: Work) -> Vec<(String, usize)> {
        let (server, client, mut known) = work.begin();
        let log = server.data().join("calls");
        let strace = match self {
            Whose::Thread(thread) => Strace::watch_thread(&server, CALLS, thread, &log),
            Whose::Files(_, files) => Strace::watch_files(&server, CALLS, &files(&server), &log),
        };
        work.run(&server, &client, &mut known);
        strace.end();
        let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
        for line in fs::read_to_string(&log).expect("what strace wrote").lines() {
            let (before, _) = line.split_once('(').unwrap_or_default();
            let (thread, call) = before.rsplit_once(' ').unwrap_or(("", before));
            if !call.is_empty() && call.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                *counts.entry((thread.trim().to_owned(), call.to_owned())).or_default() += 1;
            }
        }
        let mut most: BTreeMap<String, usize> = BTreeMap::new();
        for ((_, call), count) in counts {
            let known = most.entry(call).or_default();
            *known = count.max(*known);
        }
        assert!(!most.is_empty(), "{work:?} makes no calls of {self}");
        most.into_iter().flat_map(|(call, count)| (1..=count).map(move |nth| (call.clone(), nth))).collect()
    }
}

fn all_are_asked_for() -> bool {
    std::env::var("REVCONF_TEST_SWEEP").is_ok_and(|which| which == "all")
}

/// Tries the calls of all these sweeps, or some of each.
fn sweep(sweeps: &[(Work, Whose)], case: impl Fn(Work, Whose, &str, usize)) {
    for (work, whose) in sweeps {
        let calls = whose.calls(*work);
        let step = if all_are_asked_for() { 1 } else { calls.len().div_ceil(SOME) };
        let tried = calls.iter().step_by(step);
        eprintln!("{work:?}, {whose}: {} of {} calls are tried", tried.len(), calls.len());
        for (call, nth) in tried {
            eprintln!("{call} {nth}");
            case(*work, *whose, call, *nth);
        }
    }
}

/// Everything that was acknowledged is there, nothing by half, and new writes are taken.
fn check(server: &Server, known: &mut Known) {
    let client = server.client();
    known.settle(&client);
    known.check(&client);
    for write in [Write::Entry, Write::Set] {
        assert_eq!(known.write(&client, write).status, 200);
    }
    known.check(&client);
    server.git().fsck();
    wait_for("a repository without leftovers", || is_tidy(server).then_some(()));
}

fn killed(work: Work, whose: Whose, call: &str, nth: usize) {
    let (mut server, client, mut known) = work.begin();
    let strace = whose.inject(&server, call, &format!("signal=SIGKILL:when={nth}"));
    work.run(&server, &client, &mut known);
    // Where the call did not come this time, nothing is lost either. To tell strace to let go of what is about to die may
    // make it wait for ever.
    server.kill();
    strace.end();
    server.start_again();
    check(&server, &mut known);
}

#[test]
fn a_kill_at_any_call_of_a_write_loses_nothing() {
    sweep(
        &[
            (Work::Write(Write::Entry), Whose::Thread("committer")),
            (Work::Write(Write::Entry), Whose::Files("objects", objects)),
            (Work::Write(Write::Set), Whose::Thread("committer")),
            (Work::Write(Write::Set), Whose::Files("packs", packs)),
            (Work::Write(Write::Deletion), Whose::Thread("committer")),
        ],
        killed,
    );
}

#[test]
fn a_kill_at_any_call_of_a_checkpoint_loses_nothing() {
    sweep(&[(Work::Checkpoint, Whose::Thread("checkpoints"))], killed);
}

#[test]
fn a_kill_at_any_call_of_maintenance_loses_nothing() {
    sweep(&[(Work::Maintenance, Whose::Thread("maintenance"))], killed);
}

/// The folder too, in which files begin and end.
fn journal_and_folder(server: &Server) -> Vec<std::path::PathBuf> {
    [journal(server), vec![server.data().join("journal")]].concat()
}

fn objects_and_folders(server: &Server) -> Vec<std::path::PathBuf> {
    let folders = (0..=255).map(|fan| in_repository(server, &format!("objects/{fan:02x}")));
    objects(server).into_iter().chain(folders).collect()
}

fn refs(server: &Server) -> Vec<std::path::PathBuf> {
    let names = ["prod", "sets", "going"].map(|name| in_repository(server, &format!("refs/heads/{name}")));
    let locks = branch_lock(server).into_iter().chain(packed_refs(server));
    locks.chain(names).chain([in_repository(server, "refs/heads/going.lock")]).collect()
}

/// The n-th call and all that follow fail. A client is told so, or its write was made.
fn failed(work: Work, whose: Whose, call: &str, nth: usize) {
    let errors = if nth.is_multiple_of(2) { ["EIO", "ENOSPC"] } else { ["ENOSPC", "EIO"] };
    for error in errors.into_iter().take(if all_are_asked_for() { 2 } else { 1 }) {
        let (mut server, client, mut known) = work.begin();
        let fault = whose.inject(&server, call, &format!("error={error}:when={nth}+"));
        let unknown = write(work, &client, &mut known);
        if !unknown {
            known.check(&client);
        }
        if nth.is_multiple_of(2) {
            server.kill();
            fault.end();
            server.start_again();
        } else {
            fault.end();
        }
        if !unknown {
            known.check(&server.client());
        }
        if let Work::Write(kind) = work {
            let client = server.client();
            known.settle(&client);
            if !(known.deleted && matches!(kind, Write::Deletion)) {
                assert_eq!(known.write(&client, kind).status, 200, "what was refused can be done now");
            }
        }
        check(&server, &mut known);
    }
}

/// Writes while calls fail. Answers whether a client was told that it is not known whether its write was made.
fn write(work: Work, client: &Client, known: &mut Known) -> bool {
    let (writes, kind, beside) = match work {
        Work::Write(write) => (2, write, false),
        Work::Checkpoint => (2, Write::Entry, true),
        Work::Maintenance => (MANY_SETS, Write::Set, true),
    };
    let mut unknown = false;
    for _ in 0..writes {
        let answer = known.write(client, kind);
        assert!(!beside || answer.status == 200, "what fails beside a write does not concern it: {answer:?}");
        unknown |= answer.status != 200 && answer.message().contains("not known");
        if unknown || matches!(kind, Write::Deletion) && answer.status == 200 {
            break;
        }
    }
    unknown
}

#[test]
fn a_write_whose_calls_fail_from_any_on_is_never_falsely_acknowledged() {
    sweep(
        &[
            (Work::Write(Write::Entry), Whose::Files("journal", journal_and_folder)),
            (Work::Write(Write::Entry), Whose::Files("objects", objects_and_folders)),
            (Work::Write(Write::Entry), Whose::Files("refs", refs)),
            (Work::Write(Write::Set), Whose::Files("journal", journal_and_folder)),
            (Work::Write(Write::Set), Whose::Files("packs", packs)),
            (Work::Write(Write::Set), Whose::Files("refs", refs)),
            (Work::Write(Write::Deletion), Whose::Files("refs", refs)),
        ],
        failed,
    );
}

#[test]
fn a_checkpoint_whose_calls_fail_from_any_on_is_made_up_for() {
    sweep(&[(Work::Checkpoint, Whose::Thread("checkpoints"))], failed);
}

#[test]
fn maintenance_whose_calls_fail_from_any_on_is_made_up_for() {
    sweep(&[(Work::Maintenance, Whose::Thread("maintenance"))], failed);
}
