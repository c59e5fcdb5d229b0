//! Lists of versions come in pages: `limit`, `after`, `Link`.

use serde_json::json;

use crate::support::documents::{described, service};
use crate::support::histories::{ANN, BOB, server_with_history};
use crate::support::{Answer, Client, Server};

const SERVICES: &str = "/conf/prod/backend-services";
const WEB: &str = "/conf/prod/backend-services/web";

/// Follows the links from this page on; every page, and what all of them list.
fn walk(client: &Client, first: &str) -> (Vec<Answer>, Vec<String>) {
    let mut pages = Vec::new();
    let mut next = Some(first.to_owned());
    while let Some(path) = next {
        assert!(pages.len() < 100, "the pages never end: {path}");
        let page = client.get(&path).expect(200);
        next = page.next_page();
        pages.push(page);
    }
    let all = pages.iter().flat_map(Answer::versions).collect();
    (pages, all)
}

/// A server on which the entry `web` was written so many times; the commits, newest first.
fn server_with_writes(count: usize) -> (Server, Vec<String>) {
    let server = Server::start();
    let client = server.client();
    let mut versions = vec![client.post(WEB, &service("web")).expect(201).version()];
    for number in 1..count {
        versions.push(client.put(WEB, &described("web", &number.to_string())).expect(200).version());
    }
    versions.reverse();
    (server, versions)
}

#[test]
fn the_links_lead_through_all_pages_without_a_gap_or_a_repeat() {
    let (server, versions) = server_with_writes(7);
    let client = server.client();
    for path in [SERVICES, WEB] {
        for (limit, sizes) in
            [(1, vec![1; 7]), (2, vec![2, 2, 2, 1]), (3, vec![3, 3, 1]), (7, vec![7]), (1000, vec![7])]
        {
            let (pages, all) = walk(&client, &format!("{path}/versions?limit={limit}"));
            assert_eq!(all, versions, "limit {limit}");
            assert_eq!(pages.iter().map(|page| page.items().len()).collect::<Vec<_>>(), sizes);
            assert!(pages.iter().all(|page| page.total() == 7), "the total counts all, on every page");
        }
    }
}

#[test]
fn after_names_the_last_version_already_seen() {
    let (server, versions) = server_with_writes(4);
    let client = server.client();
    for name in [versions[1].as_str(), &versions[1][..8]] {
        let answer = client.get(&format!("{SERVICES}/versions?after={name}")).expect(200);
        assert_eq!(answer.versions(), versions[2..]);
        assert_eq!(answer.total(), 4);
    }
    let end = client.get(&format!("{SERVICES}/versions?after={}", versions[3])).expect(200);
    assert_eq!((end.versions().len(), end.total(), end.header("link")), (0, 4, None));
}

#[test]
fn a_commit_between_two_pages_neither_hides_nor_repeats_a_version() {
    let (server, versions) = server_with_writes(5);
    let client = server.client();
    let first = client.get(&format!("{SERVICES}/versions?limit=2")).expect(200);
    client.put(WEB, &described("web", "meanwhile")).expect(200);
    let (_, rest) = walk(&client, &first.next_page().expect("there is more"));
    assert_eq!([first.versions(), rest].concat(), versions);
}

#[test]
fn the_links_stay_under_the_prefix_that_was_asked() {
    let (server, _) = server_with_writes(3);
    let page = server.client().get(&format!("/api/v4.3{SERVICES}/versions?limit=1")).expect(200);
    let next = page.next_page().expect("there is more");
    assert!(next.starts_with(&format!("/api/v4.3{SERVICES}/versions?")), "{next}");
}

#[test]
fn the_links_keep_the_filters() {
    let (server, ids) = server_with_history(&[
        (ANN, "2091-01-01T10:00:00Z", "Ännder & more", &["web"]),
        (BOB, "2091-01-02T10:00:00Z", "Ännder & more", &["web"]),
        (ANN, "2091-01-03T10:00:00Z", "Ännder & more", &["web"]),
        (ANN, "2091-01-04T10:00:00Z", "Something else", &["web"]),
        (ANN, "2091-01-05T10:00:00Z", "Ännder & more", &["web"]),
    ]);
    let query =
        "limit=1&author=ann%40example.com&q=%C3%84nnder%20%26%20more&since=2091-01-01T11:00:00%2B01:00";
    let (pages, all) = walk(&server.client(), &format!("{SERVICES}/versions?{query}"));
    assert_eq!(all, [ids[4].clone(), ids[2].clone(), ids[0].clone()]);
    assert!(pages.iter().all(|page| page.total() == 3), "the total counts what the filters let through");
}

#[test]
fn a_page_has_a_thousand_versions_at_most_and_by_default() {
    let commits = vec![(ANN, "2091-01-01T10:00:00Z", "Same second", &["web"] as &[&str]); 1003];
    let (server, ids) = server_with_history(&commits);
    let (pages, all) = walk(&server.client(), &format!("{SERVICES}/versions"));
    assert_eq!(pages.iter().map(|page| page.items().len()).collect::<Vec<_>>(), [1000, 3]);
    assert_eq!(all, ids.into_iter().rev().collect::<Vec<_>>());
}

#[test]
fn bad_parameters_are_refused_by_name() {
    let (server, _) = server_with_writes(1);
    let client = server.client();
    let bad = [
        ("limit", "0"),
        ("limit", "1001"),
        ("limit", "-1"),
        ("limit", "x"),
        ("limit", ""),
        ("limit", "1.5"),
        ("since", "yesterday"),
        ("since", "2091-01-01"),
        ("until", "2091-13-01T00:00:00Z"),
        ("until", ""),
        ("page", "2"),
    ];
    for path in [SERVICES, WEB, "/conf/configs/prod"] {
        for (name, value) in bad {
            let faults = client.get(&format!("{path}/versions?{name}={value}")).expect_error(422).faults();
            assert!(
                faults.iter().all(|(loc, _)| *loc == format!(r#"["query","{name}"]"#)),
                "{name}={value}: {faults:?}"
            );
        }
    }
}

#[test]
fn a_version_that_is_not_there_is_no_place_to_go_on_from() {
    let (server, _) = server_with_writes(1);
    let client = server.client();
    let other = client.post("/conf/configs/other", &json!({})).expect(201).version();
    for after in [other.as_str(), "0123456789", "x"] {
        let answer = client.get(&format!("{SERVICES}/versions?after={after}"));
        assert!(matches!(answer.status, 404 | 422), "{answer:?}");
    }
}
