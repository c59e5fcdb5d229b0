//! Another server says that there is something new.

use serde_json::json;

use super::{Outside, WEB, follow, metric, signature, wait_for_state};
use crate::support::documents::service;
use crate::support::{Server, wait_for};

const SECRET: &str = "a secret of two servers";
const HOOK: &str = "/mirrors/source/hook";

/// A server whose `prod` follows an empty repository, by notices alone.
fn server(outside: &Outside) -> Server {
    let source = outside.bare("source.git");
    let more = format!("interval = 0\nsecret_file = {:?}", outside.secret("secret", &format!("{SECRET}\n")));
    Server::builder().keep(&outside.0).config(&follow(source.directory(), &more)).start()
}

#[test]
fn a_notice_with_the_right_secret_is_heeded() {
    let outside = Outside::new();
    let server = server(&outside);
    let client = server.client();
    wait_for_state(&client, "failing");
    let body = json!({"ref": "refs/heads/prod"}).to_string();
    let mut other = Server::start();
    other.client().post(WEB, &service("web")).expect(201);
    other.stop();
    other.git().text(&["push", "--quiet", outside.path("source.git").to_str().expect("UTF-8"), "prod"]);
    client
        .request("POST", HOOK)
        .header("X-Hub-Signature-256", &signature(SECRET, &body))
        .header("Content-Type", "application/json")
        .body(body)
        .send()
        .expect(202);
    wait_for_state(&client, "current");
    client.get(WEB).expect(200);
    let attempts = metric(&client, "revconf_mirror_attempts_total");
    client.request("POST", HOOK).header("X-Gitlab-Token", SECRET).body("anything").send().expect(202);
    wait_for("another look", || (metric(&client, "revconf_mirror_attempts_total") > attempts).then_some(()));
}
