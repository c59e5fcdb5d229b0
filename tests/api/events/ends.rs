//! Where following ends.

use serde_json::json;

use super::{EVENTS, SET};
use crate::support::documents::service;
use crate::support::{Follower, Heard, Server};

#[test]
fn a_configuration_that_goes_is_told() {
    let server = Server::start();
    let client = server.client();
    client.post("/conf/configs/stage", &json!({})).expect(201);
    let mut follower = Follower::start(&server, "/conf/stage/events", &[]);
    let last = client.post("/conf/stage/backend-services/web", &service("web")).expect(201).version();
    client.delete("/conf/configs/stage").expect(200);
    client.post("/conf/configs/stage", &json!({})).expect(201);
    assert_eq!(follower.next().0, last);
    assert_eq!(follower.hear(), Heard::Named("gone".to_owned(), json!({"configuration": "stage"})));
    assert_eq!(follower.hear(), Heard::End);
    // The new one of this name has another history.
    let again = client.request("GET", "/conf/stage/events").header("Last-Event-ID", &last).send();
    again.expect_error(404);
    let mut new = Follower::start(&server, "/conf/stage/events", &[]);
    let version = client.post("/conf/stage/backend-services/web", &service("web")).expect(201).version();
    assert_eq!(new.next().0, version);
}

#[test]
fn a_stop_waits_for_nobody_who_follows() {
    let mut server = Server::builder().env("REVCONF_HTTP_SHUTDOWN_TIMEOUT", "600").start();
    let mut followers: Vec<Follower> = (0..20).map(|_| Follower::start(&server, EVENTS, &[])).collect();
    let last = server.client().post(&format!("{SET}/web"), &service("web")).expect(201).version();
    for follower in &mut followers {
        assert_eq!(follower.next().0, last);
    }
    assert!(server.stop().success());
    for follower in &mut followers {
        assert_eq!(follower.hear(), Heard::End);
    }
}

#[test]
fn whoever_leaves_is_forgotten() {
    let server = Server::start();
    let client = server.client();
    let followers = || {
        let page = client.get("/metrics").expect(200).text();
        let line = page.lines().find_map(|line| line.strip_prefix("revconf_followers "));
        line.map(str::to_owned)
    };
    let kept: Vec<Follower> = (0..5).map(|_| Follower::start(&server, EVENTS, &[])).collect();
    crate::support::wait_for("five followers", || (followers()? == "5").then_some(()));
    drop(kept);
    crate::support::wait_for("no followers", || {
        // Nobody notices that a reader is gone before something is sent.
        client.put(SET, &json!([service(&followers()?)])).expect(200);
        client.put(SET, &json!([])).expect(200);
        (followers()? == "0").then_some(())
    });
}
