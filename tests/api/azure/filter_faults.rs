//! `$filter`: what is no expression, and what is said about it.

use super::{Azure, BACKENDS, filtered, server_with_xyz};
use crate::support::Client;

/// A 400 that blames the filter and says where.
#[track_caller]
fn fault(client: &Client, filter: &str) -> String {
    let answer = filtered(client, filter);
    assert_eq!(answer.status, 400, "{filter:?}\n{answer:?}");
    let answer = answer.refused(400, "ValidationError");
    let targets: Vec<String> = answer.details().into_iter().map(|(target, _)| target).collect();
    assert_eq!(targets, ["$filter"], "{filter:?}\n{answer:?}");
    let said = answer.said();
    assert!(said.contains("at character "), "{filter:?}: {said}");
    said
}

#[track_caller]
fn assert_refused(filters: &[&str]) {
    let server = server_with_xyz();
    for filter in filters {
        fault(&server.client(), filter);
    }
}

#[test]
fn fragments_are_no_expressions() {
    assert_refused(&[
        "",
        " ",
        "\t",
        "id",
        "id eq",
        "eq 'a'",
        "'a'",
        "and",
        "not",
        "or",
        "()",
        "(",
        ")",
        "true",
        "contains",
        "contains(",
        "contains()",
        "contains(id)",
        "contains(id,",
        "contains(id,'a'",
        "id eq 'a' and",
        "id eq 'a' or ",
        "and id eq 'a'",
        "id eq 'a' and not",
        "id eq 'a' and and id eq 'b'",
        "id eq 'a' id eq 'b'",
        "id eq 'a' 'b'",
        "(id eq 'a'",
        "id eq 'a')",
        "((id eq 'a')",
        "() and id eq 'a'",
    ]);
}

#[test]
fn comparisons_have_a_field_on_the_left_and_a_literal_on_the_right() {
    assert_refused(&[
        "'a' eq id",
        "'a' eq 'a'",
        "id eq id",
        "id eq host",
        "id eq a",
        "id eq 5",
        "id eq null",
        "id eq true",
        "id eq \"a\"",
        "id eq `a`",
        "name eq 'a'",
        "skipCertificateChainValidation eq true",
        "$id eq 'a'",
        "backend/id eq 'a'",
        "id eq 'a' eq true",
        "id eq ('a')",
        "not eq 'a'",
        "id eq 'a' 'b'",
        "id.eq 'a'",
    ]);
}

#[test]
fn operators_and_names_are_those_that_are_known_in_lower_case() {
    assert_refused(&[
        "ID eq 'a'",
        "Host eq 'a'",
        "id EQ 'a'",
        "id Eq 'a'",
        "id eq 'a' AND id eq 'b'",
        "id eq 'a' Or id eq 'b'",
        "NOT (id eq 'a')",
        "Contains(id,'a')",
        "STARTSWITH(id,'a')",
        "contains(id,'a') eq True",
        "id = 'a'",
        "id == 'a'",
        "id != 'a'",
        "id > 'a'",
        "id like 'a'",
        "id in ('a','b')",
        "id has 'a'",
        "id eq 'a' xor id eq 'b'",
        "id eq 'a' && id eq 'b'",
        "!contains(id,'a')",
        "length(id) eq 1",
        "tolower(id) eq 'a'",
        "trim(id) eq 'a'",
        "concat(id,'a') eq 'a'",
        "indexof(id,'a') eq 0",
        "id add 'a' eq 'a'",
        "matchesPattern(id,'a')",
    ]);
}

#[test]
fn functions_take_a_field_and_a_literal_in_their_order() {
    assert_refused(&[
        "contains('a',id)",
        "startswith('a',id)",
        "endswith('a',id)",
        "substringof(id,'a')",
        "contains(id,host)",
        "contains('a','b')",
        "contains(id,'a','b')",
        "contains(id 'a')",
        "contains(id;'a')",
        "contains(name,'a')",
        "contains(id,5)",
        "contains(id,contains(id,'a'))",
        "contains(id,'a') eq 1",
        "contains(id,'a') eq 'true'",
        "contains(id,'a') ne true",
        "contains(id,'a') eq",
        "contains(id,'a') eq contains(id,'b')",
        "contains id,'a'",
        "true eq contains(id,'a')",
        "contains(id,'a')contains(id,'b')",
    ]);
}

#[test]
fn literals_end_at_a_single_quote() {
    assert_refused(&[
        "id eq '",
        "id eq 'a",
        "id eq 'a''",
        "id eq '''",
        "id eq a'",
        "id eq 'it's'",
        "id eq 'a'b'",
        "contains(id,'a)",
        "id eq 'a\\''",
        "id eq ‘a’",
    ]);
}

#[test]
fn words_do_not_run_together() {
    assert_refused(&[
        "ideq 'a'",
        "id eq'a'",
        "ideq'a'",
        "id eq 'a'and id eq 'b'",
        "id eq 'a' andid eq 'b'",
        "id eq 'a'or id eq 'b'",
        "notcontains(id,'a')",
        "nothost eq 'a'",
        "contains(id,'a') eqtrue",
        "contains(id,'a') eq truex",
    ]);
}

/// `not` binds tighter than a comparison, so that `not id` would come first.
#[test]
fn not_before_a_bare_comparison_is_refused() {
    assert_refused(&["not id eq 'a'", "id eq 'a' and not id eq 'b'", "not not id eq 'a'", "not 'a' eq id"]);
}

#[test]
fn white_space_is_the_space_and_the_tab() {
    assert_refused(&[
        "id\neq 'a'",
        "id\req 'a'",
        "id\u{a0}eq 'a'",
        "id\u{3000}eq\u{3000}'a'",
        "\u{feff}id eq 'a'",
        "id\u{b}eq 'a'",
        "id eq 'a'\n",
        "id eq 'a'\u{0}",
    ]);
}

#[test]
fn the_fault_is_told_by_its_character() {
    let server = server_with_xyz();
    let client = server.client();
    let cases = [
        ("name eq 'a'", 1),
        (")", 1),
        ("  name eq 'a'", 3),
        ("id xx 'a'", 4),
        ("id eq 5", 7),
        ("id eq host", 7),
        ("id eq 'a' xor id eq 'b'", 11),
        ("id eq 'a' and name eq 'b'", 15),
        ("(id eq 'a'", 11),
        ("id eq 'a')", 10),
        ("contains(id 'a')", 13),
        ("contains(name,'a')", 10),
        // Characters, neither bytes nor the code units of UTF-16.
        ("id eq 'ä' xor id eq 'b'", 11),
        ("id eq '🦀' xor id eq 'b'", 11),
        ("id eq '日本語' )", 13),
    ];
    for (filter, character) in cases {
        let said = fault(&client, filter);
        let place = format!("at character {character}:");
        assert!(said.contains(&place), "{filter}: expected {place} {said}");
        assert!(said.contains("expected ") && said.contains("found "), "{filter}: {said}");
    }
}

#[test]
fn a_filter_that_is_no_utf_8_is_refused() {
    let server = server_with_xyz();
    for value in ["%FF", "id%20eq%20'%C3'", "%ED%A0%80"] {
        let answer =
            server.client().get(&format!("{BACKENDS}?$filter={value}")).refused(400, "ValidationError");
        assert!(answer.details().iter().all(|(target, _)| target == "$filter"), "{answer:?}");
    }
}
