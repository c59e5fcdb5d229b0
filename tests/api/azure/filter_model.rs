//! Random filters on random data, against a naive evaluation of the same expression: both must list the same.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};

use super::{Azure, create, filtered};
use crate::support::Server;

const FIELDS: [&str; 2] = ["id", "host"];
const OPERATORS: [&str; 6] = ["eq", "ne", "gt", "ge", "lt", "le"];
const FUNCTIONS: [&str; 4] = ["substringof", "contains", "startswith", "endswith"];

#[derive(Clone, Debug)]
enum Expression {
    Compare { field: &'static str, operator: &'static str, literal: Literal },
    Call { function: &'static str, field: &'static str, literal: Literal, verdict: Option<bool> },
    Not(Box<Expression>),
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
}

use Expression::{And, Call, Compare, Not, Or};

#[derive(Clone, Debug)]
struct Literal {
    text: String,
    /// Written with the path in front, which means the same where it is compared with an id.
    with_path: bool,
}

/// What is optional in the writing of an expression.
struct Style {
    /// Inside parentheses, around commas, and after `not` before a parenthesis.
    optional: &'static str,
    /// Between words.
    needed: &'static str,
}

const STYLES: [Style; 2] = [Style { optional: "", needed: " " }, Style { optional: " \t", needed: "  " }];

fn compares(operator: &str, order: Ordering) -> bool {
    match operator {
        "eq" => order.is_eq(),
        "ne" => order.is_ne(),
        "gt" => order.is_gt(),
        "ge" => order.is_ge(),
        "lt" => order.is_lt(),
        "le" => order.is_le(),
        _ => panic!("no operator: {operator}"),
    }
}

fn finds(function: &str, text: &str, part: &str) -> bool {
    match function {
        "substringof" | "contains" => text.contains(part),
        "startswith" => text.starts_with(part),
        "endswith" => text.ends_with(part),
        _ => panic!("no function: {function}"),
    }
}

impl Expression {
    fn holds(&self, id: &str, host: &str) -> bool {
        let value = |field: &str| if field == "id" { id } else { host };
        match self {
            Compare { field, operator, literal } => compares(operator, value(field).cmp(&literal.text)),
            Call { function, field, literal, verdict } => {
                finds(function, value(field), &literal.text) == verdict.unwrap_or(true)
            }
            Not(inner) => !inner.holds(id, host),
            And(left, right) => left.holds(id, host) && right.holds(id, host),
            Or(left, right) => left.holds(id, host) || right.holds(id, host),
        }
    }

    /// As a client would write it, with no parentheses but those that it cannot do without.
    fn text(&self, style: &Style) -> String {
        let Style { optional, needed } = style;
        match self {
            Compare { field, operator, literal } => {
                format!("{field}{needed}{operator}{needed}{}", literal.quoted(field))
            }
            Call { function, field, literal, verdict } => {
                let mut arguments = [field.to_string(), literal.quoted(field)];
                if *function == "substringof" {
                    arguments.reverse();
                }
                let arguments = arguments.join(&format!("{optional},{optional}"));
                let verdict =
                    verdict.map(|verdict| format!("{needed}eq{needed}{verdict}")).unwrap_or_default();
                format!("{function}({optional}{arguments}{optional}){verdict}")
            }
            Not(inner) => match **inner {
                Call { .. } | Not(_) => format!("not{needed}{}", inner.text(style)),
                Compare { .. } | And(..) | Or(..) => format!("not{optional}{}", inner.in_parentheses(style)),
            },
            And(left, right) => {
                let [left, right] = [left, right].map(|side| match **side {
                    Or(..) => side.in_parentheses(style),
                    _ => side.text(style),
                });
                format!("{left}{needed}and{needed}{right}")
            }
            Or(left, right) => format!("{}{needed}or{needed}{}", left.text(style), right.text(style)),
        }
    }

    fn in_parentheses(&self, style: &Style) -> String {
        format!("({0}{1}{0})", style.optional, self.text(style))
    }
}

impl Literal {
    fn quoted(&self, field: &str) -> String {
        let path = if self.with_path && field == "id" { "/backends/" } else { "" };
        format!("'{path}{}'", self.text.replace('\'', "''"))
    }
}

/// Ids of few different characters, so that they have parts in common; a quote, a wide one and a space among them.
fn id() -> impl Strategy<Value = String> {
    let character = select(&["a", "b", "B", "1", "-", "'", "ä", "日", "🦀", " ", "(", ",", "and", "not"][..]);
    let trimmed = vec(character, 1..=5).prop_map(|parts| parts.concat().trim().to_owned());
    trimmed.prop_filter("an id has at least one character", |id| !id.is_empty())
}

fn host() -> impl Strategy<Value = String> {
    vec(select(&["a", "b", "ab", "x-1", "A"][..]), 1..=4).prop_map(|labels| labels.join("."))
}

/// Texts that often hit: what is there, beginnings and ends of it, and nothing.
fn literal(words: Vec<String>) -> impl Strategy<Value = Literal> {
    let part = (select(words), 0..6_usize, any::<bool>()).prop_map(|(word, count, from_end)| {
        let characters: Vec<char> = word.chars().collect();
        let count = count.min(characters.len());
        let range = if from_end { characters.len() - count..characters.len() } else { 0..count };
        characters[range].iter().collect::<String>()
    });
    let text = prop_oneof![3 => part, 1 => id(), 1 => host()];
    (text, any::<bool>()).prop_map(|(text, with_path)| Literal { text, with_path })
}

fn expression(words: Vec<String>) -> impl Strategy<Value = Expression> {
    let field = || select(&FIELDS[..]);
    let compare = (field(), select(&OPERATORS[..]), literal(words.clone()))
        .prop_map(|(field, operator, literal)| Compare { field, operator, literal });
    let call = (select(&FUNCTIONS[..]), field(), literal(words), any::<Option<bool>>())
        .prop_map(|(function, field, literal, verdict)| Call { function, field, literal, verdict });
    prop_oneof![compare, call].prop_recursive(6, 24, 2, |inner| {
        let inner = || inner.clone().prop_map(Box::new);
        prop_oneof![
            1 => inner().prop_map(Not),
            2 => (inner(), inner()).prop_map(|(left, right)| And(left, right)),
            2 => (inner(), inner()).prop_map(|(left, right)| Or(left, right)),
        ]
    })
}

#[test]
fn the_service_and_a_naive_evaluation_agree() {
    let config = Config { cases: 300, max_shrink_iters: 300, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(config);
    let data: BTreeMap<String, String> =
        btree_map(id(), host(), 40).new_tree(&mut runner).expect("random data").current();
    let server = Server::start();
    let client = server.client();
    for (id, host) in &data {
        create(&client, id, host);
    }

    let words = data.iter().flat_map(|(id, host)| [id.clone(), host.clone()]).collect();
    let outcome = runner.run(&expression(words), |expression| {
        let matching = data.iter().filter(|(id, host)| expression.holds(id, host));
        let expected: Vec<&String> = matching.map(|(id, _)| id).collect();
        for style in &STYLES {
            let text = expression.text(style);
            let answer = filtered(&client, &text);
            prop_assert_eq!(answer.status, 200, "{}\n{:?}", text, answer);
            let ids = answer.ids();
            prop_assert_eq!(ids.iter().collect::<Vec<_>>(), expected.clone(), "{}", text);
            prop_assert_eq!(answer.count(), expected.len() as u64, "{}", text);
        }
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}\non {data:#?}");
    }
}
