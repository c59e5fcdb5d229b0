//! `$filter`: what its expressions mean.

use super::{Azure, BACKENDS, create, filtered};
use crate::support::documents::encoded;
use crate::support::{Client, Server};

/// In the order in which they are listed.
const DATA: [(&str, &str); 10] = [
    ("(x)", "x.example.com"),
    ("B", "b.example.org"),
    ("a", "a.example.com"),
    ("a and b", "or.example.net"),
    ("ab", "b.example.com"),
    ("it's", "10.0.0.1"),
    ("ä b", "::1"),
    ("日本", "jp.example.com"),
    ("～", "tilde.example.com"),
    ("🦀", "crab.example.com"),
];

fn server() -> (Server, Client) {
    let server = Server::start();
    let client = server.client();
    for (id, host) in DATA {
        create(&client, id, host);
    }
    (server, client)
}

fn all_but(missing: &[&str]) -> Vec<&'static str> {
    DATA.iter().map(|(id, _)| *id).filter(|id| !missing.contains(id)).collect()
}

#[track_caller]
fn assert_lists(client: &Client, filter: &str, expected: &[&str]) {
    let answer = filtered(client, filter);
    assert_eq!(answer.status, 200, "{filter}\n{answer:?}");
    assert_eq!(answer.ids(), expected, "{filter}");
    assert_eq!(answer.count(), expected.len() as u64, "{filter}");
}

#[test]
fn each_operator_compares_by_code_points() {
    let (_server, client) = server();
    let cases: [(&str, &[&str]); 16] = [
        ("id eq 'ab'", &["ab"]),
        ("id ne 'ab'", &all_but(&["ab"])),
        ("id gt 'ab'", &["it's", "ä b", "日本", "～", "🦀"]),
        ("id ge 'ab'", &["ab", "it's", "ä b", "日本", "～", "🦀"]),
        ("id lt 'ab'", &["(x)", "B", "a", "a and b"]),
        ("id le 'ab'", &["(x)", "B", "a", "a and b", "ab"]),
        ("host eq 'b.example.com'", &["ab"]),
        ("host ne 'b.example.com'", &all_but(&["ab"])),
        ("host gt 'b.example.com'", &["(x)", "B", "a and b", "日本", "～", "🦀"]),
        ("host ge 'b.example.com'", &["(x)", "B", "a and b", "ab", "日本", "～", "🦀"]),
        ("host lt 'b.example.com'", &["a", "it's", "ä b"]),
        ("host le 'b.example.com'", &["a", "ab", "it's", "ä b"]),
        // Not by UTF-16, where the crab's first half would come before the tilde.
        ("id gt '～'", &["🦀"]),
        // Cases differ.
        ("id eq 'b'", &[]),
        ("host eq 'B.EXAMPLE.ORG'", &[]),
        ("id eq ''", &[]),
    ];
    for (filter, expected) in cases {
        assert_lists(&client, filter, expected);
    }
}

#[test]
fn each_function_looks_for_a_part() {
    let (_server, client) = server();
    let everything = all_but(&[]);
    let cases: [(&str, &[&str]); 20] = [
        ("substringof('b',id)", &["a and b", "ab", "ä b"]),
        ("substringof('.example.o',host)", &["B"]),
        ("contains(id,'b')", &["a and b", "ab", "ä b"]),
        ("contains(host,'example.org')", &["B"]),
        ("startswith(id,'a')", &["a", "a and b", "ab"]),
        ("startswith(host,'10.')", &["it's"]),
        ("endswith(id,'b')", &["a and b", "ab", "ä b"]),
        ("endswith(host,'.net')", &["a and b"]),
        // The needle and the field of substringof stand the other way round.
        ("substringof('ab',id)", &["ab"]),
        ("substringof('xabx',id)", &[]),
        // Nothing is a part of everything.
        ("contains(id,'')", &everything),
        ("startswith(host,'')", &everything),
        ("endswith(id,'')", &everything),
        ("contains(id,'A')", &[]),
        ("contains(id,'b') eq true", &["a and b", "ab", "ä b"]),
        ("substringof('b',id) eq true", &["a and b", "ab", "ä b"]),
        ("contains(id,'b') eq false", &all_but(&["a and b", "ab", "ä b"])),
        ("startswith(id,'a') eq false", &all_but(&["a", "a and b", "ab"])),
        ("endswith(host,'example.com') eq false", &["B", "a and b", "it's", "ä b"]),
        ("substringof('example',host) eq false", &["it's", "ä b"]),
    ];
    for (filter, expected) in cases {
        assert_lists(&client, filter, expected);
    }
}

