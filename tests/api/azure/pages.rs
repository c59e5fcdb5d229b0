//! The list comes in pages: `$top`, `$skip`, `count`, `nextLink`.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use percent_encoding::percent_decode_str;
use serde_json::json;

use super::{Azure, BACKENDS, create, delete, document, patch, path};
use crate::support::documents::{encoded, file};
use crate::support::histories::{ANN, Foreign, import};
use crate::support::{Answer, Client, Server};

const MANY: usize = 1050;

fn id(number: usize) -> String {
    format!("b{number:04}")
}

/// One in ten has the same host.
fn host(number: usize) -> String {
    format!("h{}.contoso.com", number % 10)
}

/// A server with so many backends, which git has written at once.
#[track_caller]
fn server_with(count: usize) -> Server {
    let mut server = Server::start();
    server.stop();
    let files: Vec<(String, Vec<u8>)> = (0..count)
        .map(|number| {
            let bytes = file(&document(&id(number), &host(number), false));
            (format!("backends/{}.json", id(number)), bytes)
        })
        .collect();
    let files: Vec<(&str, &[u8])> =
        files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())).collect();
    let message = "Many backends";
    let date = "2091-01-01T10:00:00Z";
    import(
        &server.git(),
        &[Foreign { branch: "prod", files: &files, message, author: ANN, date, merges: None }],
    );
    server.start_again();
    server
}

/// Path and query of the next page; `None` on the last one.
#[track_caller]
fn next_page(server: &Server, page: &Answer) -> Option<String> {
    let link = &page.json()["nextLink"];
    if link.is_null() {
        return None;
    }
    let link = link.as_str().unwrap_or_else(|| panic!("{link} is no link:\n{page:?}"));
    let root = format!("http://{}/", server.address());
    let rest = link.strip_prefix(&root).unwrap_or_else(|| panic!("{link} is not absolute, at {root}"));
    Some(format!("/{rest}"))
}

/// Follows the links from this page on; every page.
#[track_caller]
fn walk(server: &Server, client: &Client, first: &str) -> Vec<Answer> {
    let mut pages = Vec::new();
    let mut next = Some(first.to_owned());
    while let Some(path) = next {
        assert!(pages.len() < 400, "the pages never end: {path}");
        let page = client.get(&path).expect(200);
        next = next_page(server, &page);
        pages.push(page);
    }
    pages
}

/// The parameters of a path's query, decoded and sorted.
fn query(target: &str) -> Vec<(String, String)> {
    let decoded = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let (_, query) = target.split_once('?').unwrap_or_default();
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect();
    pairs.sort();
    pairs
}

#[test]
fn a_walk_finds_every_backend_exactly_once() {
    let server = server_with(MANY);
    let client = server.client();
    let one_host = encoded("host eq 'h3.contoso.com'");
    let some = encoded("host eq 'h3.contoso.com' or id ge 'b1000'");
    let all: Vec<usize> = (0..MANY).collect();
    let filters: [(String, Vec<usize>); 3] = [
        (String::new(), all.clone()),
        (format!("&$filter={one_host}"), all.iter().copied().filter(|n| n % 10 == 3).collect()),
        (format!("&$filter={some}"), all.iter().copied().filter(|n| n % 10 == 3 || *n >= 1000).collect()),
    ];
    for top in [1000, 350, 100, 7] {
        for (filter, expected) in &filters {
            let pages = walk(&server, &client, &format!("{BACKENDS}?$top={top}{filter}"));
            let found: Vec<String> = pages.iter().flat_map(|page| page.ids()).collect();
            let expected: Vec<String> = expected.iter().copied().map(id).collect();
            assert_eq!(found, expected, "$top={top}{filter}");
            assert_eq!(pages.len(), expected.len().div_ceil(top), "no page is empty, and none is missing");
            for page in &pages {
                assert_eq!(page.count(), expected.len() as u64, "the count is that over all pages");
            }
            let (_, but_last) = pages.split_last().expect("there is a page");
            assert!(but_last.iter().all(|page| page.ids().len() == top), "only the last page is short");
        }
    }
}

#[test]
fn a_page_has_100_backends_unless_it_is_said_otherwise() {
    let server = server_with(201);
    let pages = walk(&server, &server.client(), BACKENDS);
    assert_eq!(pages.iter().map(|page| page.ids().len()).collect::<Vec<_>>(), [100, 100, 1]);
}

