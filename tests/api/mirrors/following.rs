//! A configuration follows a branch elsewhere.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use serde_json::json;

use super::{Outside, WEB, follow, metric, text_of, told, wait_for_state};
use crate::support::documents::service;
use crate::support::{Client, Git, Server, wait_for};

/// A repository that another service has made and that people change by hand: `source.git`, and a clone of it.
struct Upstream {
    outside: Outside,
    source: Git,
    clone: Git,
}

impl Upstream {
    fn new() -> Self {
        let outside = Outside::new();
        let mut first = Server::start();
        first.client().post(WEB, &service("web")).expect(201);
        first.stop();
        let source = Git::at(outside.path("source.git"));
        let at = text_of(source.directory());
        first.git().text(&["clone", "--quiet", "--bare", &text_of(first.git().directory()), &at]);
        let clone = Git::at(outside.path("clone"));
        source.text(&["clone", "--quiet", &at, &text_of(clone.directory())]);
        Upstream { outside, source, clone }
    }

    fn path(&self) -> &Path {
        self.source.directory()
    }

    fn server(&self, more: &str) -> Server {
        Server::builder().keep(&self.outside.0).config(&follow(self.path(), more)).start()
    }

    /// Commits a file in the clone and pushes it; what the commit is.
    #[track_caller]
    fn write(&self, path: &str, text: &str) -> String {
        fs::write(self.clone.directory().join(path), text).expect("a file of the clone");
        self.clone.text(&["add", "--all"]);
        self.commit("Change it by hand");
        self.push(&[]);
        self.clone.rev_parse("HEAD")
    }

    /// The first service's document with another name, as the service itself lays it out.
    fn rename(&self, name: &str) -> String {
        let path = "backend-services/web.json";
        let text = String::from_utf8(self.clone.show("HEAD", path)).expect("UTF-8");
        let from = text.lines().find(|line| line.contains("\"name\"")).expect("a name").to_owned();
        self.write(path, &text.replace(&from, &format!("  \"name\": \"{name}\",")))
    }

    fn commit(&self, message: &str) {
        self.clone.text(&[
            "-c",
            "user.name=Ada",
            "-c",
            "user.email=ada@example.org",
            "commit",
            "--quiet",
            "-m",
            message,
        ]);
    }

    fn push(&self, more: &[&str]) {
        self.clone.text(&[&["push", "--quiet"], more, &["origin", "HEAD:prod"]].concat());
    }
}

/// Waits until the service serves this commit.
#[track_caller]
fn wait_for_version(client: &Client, commit: &str) {
    wait_for(&format!("the service to serve {commit}"), || {
        let answer = client.request("GET", "/conf/configs/prod").send();
        (answer.header("revconf-version") == Some(commit)).then_some(())
    });
}

#[test]
fn what_is_new_upstream_is_served_as_it_is_there() {
    let upstream = Upstream::new();
    let server = upstream.server("interval = 1");
    let client = server.client();
    wait_for_version(&client, &upstream.source.rev_parse("prod"));
    assert_eq!(client.get(WEB).expect(200).json()["name"], service("web")["name"]);
    let commit = upstream.rename("By hand");
    wait_for_version(&client, &commit);
    assert_eq!(client.get(WEB).expect(200).json()["name"], "By hand");
    let versions = client.get(&format!("{WEB}/versions")).expect(200).json();
    assert_eq!(versions["items"][0]["author"], "Ada", "{versions}");
    assert_eq!(server.git().log("prod"), upstream.source.log("prod"));
    server.git().fsck();
    let told = wait_for_state(&client, "current");
    assert_eq!((&told["branch"], &told["configurations"]), (&json!("prod"), &json!(["prod"])), "{told}");
    // Nothing is left of what was fetched.
    assert!(!server.data().join("mirrors/source.git").exists());
}

