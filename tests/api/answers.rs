//! What answers say beside what was asked for: words, headers, numbers.

use serde_json::json;

use crate::support::documents::service;
use crate::support::{Server, wait_for};

const WEB: &str = "/conf/prod/backend-services/web";

#[test]
fn refusals_speak_of_what_the_client_knows() {
    let server = Server::start();
    let client = server.client();
    let taken = client.post("/conf/configs/prod", &json!({})).expect_error(409);
    assert_eq!(taken.message(), "there is a configuration \"prod\" already");
    client.put("/backends/xyz", &json!({"host": "a.example"})).expect(201);
    let taken = client.put("/backends/xyz", &json!({"host": "a.example"})).expect(409).json();
    assert_eq!(taken["error"]["message"], "there is a backend \"xyz\" already");
}

#[test]
fn every_fault_of_a_configurations_body_is_told() {
    let server = Server::start();
    let client = server.client();
    let post = |body| client.post("/conf/configs/new", &body);
    post(json!({"from": null, "description": 1})).expect_faults(&[
        ("[\"body\",\"description\"]", "string_type"),
        ("[\"body\",\"from\"]", "object_type"),
    ]);
    post(json!({"from": {"config": "prod", "archive": "x"}, "foo": 1})).expect_faults(&[
        ("[\"body\",\"foo\"]", "extra_forbidden"),
        ("[\"body\",\"from\",\"config\"]", "extra_forbidden"),
    ]);
}

#[test]
fn caches_are_told_what_answers_vary_by() {
    let server =
        Server::builder().config("[http]\ncors_origins = [\"https://console.example.org\"]\n").start();
    let client = server.client();
    for encoding in ["identity", "gzip"] {
        let answer = client
            .request("GET", "/conf/configs")
            .header("Origin", "https://console.example.org")
            .header("Accept-Encoding", encoding)
            .send()
            .expect(200);
        let vary: Vec<_> =
            answer.headers.get_all("vary").iter().filter_map(|value| value.to_str().ok()).collect();
        assert!(vary.join(",").to_lowercase().contains("accept-encoding"), "{encoding}: {vary:?}");
    }
}

#[test]
fn the_gauge_of_waiting_changes_goes_back() {
    let server = Server::start();
    let client = server.client();
    client.post(WEB, &service("web")).expect(201);
    wait_for("an empty queue", || {
        client.get("/metrics").text().lines().any(|line| line == "revconf_queue_changes 0").then_some(())
    });
}

#[test]
fn a_configuration_called_like_a_kind_speaks_the_services_own_words() {
    let server = Server::start();
    let client = server.client();
    client.post("/conf/configs/backends", &json!({})).expect(201);
    let refused =
        client.request("GET", "/conf/configs/backends").header("Accept-Encoding", "identity;q=0").send();
    assert_eq!(refused.expect_error(406).json()["code"], 406);
}

#[test]
fn a_large_patch_does_not_hold_up_others() {
    let server = Server::builder().env("REVCONF_HTTP_WORKERS", "1").start();
    let client = server.client();
    client.put("/backends/xyz", &json!({"host": "a.example"})).expect(201);
    let entries: Vec<_> = (0..200_000).map(|number| json!({"host": number.to_string()})).collect();
    let body = json!({"host": "b.example", "extra": entries}).to_string();
    std::thread::scope(|threads| {
        let patch = threads.spawn(|| {
            client.request("PATCH", "/backends/xyz").if_match("*").body(body.clone()).send().expect(400);
        });
        let mut others = 0;
        while !patch.is_finished() {
            client.get("/health/live").expect(200);
            others += 1;
        }
        patch.join().expect("the patch is refused");
        assert!(others > 3, "only {others} others were answered meanwhile");
    });
}

#[test]
fn a_full_queue_puts_writes_off_and_loses_none_that_it_took() {
    let server =
        Server::builder().env("REVCONF_COMMITS_QUEUE", "1").env("REVCONF_COMMITS_BATCH", "1").start();
    let client = server.client();
    client.get("/conf/configs").expect(200);
    let write = |writer: usize| {
        let (mut taken, mut put_off) = (0, 0);
        for number in 0..60 {
            let path = format!("/conf/prod/backend-services/w{writer}-{number}");
            let id = format!("w{writer}-{number}");
            let answer = client.request("POST", &path).json(&service(&id)).allow_5xx().send();
            match answer.status {
                201 => taken += 1,
                503 => {
                    assert_eq!(answer.header("retry-after"), Some("1"), "{answer:?}");
                    put_off += 1;
                }
                other => panic!("{other}: {answer:?}"),
            }
        }
        (taken, put_off)
    };
    let counts: Vec<(usize, usize)> = std::thread::scope(|threads| {
        let write = &write;
        let writers: Vec<_> = (0..16).map(|writer| threads.spawn(move || write(writer))).collect();
        writers.into_iter().map(|writer| writer.join().expect("a writer")).collect()
    });
    let (taken, put_off) = counts.iter().fold((0, 0), |(t, p), (taken, put)| (t + taken, p + put));
    assert!(put_off > 0, "16 writers at once find a queue of one full");
    assert_eq!(client.get("/conf/prod/backend-services").total(), taken as u64);
    assert_eq!(server.git().log("prod").len(), taken + 1);
}