#[test]
fn not_binds_tighter_than_and_and_and_tighter_than_or() {
    let (_server, client) = server();
    let cases: [(&str, &[&str]); 14] = [
        ("id eq 'a' or id eq 'ab' and host eq 'nowhere'", &["a"]),
        ("host eq 'nowhere' and id eq 'ab' or id eq 'a'", &["a"]),
        ("id eq 'a' and id eq 'ab' or id eq 'B' and id eq 'B'", &["B"]),
        ("id eq 'a' or id eq 'B' or id eq 'ab'", &["B", "a", "ab"]),
        ("(id eq 'a' or id eq 'ab') and host eq 'b.example.com'", &["ab"]),
        ("id eq 'a' and (host eq 'nowhere' or host eq 'a.example.com')", &["a"]),
        ("not (id lt 'ab') and id lt 'b'", &["ab"]),
        ("not (id ge 'ab' or id eq 'a')", &["(x)", "B", "a and b"]),
        ("not startswith(id,'a') and startswith(host,'b')", &["B"]),
        ("not startswith(id,'a') or id eq 'a'", &all_but(&["a and b", "ab"])),
        ("not contains(id,'a') eq true and id eq 'B'", &["B"]),
        ("not not contains(id,'crab') or id eq 'a'", &["a"]),
        ("not (not (id eq 'a'))", &["a"]),
        ("contains(id,'a') eq false and id lt 'a'", &["(x)", "B"]),
    ];
    for (filter, expected) in cases {
        assert_lists(&client, filter, expected);
    }
}

#[test]
fn a_quote_in_a_literal_is_doubled_and_everything_else_stands_for_itself() {
    let (_server, client) = server();
    let cases: [(&str, &[&str]); 13] = [
        ("id eq 'it''s'", &["it's"]),
        ("contains(id,'''')", &["it's"]),
        ("startswith(id,'it''')", &["it's"]),
        ("id eq ''''", &[]),
        ("id eq 'it''''s'", &[]),
        ("id eq '(x)'", &["(x)"]),
        ("id eq 'a and b'", &["a and b"]),
        ("contains(id,' and ') or id eq ') or id eq (''a'", &["a and b"]),
        ("id eq 'ä b'", &["ä b"]),
        ("startswith(id,'日')", &["日本"]),
        ("contains(id,'🦀')", &["🦀"]),
        // No escapes but the doubled quote.
        ("id eq 'a\\'", &[]),
        ("id eq 'it%27s'", &[]),
    ];
    for (filter, expected) in cases {
        assert_lists(&client, filter, expected);
    }
}

#[test]
fn white_space_is_free_where_nothing_runs_together() {
    let (_server, client) = server();
    let same = [
        "id eq 'a'",
        "  id eq 'a'  ",
        "\tid\teq\t'a'\t",
        "id  eq \t 'a'",
        "(id eq 'a')",
        "( id eq 'a' )",
        "((id eq 'a'))",
        "not(id ne 'a')",
        "not  ( id ne 'a' )",
        "not not(id eq 'a')",
        "id eq 'a' and id eq 'a'",
        "id eq 'a'  and\tid eq 'a'",
        "startswith( host , 'a.' )",
        "startswith(host,'a.') eq true",
        "startswith(host,'a.')  eq  true ",
        "substringof( 'a.' , host )",
    ];
    for filter in same {
        assert_lists(&client, filter, &["a"]);
    }
}

#[test]
fn the_path_in_front_of_an_id_is_dropped_from_literals() {
    let (_server, client) = server();
    let everything = all_but(&[]);
    let cases: [(&str, &[&str]); 13] = [
        ("id eq '/backends/a'", &["a"]),
        ("id ne '/backends/a'", &all_but(&["a"])),
        ("id le '/backends/B'", &["(x)", "B"]),
        ("id eq '/backends/it''s'", &["it's"]),
        ("startswith(id,'/backends/a')", &["a", "a and b", "ab"]),
        ("startswith(id,'/backends/')", &everything),
        ("contains(id,'/backends/b')", &["a and b", "ab", "ä b"]),
        ("substringof('/backends/日',id)", &["日本"]),
        // Once, and only where it is whole.
        ("id eq '/backends//backends/a'", &[]),
        ("id eq 'backends/a'", &[]),
        ("id eq '/Backends/a'", &[]),
        ("contains(id,'/backends')", &[]),
        // A host has no such path.
        ("host eq '/backends/a.example.com'", &[]),
    ];
    for (filter, expected) in cases {
        assert_lists(&client, filter, expected);
    }
}

#[test]
fn a_filter_can_be_encoded_as_any_client_does_it() {
    let (_server, client) = server();
    let lists = |query: &str| client.get(&format!("{BACKENDS}?{query}")).expect(200).ids();
    assert_eq!(lists("$filter=id%20eq%20'a'"), ["a"]);
    assert_eq!(lists("$filter=id+eq+%27a%27"), ["a"]);
    assert_eq!(lists("%24filter=id%20eq%20%27a%27"), ["a"]);
    assert_eq!(lists(&format!("$filter={}", encoded("id eq '～'"))), ["～"]);
    assert_eq!(lists(&format!("$filter={}&$top=1", encoded("id eq 'a+b' or id eq 'ab'"))), ["ab"]);
}
