//! `Prefer: wait=N` with `If-None-Match`: the answer is held until it is another one.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::documents::{described, service};
use crate::support::{Answer, Client, Server};

const SET: &str = "/conf/prod/backend-services";
const WEB: &str = "/conf/prod/backend-services/web";

fn wait(client: &Client, path: &str, tag: &str, seconds: u64) -> Answer {
    let request = client.request("GET", path).if_none_match(tag);
    request.header("Prefer", &format!("wait={seconds}")).send()
}

#[test]
fn what_does_not_change_is_said_to_be_the_same_when_the_time_is_over() {
    let server = Server::start();
    let client = server.client();
    client.post(WEB, &service("web")).expect(201);
    for path in
        [SET, WEB, "/conf/configs", "/conf/configs/prod", "/conf/prod/backends/versions", "/openapi.json"]
    {
        let tag = client.get(path).expect(200).etag();
        let begun = Instant::now();
        let answer = wait(&client, path, &tag, 1).expect(304);
        assert!(begun.elapsed() >= Duration::from_secs(1), "{path}");
        assert_eq!(answer.header("preference-applied"), Some("wait=1"), "{path}");
        assert_eq!(answer.etag(), tag, "{path}");
    }
    let tag = client.get(WEB).expect(200).etag();
    let head = client.request("HEAD", WEB).if_none_match(&tag).header("Prefer", "wait=1").send();
    assert_eq!(head.expect(304).header("preference-applied"), Some("wait=1"));
    // Nothing to wait for, or nothing that could be waited for.
    for (tag, prefer) in
        [(None, "wait=30"), (Some(&tag), "wait=0"), (Some(&tag), "wait=soon"), (Some(&tag), "x")]
    {
        let mut request = client.request("GET", WEB).header("Prefer", prefer);
        if let Some(tag) = tag {
            request = request.if_none_match(tag);
        }
        assert_eq!(request.send().status, if tag.is_some() { 304 } else { 200 }, "{prefer}");
    }
    assert_eq!(wait(&client, WEB, "\"0123456789012345678901234567890123456789\"", 30).status, 200);
}

#[test]
fn a_change_ends_the_wait_and_others_do_not() {
    let server = Server::start();
    let client = server.client();
    client.post(WEB, &service("web")).expect(201);
    client.put("/backends/one", &json!({"host": "one.example.com"})).expect(201);
    client.post("/conf/configs/stage", &json!({"from": {"config": "prod"}})).expect(201);
    let (set, web, one) =
        ("/conf/stage/backend-services", "/conf/stage/backend-services/web", "/backends/one");
    let [set_tag, web_tag, one_tag] = [set, web, one].map(|path| client.get(path).expect(200).etag());
    let all = client.get("/conf/configs").expect(200).etag();
    std::thread::scope(|scope| {
        let waiting = [(set, &set_tag), (web, &web_tag), ("/conf/configs", &all)].map(|(path, tag)| {
            let client = server.client();
            scope.spawn(move || wait(&client, path, tag, 25))
        });
        let other = scope.spawn(|| wait(&server.client(), one, &one_tag, 2));
        client.put(WEB, &described("web", "Of prod, which is another matter")).expect(200);
        client.put(web, &described("web", "Two")).expect(200);
        let [set, web, all] = waiting.map(|thread| thread.join().expect("an answer").expect(200));
        assert_eq!(set.items()[0]["description"], "Two");
        assert_eq!(web.json()["description"], "Two");
        assert_eq!(all.total(), 2);
        other.join().expect("an answer").expect(304);
    });
}

#[test]
fn what_goes_ends_the_wait() {
    let server = Server::start();
    let client = server.client();
    client.post("/conf/configs/stage", &json!({})).expect(201);
    let web = "/conf/stage/backend-services/web";
    client.post(web, &service("web")).expect(201);
    let tag = client.get(web).expect(200).etag();
    std::thread::scope(|scope| {
        let entry = scope.spawn(|| wait(&server.client(), web, &tag, 25));
        client.delete(web).expect(200);
        entry.join().expect("an answer").expect_error(404);
        let record = client.get("/conf/configs/stage").expect(200).etag();
        let waiting = server.client();
        let configuration = scope.spawn(move || wait(&waiting, "/conf/configs/stage", &record, 25));
        client.delete("/conf/configs/stage").expect(200);
        configuration.join().expect("an answer").expect_error(404);
    });
}

/// A write at the very moment at which somebody begins to wait, many times over: each is noticed at once.
#[test]
fn no_change_falls_between_the_look_and_the_wait() {
    const ROUNDS: usize = 300;
    let server = Server::start();
    let client = server.client();
    client.post(WEB, &described("web", "0")).expect(201);
    let barrier = Barrier::new(2);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let client = server.client();
            for round in 1..=ROUNDS {
                barrier.wait();
                client.put(WEB, &described("web", &round.to_string())).expect(200);
            }
        });
        let mut tag = client.get(WEB).expect(200).etag();
        for round in 1..=ROUNDS {
            barrier.wait();
            let answer = wait(&client, WEB, &tag, 25);
            assert_eq!(answer.status, 200, "round {round}");
            assert_eq!(answer.json()["description"], round.to_string());
            tag = answer.etag();
        }
    });
}

#[test]
fn a_stop_ends_the_wait() {
    let mut server = Server::builder().env("REVCONF_HTTP_SHUTDOWN_TIMEOUT", "600").start();
    let client = server.client();
    client.post(WEB, &service("web")).expect(201);
    let tag = client.get(WEB).expect(200).etag();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| wait(&client, WEB, &tag, 300));
        crate::support::wait_for("somebody who waits", || {
            let page = server.client().get("/metrics").expect(200).text();
            page.lines().any(|line| line == "revconf_waiting 1").then_some(())
        });
        assert!(server.stop().success());
        waiting.join().expect("an answer").expect(304);
    });
}

#[test]
fn releases_that_come_and_go_end_the_wait() {
    let server = Server::start();
    let client = server.client();
    let (all, one) = ("/conf/configs/prod/releases", "/conf/configs/prod/releases/spring");
    let tag = client.get(all).expect(200).etag();
    std::thread::scope(|scope| {
        let list = scope.spawn(|| wait(&server.client(), all, &tag, 25));
        client.put(one, &json!({})).expect(201);
        assert_eq!(list.join().expect("an answer").expect(200).total(), 1);
        let tag = client.get(one).expect(200).etag();
        let waiting = server.client();
        let release = scope.spawn(move || wait(&waiting, one, &tag, 25));
        client.delete(one).expect(200);
        release.join().expect("an answer").expect_error(404);
    });
}
