//! How many, how long, how much; and without git.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sha1::{Digest, Sha1};
use tempfile::TempDir;

use super::{SERVICES, WEB, Work, line, push_pack, script, url, wanting};
use crate::support::documents::{described, service};
use crate::support::server::Builder;
use crate::support::{PATIENCE, Server, wait_for};

const REFS: &str = "/git/info/refs?service=git-upload-pack";

/// A service whose git is this script; `$GIT` is the real one.
fn with_git(text: &str) -> (Builder, Arc<TempDir>) {
    let home = Arc::new(TempDir::new().expect("a temporary directory"));
    let path = script(home.path(), &format!("HERE={}\n{text}", home.path().display()));
    let path = path.to_str().expect("UTF-8").to_owned();
    (Server::builder().keep(&home).env("REVCONF_GIT_PROGRAM", &path), home)
}

/// A git that notes its own number and that of a process that it starts, and then says something now and then.
const ENDLESS: &str = "case \"$*\" in *--version) exec git --version;; esac
sleep 1000 & echo $! > $HERE/child.new; echo $$ > $HERE/leader.new
mv $HERE/child.new $HERE/child; mv $HERE/leader.new $HERE/leader
while true; do echo 0005x; sleep 0.05; done";

/// The process that a file names is gone, or only waits for its parent to notice.
fn gone(file: &Path) -> bool {
    let number = std::fs::read_to_string(file).expect("a number");
    let status = std::fs::read_to_string(format!("/proc/{}/stat", number.trim()));
    status.is_err() || status.is_ok_and(|status| status.contains(") Z "))
}

fn ask(server: &Server) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time can be set");
    stream.write_all(format!("GET {REFS} HTTP/1.1\r\nHost: test\r\n\r\n").as_bytes()).expect("it reads");
    let mut first = [0; 12];
    stream.read_exact(&mut first).expect("it answers");
    assert_eq!(&first, b"HTTP/1.1 200");
    stream
}

#[test]
fn processes_are_ended_when_the_client_goes_away() {
    let (builder, home) = with_git(ENDLESS);
    let server = builder.start();
    let stream = ask(&server);
    let files = ["leader", "child"].map(|name| home.path().join(name));
    wait_for("git to be at work", || files.iter().all(|file| file.exists()).then_some(()));
    drop(stream);
    wait_for("git to be ended", || files.iter().all(|file| gone(file)).then_some(()));
}

#[test]
fn processes_that_do_not_end_when_they_are_asked_to_are_killed() {
    let (builder, home) = with_git(&format!("trap '' TERM\n{ENDLESS}"));
    let server = builder.start();
    let stream = ask(&server);
    let file = home.path().join("leader");
    wait_for("git to be at work", || file.exists().then_some(()));
    drop(stream);
    wait_for("git to be killed", || gone(&file).then_some(()));
}

#[test]
fn processes_end_when_their_time_is_up_and_the_client_sees_that_it_was_not_all() {
    let (builder, home) = with_git(ENDLESS);
    let server = builder.env("REVCONF_GIT_TIMEOUT", "1").start();
    let mut stream = ask(&server);
    let mut text = String::new();
    // Closed, or reset; in any case without the chunk that would end the answer.
    if stream.read_to_string(&mut text).is_ok() {
        assert!(!text.ends_with("\r\n0\r\n\r\n"), "{text}");
    }
    let files = ["leader", "child"].map(|name| home.path().join(name));
    wait_for("git to be ended", || files.iter().all(|file| gone(file)).then_some(()));
}