#[test]
fn it_is_so_after_a_restart_and_without_what_mirrors_keep() {
    let upstream = Upstream::new();
    let mut server = upstream.server("interval = 1");
    let commit = upstream.rename("one");
    wait_for_version(&server.client(), &commit);
    server.stop();
    let _ = fs::remove_dir_all(server.data().join("mirrors"));
    let commit = upstream.rename("two");
    server.start_again();
    wait_for_version(&server.client(), &commit);
    server.git().assert_sound(&["prod"]);
}

#[test]
fn a_broken_document_upstream_changes_nothing_and_is_mended_there() {
    let upstream = Upstream::new();
    let server = upstream.server("interval = 1");
    let client = server.client();
    let good = upstream.rename("good");
    wait_for_version(&client, &good);
    let sound =
        fs::read_to_string(upstream.clone.directory().join("backend-services/web.json")).expect("a file");
    let broken = upstream.write("backend-services/web.json", "{\"nmae\": 1}\n");
    let refused = wait_for_state(&client, "refused");
    let message = refused["message"].as_str().unwrap_or_default().to_owned();
    assert!(message.contains(&broken[..7]) && message.contains("backend-services/web.json"), "{message}");
    assert!(server.log_lines().iter().any(|line| line.contains("is refused; the old state stays")));
    assert_eq!(client.get(WEB).expect(200).json()["name"], "good");
    assert!(metric(&client, "revconf_mirror_failures_total") > 0.0);
    assert!(metric(&client, "revconf_mirror_lag_seconds") > 0.0);
    // It is not fetched again and again.
    let attempts = metric(&client, "revconf_mirror_attempts_total");
    wait_for("another attempt", || {
        (metric(&client, "revconf_mirror_attempts_total") > attempts + 1.0).then_some(())
    });
    assert_eq!(told(&client)["message"], message.as_str());
    // A later commit that is sound does not heal the one before, so it is taken back upstream.
    upstream.write("backend-services/web.json", &sound);
    upstream.clone.text(&["reset", "--quiet", "--hard", &good]);
    upstream.push(&["--force"]);
    wait_for_state(&client, "current");
    let mended = upstream.rename("mended");
    wait_for_version(&client, &mended);
    server.git().fsck();
}

#[test]
fn a_force_push_upstream_changes_nothing() {
    let upstream = Upstream::new();
    let server = upstream.server("interval = 1");
    let client = server.client();
    let first = upstream.source.rev_parse("prod");
    let one = upstream.rename("one");
    wait_for_version(&client, &one);
    upstream.clone.text(&["reset", "--quiet", "--hard", &first]);
    upstream.push(&["--force"]);
    wait_for_state(&client, "refused");
    assert_eq!(client.get(WEB).expect(200).json()["name"], "one");
    upstream.clone.text(&["reset", "--quiet", "--hard", &first]);
    fs::write(
        upstream.clone.directory().join("config.json"),
        "{\n  \"format\": 2,\n  \"description\": \"other\"\n}\n",
    )
    .expect("a file");
    upstream.clone.text(&["add", "--all"]);
    upstream.commit("Another history");
    upstream.push(&["--force"]);
    let other = upstream.clone.rev_parse("HEAD");
    wait_for("the other history to be refused", || {
        told(&client)["message"].as_str().filter(|text| text.contains(&other[..7])).map(drop)
    });
    assert_eq!(client.get(WEB).expect(200).header("revconf-version"), Some(one.as_str()));
    // Where it goes back to what is served and on from there, all is well.
    upstream.clone.text(&["reset", "--quiet", "--hard", &one]);
    upstream.push(&["--force"]);
    let two = upstream.rename("two");
    wait_for_version(&client, &two);
    wait_for_state(&client, "current");
}

