//! Who may have a mirror look for something new: who shows its secret, and who may change what follows.

use super::{Principals, new_key};
use crate::mirrors::{Outside, follow, push, signature};
use crate::support::{Server, wait_for};

const SECRET: &str = "a secret of two servers";
const HOOK: &str = "/mirrors/source/hook";

#[test]
fn a_notice_without_the_right_secret_is_not() {
    let ada = new_key("ada", &["admin=*"], &[]);
    let eve = new_key("eve", &["admin=other"], &[]);
    let outside = Outside::new();
    let source = outside.bare("source.git");
    // What is up to date is not asked again without a notice.
    let mut first = Server::start();
    first.stop();
    first.git().text(&["push", "--quiet", source.directory().to_str().expect("UTF-8"), "prod"]);
    let more = format!("interval = 0\nsecret_file = {:?}", outside.secret("secret", SECRET));
    let settings = format!("{}\n{}", follow(source.directory(), &more), push(&outside.path("x"), ""));
    let server = Principals::of(&[&ada, &eve]).builder().keep(&outside.0).config(&settings).start();
    let client = server.client();
    let body = "{}";
    let ask = |path: &str, name: &str, value: &str| {
        client.request("POST", path).header(name, value).body(body).unchecked().send()
    };
    let right = signature(SECRET, body);
    let attempts = || {
        let text = client.with_key(&ada.key).get("/metrics").expect(200).text();
        let line =
            text.lines().find(|line| line.starts_with("revconf_mirror_attempts_total{mirror=\"source\""));
        line.map(str::to_owned)
    };
    let before = wait_for("the first attempt", || {
        let all = client.with_key(&ada.key).get("/mirrors").expect(200).json();
        (all["items"][0]["state"] == "current").then(attempts).flatten()
    });
    let mut told = Vec::new();
    for (path, name, value) in [
        (HOOK, "X-Hub-Signature-256", signature("another secret, as long", body)),
        (HOOK, "X-Hub-Signature-256", signature(SECRET, "{ }")),
        (HOOK, "X-Hub-Signature-256", right.replace("sha256=", "sha1=")),
        (HOOK, "X-Hub-Signature-256", right[..20].to_owned()),
        (HOOK, "X-Hub-Signature-256", String::new()),
        (HOOK, "X-Gitlab-Token", "another secret, as long".to_owned()),
        (HOOK, "X-Gitlab-Token", String::new()),
        // A mirror without a secret, and none at all.
        ("/mirrors/copy/hook", "X-Gitlab-Token", SECRET.to_owned()),
        ("/mirrors/nobody/hook", "X-Gitlab-Token", SECRET.to_owned()),
    ] {
        told.push(ask(path, name, &value).expect(401).text());
    }
    told.dedup();
    assert_eq!(told.len(), 1, "all are told the same: {told:?}");
    assert!(!told[0].contains(SECRET));
    client.request("POST", HOOK).body(body).unchecked().send().expect(401);
    client.with_key(&eve.key).request("POST", HOOK).body(body).unchecked().send().expect(404);
    assert_eq!(attempts(), Some(before));
    ask(HOOK, "X-Hub-Signature-256", &right).expect(202);
    client.with_key(&ada.key).request("POST", HOOK).body(body).unchecked().send().expect(202);
    // Whose configurations one may not read, of those one is told nothing.
    for (key, total) in [(&eve.key, 0), (&ada.key, 2)] {
        assert_eq!(client.with_key(key).get("/mirrors").expect(200).json()["total"], total);
    }
    assert!(server.log_lines().iter().all(|line| !line.contains(SECRET)));
}

#[test]
fn what_a_mirror_tells_is_for_those_who_may_read_all_that_it_could_name() {
    let ada = new_key("ada", &["admin=*"], &[]);
    let rea = new_key("rea", &["reader=*"], &[]);
    let sam = new_key("sam", &["admin=secret-*", "reader=prod"], &[]);
    let uma = new_key("uma", &["admin=secret-1", "reader=prod"], &[]);
    let outside = Outside::new();
    let mirror = |name: &str, configurations: &str| {
        push(&outside.path("none.git"), configurations).replace("\"copy\"", &format!("{name:?}"))
    };
    // None of what the third is about is there.
    let settings = [
        mirror("all", ""),
        mirror("one", "configurations = [\"prod\"]"),
        mirror("secret", "configurations = [\"secret-*\"]"),
    ];
    let server = Principals::of(&[&ada, &rea, &sam, &uma])
        .builder()
        .keep(&outside.0)
        .config(&settings.join("\n"))
        .start();
    let client = server.client();
    // Each mirror that is shown, and whether with what is wrong.
    let told = |key: &str| {
        let all = client.with_key(key).get("/mirrors").expect(200).json();
        let items = all["items"].as_array().expect("a list").iter();
        items
            .map(|item| (item["name"].as_str().expect("a name").to_owned(), item["message"].is_string()))
            .collect::<Vec<_>>()
    };
    let shown = |names: &[(&str, bool)]| -> Vec<_> {
        names.iter().map(|(name, with_message)| (name.to_string(), *with_message)).collect()
    };
    let everything = shown(&[("all", true), ("one", true), ("secret", true)]);
    wait_for("all to fail", || (told(&ada.key) == everything).then_some(()));
    assert_eq!(told(&rea.key), shown(&[("all", false), ("one", false), ("secret", false)]));
    assert_eq!(told(&sam.key), shown(&[("one", false), ("secret", true)]));
    assert_eq!(told(&uma.key), shown(&[("one", false)]));
}