#[test]
fn who_takes_nothing_holds_no_process_for_longer_than_its_time() {
    let (builder, home) = with_git(
        "case \"$*\" in *--version) exec git --version;; esac
echo $$ > $HERE/leader.new; mv $HERE/leader.new $HERE/leader; exec cat /dev/zero",
    );
    let builder = builder.env("REVCONF_GIT_TIMEOUT", "2").env("REVCONF_HTTP_SEND_TIMEOUT", "3600");
    let server = builder.env("REVCONF_GIT_PROCESSES", "1").start();
    let stream = ask(&server);
    let file = home.path().join("leader");
    wait_for("git to be at work", || file.exists().then_some(()));
    wait_for("git to be ended", || gone(&file).then_some(()));
    wait_for("its place to be free", || {
        let numbers = server.client().get("/metrics").expect(200).text();
        numbers.contains("\nrevconf_git_processes 0\n").then_some(())
    });
    drop(stream);
}

#[test]
fn a_place_is_taken_until_its_process_has_ended() {
    let (builder, home) = with_git(&format!("trap '' TERM\n{ENDLESS}"));
    let server = builder.start();
    let stream = ask(&server);
    let file = home.path().join("leader");
    wait_for("git to be at work", || file.exists().then_some(()));
    drop(stream);
    wait_for("its place to be free", || {
        let numbers = server.client().get("/metrics").expect(200).text();
        numbers.contains("\nrevconf_git_processes 0\n").then_some(())
    });
    assert!(gone(&file), "it is at work without a place");
}

#[test]
fn more_than_there_may_be_are_put_off_while_others_are_served() {
    let (builder, _home) = with_git(ENDLESS);
    let server = builder.env("REVCONF_GIT_PROCESSES", "2").start();
    let client = server.client();
    let held = [ask(&server), ask(&server)];
    let refused = client.request("GET", REFS).allow_5xx().send();
    assert_eq!(refused.status, 503, "{refused:?}");
    assert_eq!(refused.header("retry-after"), Some("1"));
    let numbers = client.get("/metrics").expect(200).text();
    assert!(numbers.contains("\nrevconf_git_processes 2\n"), "{numbers}");
    client.post(WEB, &service("web")).expect(201);
    drop(held);
    wait_for("a place", || {
        let mut stream = TcpStream::connect(server.address()).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time can be set");
        stream.write_all(format!("GET {REFS} HTTP/1.1\r\nHost: test\r\n\r\n").as_bytes()).expect("it reads");
        let mut first = [0; 12];
        stream.read_exact(&mut first).expect("it answers");
        (&first == b"HTTP/1.1 200").then_some(())
    });
}

#[test]
fn without_git_the_door_is_closed_and_everything_else_is_there() {
    let old = with_git("echo git version 2.30.9");
    let strange = with_git("echo hello");
    for (builder, said) in [
        (Server::builder().env("REVCONF_GIT_PROGRAM", "/nonexistent/git"), "install git 2.31 or newer"),
        (old.0, "2.31 is the oldest"),
        (strange.0, "does not tell its version"),
        (Server::builder().env("REVCONF_GIT_ENABLED", "false"), "git.enabled"),
    ] {
        let server = builder.start();
        let client = server.client();
        for (method, path) in
            [("GET", REFS), ("POST", "/git/git-upload-pack"), ("POST", "/git/git-receive-pack")]
        {
            let kind = format!("application/x-{}-request", path.rsplit('/').next().unwrap_or_default());
            let request = client.request(method, path).header("Content-Type", &kind).body("0000");
            let refused = request.allow_5xx().send();
            assert_eq!(refused.status, 501, "{refused:?}");
            assert!(refused.text().contains(said), "{refused:?}");
        }
        client.post(WEB, &service("web")).expect(201);
        let person = Work::new().git(&["clone", &url(&server, None)]);
        assert!(person.stderr.contains(said), "{person:?}");
    }
}

/// Bytes that no compression makes less of.
fn noise(length: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    let chance = std::fs::File::open("/dev/urandom").expect("chance");
    chance.take(length).read_to_end(&mut bytes).expect("chance");
    bytes
}