#[test]
fn what_is_refused_for_the_moment_is_taken_when_it_will_do() {
    let upstream = Upstream::new();
    let server = upstream.server("interval = 86400");
    let client = server.client();
    wait_for_version(&client, &upstream.source.rev_parse("prod"));
    wait_for_state(&client, "current");
    // A clock may be ten minutes ahead of this one.
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a time after 1970").as_secs();
    let date = format!("{} +0000", now + 600 + 5);
    let [committed, written] = ["GIT_COMMITTER_DATE", "GIT_AUTHOR_DATE"].map(|name| format!("{name}={date}"));
    let clone = upstream.clone.directory();
    let made = Command::new("env")
        .args([&committed, &written])
        .args(["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-C", &text_of(clone)])
        .args(["commit", "--quiet", "--allow-empty", "-m", "Of tomorrow"])
        .status();
    assert!(made.is_ok_and(|status| status.success()));
    upstream.push(&[]);
    let commit = upstream.clone.rev_parse("HEAD");
    let look = || client.request("POST", "/mirrors/source/hook").body("").send().expect(202);
    look();
    let refused = wait_for_state(&client, "refused");
    assert!(refused["message"].as_str().is_some_and(|text| text.contains("from the future")), "{refused}");
    wait_for("the service to serve it", || {
        look();
        let answer = client.request("GET", "/conf/configs/prod").send();
        (answer.header("revconf-version") == Some(commit.as_str())).then_some(())
    });
    wait_for_state(&client, "current");
}

#[test]
fn what_follows_is_not_changed_here() {
    let upstream = Upstream::new();
    let server = upstream.server("interval = 1");
    let client = server.client();
    let commit = upstream.rename("theirs");
    wait_for_version(&client, &commit);
    let before = server.git().refs();
    let backend = json!({"host": "a.example"});
    let transaction =
        json!({"operations": [{"op": "put", "kind": "backends", "id": "a", "value": {"host": "a.example"}}]});
    for (method, path, body) in [
        ("PUT", WEB, &json!({"name": "mine"})),
        ("POST", "/conf/prod/backend-services/other", &service("other")),
        ("DELETE", WEB, &json!(null)),
        ("PUT", "/conf/prod/backend-services?dry_run=true", &json!([])),
        ("PUT", "/conf/prod/backends/a", &backend),
        ("PUT", "/conf/configs/prod", &json!({"description": "mine"})),
        ("DELETE", "/conf/configs/prod", &json!(null)),
        ("PUT", "/conf/configs/prod/releases/v1", &json!({})),
        ("POST", "/conf/prod/transactions", &transaction),
        ("POST", "/conf/prod/merge", &json!({"from": {"config": "prod"}})),
    ] {
        let answer = client.request(method, path).json(body).if_match("*").send().expect(403);
        let text = answer.text();
        assert!(text.contains("follows the branch prod of") && text.contains("source.git"), "{text}");
    }
    client.revert("/conf/configs/prod", &commit).expect(403);
    assert_eq!(server.git().refs(), before);
    // Others are as ever, and may be copies of it.
    client.post("/conf/configs/mine", &json!({"from": {"config": "prod"}})).expect(201);
    client.put("/conf/mine/backend-services/web", &json!({"name": "mine"})).expect(200);
}

#[test]
fn a_followed_configuration_comes_with_the_first_fetch() {
    let upstream = Upstream::new();
    fs::rename(upstream.path(), upstream.outside.path("away.git")).expect("it can be moved");
    let server = upstream.server("interval = 1");
    let client = server.client();
    let failing = wait_for_state(&client, "failing");
    assert!(failing["message"].as_str().is_some_and(|text| text.contains("source.git")), "{failing}");
    client.get("/conf/configs/prod").expect(404);
    client.post("/conf/configs/prod", &json!({})).expect(403);
    client.get("/health/ready").expect(200);
    fs::rename(upstream.outside.path("away.git"), upstream.path()).expect("it can be moved back");
    wait_for_version(&client, &upstream.source.rev_parse("prod"));
}

#[test]
fn a_branch_that_is_not_there_is_told() {
    let upstream = Upstream::new();
    let server = upstream.server("branch = \"nowhere\"");
    let failing = wait_for_state(&server.client(), "failing");
    assert_eq!(
        failing["message"],
        format!("there is no branch nowhere at {}", text_of(upstream.path())),
        "{failing}"
    );
}

