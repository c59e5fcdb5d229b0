//! Lists of versions narrowed by `author`, `q`, `since` and `until`.

use crate::support::Client;
use crate::support::histories::{ANN, BOB, server_with_history};

const SERVICES: &str = "/conf/prod/backend-services";
const NONE: [String; 0] = [];

fn versions(client: &Client, query: &str) -> Vec<String> {
    let answer = client.get(&format!("{SERVICES}/versions{query}")).expect(200);
    assert_eq!(answer.total(), answer.items().len() as u64, "all that match are on one page here");
    answer.versions()
}

/// These versions in the order of the list.
fn newest_first<const N: usize>(oldest_first: [&str; N]) -> Vec<String> {
    oldest_first.iter().rev().map(|id| id.to_string()).collect()
}

#[test]
fn the_list_can_be_narrowed_by_author() {
    let (server, ids) = server_with_history(&[
        (ANN, "2091-01-01T10:00:00Z", "Add web", &["web"]),
        (BOB, "2092-01-01T10:00:00Z", "Add app", &["app"]),
        (ANN, "2093-01-01T10:00:00Z", "Change app", &["app"]),
    ]);
    let client = server.client();
    for query in ["ann", "ANN", "Ann%20Example", "ann%40example.com", "example%20%3Cann"] {
        assert_eq!(
            versions(&client, &format!("?author={query}")),
            newest_first([&ids[0], &ids[2]]),
            "{query}"
        );
    }
    assert_eq!(versions(&client, "?author=example.org"), newest_first([&ids[1]]));
    assert_eq!(versions(&client, "?author=nobody"), NONE);
}

#[test]
fn the_list_can_be_narrowed_by_what_the_message_says() {
    let (server, ids) = server_with_history(&[
        (ANN, "2091-01-01T10:00:00Z", "Add web\n\nTicket 17", &["web"]),
        (BOB, "2092-01-01T10:00:00Z", "Add app (100%)", &["app"]),
    ]);
    let client = server.client();
    assert_eq!(versions(&client, "?q=ADD"), newest_first([&ids[0], &ids[1]]));
    assert_eq!(versions(&client, "?q=ticket%2017"), newest_first([&ids[0]]));
    assert_eq!(versions(&client, "?q=100%25"), newest_first([&ids[1]]));
    // A pattern of SQL or a regular expression is nothing but text.
    assert_eq!(versions(&client, "?q=Add%25web"), NONE);
    assert_eq!(versions(&client, "?q=.*"), NONE);
}

#[test]
fn the_list_can_be_narrowed_by_time_both_ends_included() {
    let (server, ids) = server_with_history(&[
        (ANN, "2091-01-01T10:00:00Z", "One", &["web"]),
        (ANN, "2092-01-01T12:00:00+02:00", "Two", &["web"]),
        (ANN, "2093-01-01T10:00:00Z", "Three", &["web"]),
    ]);
    let client = server.client();
    let [one, two, three] = [&ids[0], &ids[1], &ids[2]];
    assert_eq!(versions(&client, "?since=2092-01-01T10:00:00Z"), newest_first([two, three]));
    assert_eq!(versions(&client, "?since=2092-01-01T10:00:01Z"), newest_first([three]));
    assert_eq!(versions(&client, "?until=2092-01-01T10:00:00Z"), newest_first([one, two]));
    assert_eq!(versions(&client, "?until=2092-01-01T09:59:59Z"), newest_first([one]));
    assert_eq!(
        versions(&client, "?since=2092-01-01T11:00:00%2B01:00&until=2092-12-31T00:00:00Z"),
        newest_first([two])
    );
    assert_eq!(versions(&client, "?since=2094-01-01T00:00:00Z"), NONE);
    assert_eq!(
        client.get(&format!("{SERVICES}/versions?until=2092-01-01T10:00:00Z")).items()[0]["date"],
        "2092-01-01T10:00:00Z"
    );
}

#[test]
fn all_filters_must_match() {
    let (server, ids) = server_with_history(&[
        (ANN, "2091-01-01T10:00:00Z", "Add web", &["web"]),
        (BOB, "2092-01-01T10:00:00Z", "Add app", &["app"]),
        (ANN, "2093-01-01T10:00:00Z", "Change app", &["app"]),
    ]);
    let client = server.client();
    assert_eq!(versions(&client, "?author=ann&q=app"), newest_first([&ids[2]]));
    assert_eq!(versions(&client, "?author=ann&since=2091-06-01T00:00:00Z&q=add"), NONE);
}