#[test]
fn a_push_that_is_too_large_is_told_so_and_leaves_nothing() {
    let server = Server::builder().env("REVCONF_GIT_MAX_PUSH", "100000").start();
    server.client().post(WEB, &service("web")).expect(201);
    let before = server.git().everything();
    let work = Work::clone(&url(&server, None), &[]);
    work.commit(&[("notes.txt", Some(&noise(3_000_000)))], "Too large");
    let said = work.refused(&["HEAD:prod"]);
    assert!(said.contains("maximum allowed size"), "{said}");
    wait_for("the rest to be taken away", || (server.git().everything() == before).then_some(()));
    let client = server.client();
    let head = "POST /git/git-receive-pack HTTP/1.1\r\nHost: test\r\nContent-Length: 100000000\r\n\
                Content-Type: application/x-git-receive-pack-request\r\n\r\n";
    let announced = client.raw(head.as_bytes()).expect(413);
    assert!(announced.text().contains("larger than"), "{announced:?}");
    client.put(WEB, &described("web", "afterwards")).expect(200);
}

/// What is pushed lies on the disk and not in memory.
#[test]
fn a_large_push_takes_little_memory() {
    let server = Server::start();
    server.client().post(WEB, &service("web")).expect(201);
    let work = Work::clone(&url(&server, None), &["-c", "core.compression=0"]);
    let before = server.peak();
    for part in 0..3 {
        work.commit(&[(&format!("large/{part}"), Some(&noise(24 << 20)))], "Large");
    }
    let said = work.refused(&["HEAD:prod"]);
    assert!(said.contains("large"), "{said}");
    assert!(server.peak() - before < 48 * 1024, "{} KiB more", server.peak() - before);
    assert!(server.git().leftovers().is_empty());
    assert_eq!(server.client().get(SERVICES).expect(200).total(), 1);
}

#[test]
fn an_endless_push_ends_with_its_connection() {
    let server = Server::builder().env("REVCONF_GIT_MAX_PUSH", "1000").start();
    let tip = server.git().rev_parse("prod");
    let command = line(&format!("{tip} {} refs/heads/prod\0report-status", "1".repeat(40))) + "0000PACK";
    let mut stream = TcpStream::connect(server.address()).expect("it listens");
    stream.set_write_timeout(Some(PATIENCE)).expect("a time can be set");
    let head = "POST /git/git-receive-pack HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\
                Content-Type: application/x-git-receive-pack-request\r\n\r\n";
    let first = format!("{head}{:x}\r\n{command}\r\n", command.len());
    stream.write_all(first.as_bytes()).expect("it reads");
    let chunk = [b"100000\r\n", &noise(1 << 20)[..], b"\r\n"].concat();
    let taken = (0..200).take_while(|_| stream.write_all(&chunk).is_ok()).count();
    assert!(taken < 100, "{taken} MiB were taken");
    assert_eq!(server.client().get("/conf/configs/prod").expect(200).version(), tip);
}

/// A client that goes away in the middle of what it sends.
#[test]
fn a_push_that_breaks_off_leaves_nothing() {
    let server = Server::start();
    server.client().post(WEB, &service("web")).expect(201);
    let before = server.git().everything();
    let (zero, tip) = ("0".repeat(40), server.git().rev_parse("prod"));
    let command = line(&format!("{tip} {} refs/heads/prod\0report-status", "1".repeat(40)));
    server.client().get(REFS).expect(200);
    let create = line(&format!("{zero} {tip} refs/heads/other\0report-status"));
    for body in [command.clone(), format!("{command}0000PACK"), create.clone()] {
        let mut stream = TcpStream::connect(server.address()).expect("it listens");
        let head = "POST /git/git-receive-pack HTTP/1.1\r\nHost: test\r\nContent-Length: 100000\r\n\
                    Content-Type: application/x-git-receive-pack-request\r\n\r\n";
        stream.write_all(format!("{head}{body}").as_bytes()).expect("it reads");
        drop(stream);
    }
    wait_for("all to be ended", || {
        let views = std::fs::read_dir(server.data().join("git/views")).expect("a folder").count();
        (views == 0).then_some(())
    });
    assert_eq!(server.git().everything(), before);
    assert!(wanting(&[&tip]).ends_with(b"0000"));
}