#[test]
fn a_kill_while_it_fetches_leaves_nothing_behind() {
    let upstream = Upstream::new();
    let mut server = upstream.server("interval = 1");
    wait_for_version(&server.client(), &upstream.source.rev_parse("prod"));
    for round in 0..5 {
        let text = format!("round {round}");
        let commit = upstream.rename(&text);
        // While it is at work, if it can be met there.
        let busy = server.data().join("mirrors/source.git");
        wait_for("a fetch", || {
            let done = server.git().find("prod").as_deref() == Some(&commit);
            (done || busy.exists()).then_some(())
        });
        server.kill();
        server.start_again();
        wait_for_version(&server.client(), &commit);
        wait_for("the workplace to go", || (!busy.exists()).then_some(()));
        server.git().assert_sound(&["prod"]);
    }
}

#[test]
fn an_interrupted_fetch_leaves_no_mark_that_keeps_its_pack_from_being_merged() {
    let upstream = Upstream::new();
    let data = upstream.outside.path("data");
    let packs = data.join("repository.git/objects/pack");
    // It ends as if it were killed once the pack is there, while that is brought into the service's repository.
    let script = format!(
        "case \"$*\" in *'repository.git fetch '*) mkdir -p {0}; echo fetch-pack $$ on here > {0}/pack-1.keep; kill -9 $$;; esac",
        packs.display()
    );
    let program = upstream.outside.program("killed-git", &format!("{script}\nexec git \"$@\""));
    let settings = format!("{}\n[git]\nprogram = {program:?}\n", follow(upstream.path(), "interval = 1"));
    let mut server = Server::builder().data(&data).keep(&upstream.outside.0).config(&settings).start();
    let failing = wait_for_state(&server.client(), "failing");
    assert!(failing["message"].as_str().is_some_and(|text| text.contains("signal: 9")), "{failing}");
    wait_for("the mark to go", || (!packs.join("pack-1.keep").exists()).then_some(()));
    server.kill();
    fs::write(packs.join("pack-2.keep"), "fetch-pack 1 on here\n").expect("a mark");
    fs::write(packs.join("pack-3.keep"), "It is mine\n").expect("a mark");
    server.start_again();
    assert!(!packs.join("pack-2.keep").exists());
    assert!(packs.join("pack-3.keep").exists());
}

#[test]
fn a_git_that_does_not_tell_its_version_holds_up_no_stop() {
    let upstream = Upstream::new();
    let asked = upstream.outside.path("asked");
    let program = upstream.outside.program("mute-git", &format!("echo > {}\nsleep 1000", asked.display()));
    let settings = format!("{}\n[git]\nprogram = {program:?}\n", follow(upstream.path(), ""));
    let mut server = Server::builder().keep(&upstream.outside.0).config(&settings).start();
    wait_for("git to be called", || asked.exists().then_some(()));
    assert!(server.stop().success());
}

#[test]
fn a_stop_ends_a_fetch_that_hangs() {
    let upstream = Upstream::new();
    let asked = upstream.outside.path("asked");
    // A git that tells its version and never comes back from anything else.
    let script = format!(
        "case \"$*\" in --version) echo git version 2.47.3;; *) echo $$ > {0}.new; mv {0}.new {0}; sleep 1000;; esac\n",
        asked.display()
    );
    let slow = upstream.outside.program("slow-git", &script);
    let settings = format!("{}\n[git]\nprogram = {slow:?}\n", follow(upstream.path(), ""));
    let mut server = Server::builder().keep(&upstream.outside.0).config(&settings).start();
    let process = wait_for("git to be called", || fs::read_to_string(&asked).ok());
    assert!(server.stop().success());
    assert!(!Path::new(&format!("/proc/{}", process.trim())).exists(), "the call is ended");
}