#[test]
fn a_list_that_ends_with_its_page_has_no_next_one() {
    let server = server_with(20);
    let client = server.client();
    for (query, length, more) in [
        ("$top=19", 19, true),
        ("$top=20", 20, false),
        ("$top=21", 20, false),
        ("$top=10&$skip=10", 10, false),
        ("$top=10&$skip=9", 10, true),
        ("$skip=19", 1, false),
        ("$skip=20", 0, false),
        ("$skip=1000000000", 0, false),
        ("$top=1&$skip=0", 1, true),
    ] {
        let page = client.get(&format!("{BACKENDS}?{query}")).expect(200);
        assert_eq!(page.ids().len(), length, "{query}");
        assert_eq!(page.count(), 20, "{query}");
        assert_eq!(next_page(&server, &page).is_some(), more, "{query}");
    }
    let page = client.get(&format!("{BACKENDS}?$top=3&$skip=4")).expect(200);
    assert_eq!(page.ids(), [id(4), id(5), id(6)]);
}

#[test]
fn the_link_keeps_the_query_and_sets_skip() {
    let server = server_with(20);
    let client = server.client();
    let filter = "not (id eq 'it''s & more = 100%') and host ne 'ä b'";
    for skip in ["", "&$skip=4"] {
        let target =
            format!("{BACKENDS}?$top=5&api-version=2016-10-10-preview&$filter={}{skip}", encoded(filter));
        let page = client.get(&target).expect(200);
        let next = next_page(&server, &page).expect("there is more");
        assert!(next.starts_with(&format!("{BACKENDS}?")), "{next}");
        let skipped = if skip.is_empty() { "5" } else { "9" };
        let expected =
            [("$filter", filter), ("$skip", skipped), ("$top", "5"), ("api-version", "2016-10-10-preview")];
        assert_eq!(query(&next), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}

#[test]
fn the_link_leads_to_where_the_client_has_asked() {
    let server = server_with(3);
    let client = server.client();
    for path in ["/backends", BACKENDS, "/api/v4.0/conf/prod/backends", "/api/v4.3/conf/prod/backends"] {
        let pages = walk(&server, &client, &format!("{path}?$top=2"));
        assert_eq!(pages.len(), 2);
        let next = next_page(&server, &pages[0]).expect("there is more");
        assert!(next.starts_with(&format!("{path}?")), "{next}");
    }
    let head =
        format!("GET {BACKENDS}?$top=2 HTTP/1.1\r\nHost: config.example.com\r\nConnection: close\r\n\r\n");
    let link = client.raw(head.as_bytes()).expect(200).json()["nextLink"].clone();
    let expected = format!("http://config.example.com{BACKENDS}?");
    assert!(link.as_str().is_some_and(|link| link.starts_with(&expected)), "{link}");
}

/// Sends work as long as the walks last, so that there are writes between the pages of each.
fn walks_while<T>(write: impl Fn(usize) + Sync, walks: impl FnOnce() -> T) -> T {
    let finished = AtomicBool::new(false);
    thread::scope(|threads| {
        let writer = threads.spawn(|| {
            for number in (0..20).cycle().take_while(|_| !finished.load(Ordering::SeqCst)) {
                write(number);
            }
        });
        let seen = walks();
        finished.store(true, Ordering::SeqCst);
        writer.join().expect("the writer ends well");
        seen
    })
}

#[test]
fn a_walk_while_backends_change_still_finds_each_exactly_once() {
    let server = server_with(200);
    let (client, writer) = (server.client(), server.client());
    let mut turn = 0..;
    let hosts = move || format!("turn{}.contoso.com", turn.next().unwrap_or_default());
    let hosts = std::sync::Mutex::new(hosts);
    let write = |number: usize| {
        let host = hosts.lock().unwrap_or_else(|poisoned| poisoned.into_inner())();
        patch(&writer, &path(&id(number * 10)), "*", &json!({"host": host})).expect(204);
    };
    let all: Vec<String> = (0..200).map(id).collect();
    walks_while(write, || {
        for top in [100, 7] {
            let pages = walk(&server, &client, &format!("{BACKENDS}?$top={top}"));
            assert_eq!(pages.iter().flat_map(|page| page.ids()).collect::<Vec<_>>(), all, "$top={top}");
        }
    });
}

#[test]
fn a_walk_while_backends_come_and_go_does_not_fail() {
    let server = server_with(200);
    let (client, writer) = (server.client(), server.client());
    let write = |number: usize| {
        let id = format!("a{number}");
        create(&writer, &id, "come.contoso.com");
        delete(&writer, &path(&id), "*").expect(204);
    };
    let pages = walks_while(write, || walk(&server, &client, &format!("{BACKENDS}?$top=7")));
    // An arrival in front moves the others by one place, so that one of them may be seen twice or not at all.
    assert!(pages.len() >= 28, "{}", pages.len());
    for page in &pages {
        let ids = page.ids();
        let distinct: BTreeSet<_> = ids.iter().collect();
        assert!(ids.len() <= 7 && distinct.len() == ids.len(), "each page is of one piece: {ids:?}");
        assert!((200..=201).contains(&page.count()), "{page:?}");
    }
}