/// A number as a delta has it: seven bits in a byte, the lowest first.
pub(super) fn varied(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number > 0x7f {
        bytes.push(0x80 | u8::try_from(number & 0x7f).expect("seven bits"));
        number >>= 7;
    }
    bytes.push(u8::try_from(number).expect("seven bits"));
    bytes
}

/// The head of an object in a pack.
pub(super) fn head_of(kind: u8, length: u64) -> Vec<u8> {
    let low = (kind << 4) | u8::try_from(length & 15).expect("four bits");
    if length < 16 { vec![low] } else { [&[0x80 | low][..], &varied(length >> 4)].concat() }
}

pub(super) fn zipped(bytes: &[u8]) -> Vec<u8> {
    let mut zip = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    zip.write_all(bytes).expect("memory");
    zip.finish().expect("memory")
}

/// A delta that copies its base many times.
#[test]
fn a_small_push_that_unpacks_to_a_large_one_takes_no_memory() {
    const LARGE: usize = (16 << 20) - 1;
    const COPIES: usize = 60;
    let server = Server::start();
    let client = server.client();
    client.post(WEB, &service("web")).expect(201);
    let work = Work::clone(&url(&server, None), &[]);
    let zeros = vec![0; LARGE];
    std::fs::write(work.folder().join("zeros"), &zeros).expect("a file");
    let base = work.text(&["hash-object", "zeros"]);
    let (length, whole) = (LARGE as u64, (LARGE * COPIES) as u64);
    let copies = [0xf0, 0xff, 0xff, 0xff].repeat(COPIES);
    let delta = [varied(length), varied(whole), copies].concat();
    let base: Vec<u8> = (0..20)
        .map(|at| u8::from_str_radix(base.get(2 * at..2 * at + 2).expect("an id"), 16).expect("digits"))
        .collect();
    let mut pack = [b"PACK", &2_u32.to_be_bytes()[..], &2_u32.to_be_bytes()].concat();
    pack.extend([head_of(3, length), zipped(&zeros)].concat());
    pack.extend([head_of(7, delta.len() as u64), base, zipped(&delta)].concat());
    let sum = Sha1::digest(&pack);
    pack.extend(sum);
    let from = work.text(&["rev-parse", "HEAD"]);
    let said = push_pack(&client, [&from, &"1".repeat(40), "refs/heads/prod"], &pack);
    assert!(said.contains("over limit"), "{said}");
    assert_eq!(server.git().rev_parse("prod"), from);
    client.put(WEB, &described("web", "afterwards")).expect(200);
}

#[test]
fn what_a_killed_push_left_goes_while_the_service_runs() {
    let server = Server::builder().env("REVCONF_GIT_TIMEOUT", "1").start();
    let objects = server.data().join("repository.git/objects");
    let pack = |folder: &str| {
        let folder = objects.join(folder).join("pack");
        std::fs::create_dir_all(&folder).expect("a folder can be made");
        let file = std::fs::File::create(folder.join("tmp_pack_Zx81ab")).expect("a file can be made");
        (folder.parent().expect("a parent").to_owned(), file)
    };
    let (busy, file) = pack("tmp_objdir-incoming-Busy01");
    // As one that is written to all the while.
    file.set_modified(SystemTime::now() + Duration::from_secs(3600)).expect("its time can be set");
    let left = ["tmp_objdir-incoming-Left01", "incoming-Left02"].map(|name| pack(name).0);
    wait_for("what was left to go", || left.iter().all(|folder| !folder.exists()).then_some(()));
    assert!(busy.exists(), "somebody is at work there");
    server.client().post(WEB, &service("web")).expect(201);
}
