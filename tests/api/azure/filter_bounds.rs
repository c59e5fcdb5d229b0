//! `$filter`: how long and how deep an expression may be, and that none takes long to refuse.

use std::time::{Duration, Instant};

use super::{Azure, BACKENDS, filtered, server_with_xyz};
use crate::support::documents::encoded;
use crate::support::{Answer, Client};

const LONGEST: usize = 8192;

/// Generous, because test machines are shared; what would not end, or what doubled with each character, takes longer.
const QUICKLY: Duration = Duration::from_secs(2);

#[track_caller]
fn assert_blames_the_filter(answer: Answer) {
    let details = answer.refused(400, "ValidationError").details();
    assert!(!details.is_empty() && details.iter().all(|(target, _)| target == "$filter"), "{details:?}");
}

#[track_caller]
fn assert_refused_quickly(client: &Client, filter: &str) {
    let start = Instant::now();
    let answer = filtered(client, filter);
    let taken = start.elapsed();
    assert!(taken < QUICKLY, "{taken:?} for {} bytes", filter.len());
    assert_blames_the_filter(answer);
}

#[test]
fn eight_kibibytes_of_anything_are_refused_quickly() {
    let server = server_with_xyz();
    let client = server.client();
    // The description that answers are held against is fetched before the clock runs.
    client.get(BACKENDS).expect(200);
    for part in
        ["(", ")", "()", "not ", "not(", "contains(", "id eq ", "'", "and ", " ", "x", "(id eq 'a' or "]
    {
        assert_refused_quickly(&client, &part.repeat(LONGEST / part.len()));
    }
    let closed = format!("{}id eq 'a'{}", "(".repeat(4000), ")".repeat(4000));
    assert_refused_quickly(&client, &closed);
    client.get(BACKENDS).expect(200);
}

/// Parentheses and `not` in front of an expression that holds.
fn nested(nots: usize, parentheses: usize) -> String {
    let inner = if nots.is_multiple_of(2) { "id eq 'xyz'" } else { "id ne 'xyz'" };
    let (opening, closing) = ("(".repeat(parentheses), ")".repeat(parentheses));
    format!("{}{opening}{inner}{closing}", "not ".repeat(nots))
}

#[test]
fn an_expression_may_be_100_levels_deep_and_no_deeper() {
    let server = server_with_xyz();
    let client = server.client();
    for (nots, parentheses) in [(0, 100), (50, 50), (99, 1), (1, 99)] {
        assert_eq!(filtered(&client, &nested(nots, parentheses)).expect(200).ids(), ["xyz"]);
    }
    for (nots, parentheses) in [(0, 101), (51, 50), (100, 1), (1, 100), (500, 500)] {
        assert_blames_the_filter(filtered(&client, &nested(nots, parentheses)));
    }
}

#[test]
fn levels_that_are_closed_again_do_not_add_up() {
    let server = server_with_xyz();
    let filter = vec![nested(0, 20); 100].join(" and ");
    assert_eq!(filtered(&server.client(), &filter).expect(200).ids(), ["xyz"]);
}

#[test]
fn a_long_chain_is_not_deep() {
    let server = server_with_xyz();
    let client = server.client();
    for (term, operator) in [("id eq 'a'", " or "), ("id ne 'a'", " and "), ("contains(id,'zz')", " or ")] {
        let count = (LONGEST - "id eq 'xyz'".len()) / (term.len() + operator.len());
        let filter = format!("{}id eq 'xyz'", format!("{term}{operator}").repeat(count));
        assert!(filter.len() <= LONGEST);
        assert_eq!(filtered(&client, &filter).expect(200).ids(), ["xyz"], "{term}{operator}…");
    }
}

#[test]
fn an_expression_may_be_8_kibibytes_long_and_no_longer() {
    let server = server_with_xyz();
    let client = server.client();
    let padded = |length: usize| format!("{:length$}", "id eq 'xyz'");
    assert_eq!(filtered(&client, &padded(LONGEST)).expect(200).ids(), ["xyz"]);
    assert_blames_the_filter(filtered(&client, &padded(LONGEST + 1)));
    // Bytes of what is meant count, not those of its encoding and not characters.
    let literal = |bytes: usize| format!("id ne '{}'", "ä".repeat((bytes - "id ne ''".len()) / 2));
    assert_eq!(filtered(&client, &literal(LONGEST)).expect(200).ids(), ["xyz"]);
    assert_blames_the_filter(filtered(&client, &literal(LONGEST + 2)));
    assert!(encoded(&literal(LONGEST)).len() > 2 * LONGEST);
}
