//! Any text, read as a `$filter`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use revconf::http::filter::{Comparison, Field, Filter, FilterFault, Function, LONGEST, parse};

/// The parser's own, which it keeps to itself.
const DEEPEST: usize = 100;
/// What the parser takes from the front of an id, once.
const ID_PREFIX: &str = "/backends/";

fuzz_target!(|text: &str| {
    let read = parse(text);
    let too_long = matches!(read, Err(FilterFault::TooLong { .. }));
    assert_eq!(too_long, text.len() > LONGEST, "too long is what has more than {LONGEST} bytes");
    can_be_a_string(text);
    match read {
        Ok(filter) => {
            reads_back(&filter, text);
            takes_what_it_says(&filter, text);
        }
        Err(fault) => points_at_its_place(&fault, text),
    }
});

/// Any text at all.
fn can_be_a_string(text: &str) {
    for literal in [text.to_owned(), format!("{ID_PREFIX}{text}")] {
        for field in [Field::Id, Field::Host] {
            let filter = Filter::Compare(field, Comparison::Equal, literal.clone());
            reads_as(&write(&filter, 0, Style::Short), &filter);
        }
    }
}

/// A filter, written again, is the same filter: in two ways, as a part of others, and as deep as it may be.
fn reads_back(filter: &Filter, text: &str) {
    let short = write(filter, 0, Style::Short);
    assert!(short.len() <= text.len(), "longer than what was read: {short}");
    reads_as(&write(filter, 0, Style::Long), filter);
    reads_down_to_the_deepest(&short, filter);

    let three = vec![filter.clone(); 3];
    for whole in [Filter::Not(Box::new(filter.clone())), Filter::And(three.clone()), Filter::Or(three)] {
        if depth(&whole) <= DEEPEST {
            reads_down_to_the_deepest(&write(&whole, 0, Style::Short), &whole);
        }
    }
}

fn reads_down_to_the_deepest(text: &str, filter: &Filter) {
    let spare = DEEPEST.saturating_sub(depth(filter));
    let nested = |levels: usize| "(".repeat(levels) + text + &")".repeat(levels);
    reads_as(text, filter);
    reads_as(&nested(spare), filter);
    let fault = parse(&nested(spare + 1)).expect_err("deeper than the deepest");
    assert!(matches!(fault, FilterFault::TooDeep { .. } | FilterFault::TooLong { .. }), "{fault}");
}

fn reads_as(text: &str, filter: &Filter) {
    match text.len() {
        ..=LONGEST => assert_eq!(parse(text).as_ref(), Ok(filter), "{text}"),
        found => assert_eq!(parse(text), Err(FilterFault::TooLong { found })),
    }
}

/// How deep parentheses and `not`s must be nested to write it. (A `not` of a function need not be written.)
fn depth(filter: &Filter) -> usize {
    match filter {
        Filter::Compare(..) | Filter::Call(..) => 0,
        Filter::Not(inner) => {
            1 + depth(inner) + usize::from(!matches!(**inner, Filter::Not(_) | Filter::Call(..)))
        }
        Filter::And(all) => {
            let depths =
                all.iter().map(|one| depth(one) + usize::from(matches!(one, Filter::And(_) | Filter::Or(_))));
            depths.max().unwrap_or_default()
        }
        Filter::Or(any) => {
            let depths = any.iter().map(|one| depth(one) + usize::from(matches!(one, Filter::Or(_))));
            depths.max().unwrap_or_default()
        }
    }
}

/// Both write parentheses only where they are needed, so neither nests deeper than what was read.
#[derive(Clone, Copy, PartialEq)]
enum Style {
    /// In the fewest bytes.
    Short,
    /// With all that may be written and means nothing, and in OData 3's words.
    Long,
}

/// A filter as text, to stand inside `depth` parentheses and `not`s.
fn write(filter: &Filter, depth: usize, style: Style) -> String {
    let (gap, pad) = if style == Style::Short { (" ", "") } else { ("\t ", " ") };
    let inner = |filter: &Filter| write(filter, depth, style);
    let in_parentheses = |filter: &Filter, depth| format!("({pad}{}{pad})", write(filter, depth + 1, style));
    match filter {
        Filter::Compare(field, comparison, literal) => {
            let operator = match comparison {
                Comparison::Equal => "eq",
                Comparison::NotEqual => "ne",
                Comparison::Greater => "gt",
                Comparison::GreaterOrEqual => "ge",
                Comparison::Less => "lt",
                Comparison::LessOrEqual => "le",
            };
            format!("{}{gap}{operator}{gap}{}", name(*field), quoted(*field, literal, style))
        }
        Filter::Call(function, field, literal) => {
            let (field, literal) = (name(*field), quoted(*field, literal, style));
            let (function, first, second) = match function {
                Function::Contains if style == Style::Long => ("substringof", literal.as_str(), field),
                Function::Contains => ("contains", field, literal.as_str()),
                Function::StartsWith => ("startswith", field, literal.as_str()),
                Function::EndsWith => ("endswith", field, literal.as_str()),
            };
            let call = format!("{function}{pad}({pad}{first}{pad},{pad}{second}{pad})");
            if style == Style::Short { call } else { format!("{call}{gap}eq{gap}true") }
        }
        // At the greatest depth no `not` can have been read.
        Filter::Not(call)
            if matches!(**call, Filter::Call(..)) && (style == Style::Long || depth == DEEPEST) =>
        {
            let call = inner(call);
            format!("{}{gap}eq{gap}false", call.strip_suffix(&format!("{gap}eq{gap}true")).unwrap_or(&call))
        }
        Filter::Not(negated) => match **negated {
            Filter::Not(_) | Filter::Call(..) => format!("not{gap}{}", write(negated, depth + 1, style)),
            _ => format!("not{pad}{}", in_parentheses(negated, depth + 1)),
        },
        Filter::And(all) => {
            let all = all.iter().map(|filter| match filter {
                Filter::And(_) | Filter::Or(_) => in_parentheses(filter, depth),
                _ => inner(filter),
            });
            all.collect::<Vec<_>>().join(&format!("{gap}and{gap}"))
        }
        Filter::Or(any) => {
            let any = any.iter().map(|filter| match filter {
                Filter::Or(_) => in_parentheses(filter, depth),
                _ => inner(filter),
            });
            any.collect::<Vec<_>>().join(&format!("{gap}or{gap}"))
        }
    }
}

fn name(field: Field) -> &'static str {
    match field {
        Field::Id => "id",
        Field::Host => "host",
    }
}

fn quoted(field: Field, literal: &str, style: Style) -> String {
    let prefix = match field {
        Field::Id if style == Style::Long || literal.starts_with(ID_PREFIX) => ID_PREFIX,
        _ => "",
    };
    format!("'{prefix}{}'", literal.replace('\'', "''"))
}

/// A filter takes what its text says, read in a second way: word by word to a line of `0`, `1`, `!`, `&`, `|` and
/// parentheses, which is then worked out from the innermost parentheses. Strings are lists of code points.
fn takes_what_it_says(filter: &Filter, text: &str) {
    let words = words_of(text);
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let mut values = vec![String::new()];
    for literal in words.iter().filter_map(|word| word.strip_prefix('\'')).take(3) {
        let literal = literal.strip_prefix(ID_PREFIX).unwrap_or(literal);
        let characters: Vec<_> = literal.chars().collect();
        values.push(literal.to_owned());
        values.push(characters.iter().skip(1).collect());
        values.push(characters.iter().take(characters.len().saturating_sub(1)).collect());
        values.push(format!("{literal}\u{10ffff}"));
    }
    let backwards = values.iter().rev();
    let next = values.iter().cycle().skip(1);
    for (id, host) in values.iter().zip(backwards).chain(values.iter().zip(next)) {
        let (ids, hosts): (Vec<_>, Vec<_>) = (id.chars().collect(), host.chars().collect());
        let line = line_of(&words, &ids, &hosts);
        let expected = worked_out(line.clone());
        assert_eq!(filter.takes(id, host), expected, "{line} of id {id:?} and host {host:?}: {filter:?}");
    }
}

/// Words, punctuation, and strings, which keep the quote before them.
fn words_of(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(first) = rest.next() {
        let mut word = String::from(first);
        match first {
            ' ' | '\t' => continue,
            '(' | ')' | ',' => {}
            '\'' => {
                while let Some(next) = rest.next() {
                    if next == '\'' && rest.next_if_eq(&'\'').is_none() {
                        break;
                    }
                    word.push(next);
                }
            }
            _ => word.extend(std::iter::from_fn(|| rest.next_if(char::is_ascii_alphabetic))),
        }
        words.push(word);
    }
    words
}

fn line_of(words: &[&str], id: &[char], host: &[char]) -> String {
    let compared = |field: &str, literal: &str| {
        let literal = literal.strip_prefix('\'').expect("a string");
        let (value, literal) = match field {
            "id" => (id, literal.strip_prefix(ID_PREFIX).unwrap_or(literal)),
            "host" => (host, literal),
            _ => panic!("{field:?} was read as a field"),
        };
        (value.to_vec(), literal.chars().collect::<Vec<_>>())
    };
    let mut line = String::new();
    let mut rest = words;
    while !rest.is_empty() {
        let (character, after) = match rest {
            ["(", after @ ..] => ('(', after),
            [")", after @ ..] => (')', after),
            ["not", after @ ..] => ('!', after),
            ["and", after @ ..] => ('&', after),
            ["or", after @ ..] => ('|', after),
            [function, "(", first, ",", second, ")", after @ ..] => {
                let (field, literal) =
                    if *function == "substringof" { (second, first) } else { (first, second) };
                let (value, literal) = compared(field, literal);
                let places = 0..(value.len() + 1).saturating_sub(literal.len());
                let mut found = places.clone().filter(|at| value[*at..*at + literal.len()] == literal[..]);
                let found = match *function {
                    "contains" | "substringof" => found.next().is_some(),
                    "startswith" => found.next() == Some(0),
                    "endswith" => found.next_back().is_some_and(|at| at + 1 == places.end),
                    _ => panic!("{function:?} was read as a function"),
                };
                match after {
                    ["eq", "true", after @ ..] => (digit(found), after),
                    ["eq", "false", after @ ..] => (digit(!found), after),
                    _ => (digit(found), after),
                }
            }
            [field, operator, literal, after @ ..] => {
                let (value, literal) = compared(field, literal);
                let is = match *operator {
                    "eq" => value == literal,
                    "ne" => value != literal,
                    "gt" => value > literal,
                    "ge" => value >= literal,
                    "lt" => value < literal,
                    "le" => value <= literal,
                    _ => panic!("{operator:?} was read as a comparison"),
                };
                (digit(is), after)
            }
            _ => panic!("{rest:?} was read as part of a filter"),
        };
        line.push(character);
        rest = after;
    }
    line
}

fn digit(truth: bool) -> char {
    if truth { '1' } else { '0' }
}

fn worked_out(mut line: String) -> bool {
    while let Some(end) = line.find(')') {
        let start = line[..end].rfind('(').expect("a parenthesis that begins");
        let inner = worked_out(line[start + 1..end].to_owned());
        line.replace_range(start..=end, digit(inner).encode_utf8(&mut [0]));
    }
    line.split('|').any(|all| {
        all.split('&').all(|one| {
            let truth = one.trim_start_matches('!');
            assert!(["0", "1"].contains(&truth), "{line} was read as a filter");
            (truth == "1") == (one.len() - truth.len()).is_multiple_of(2)
        })
    })
}

/// A fault says where it is: at a character of the text, the one that it names, or right after the last.
fn points_at_its_place(fault: &FilterFault, text: &str) {
    let message = fault.to_string();
    let length = text.chars().count();
    let (FilterFault::TooDeep { at } | FilterFault::Unexpected { at, .. }) = fault else {
        assert_eq!(*fault, FilterFault::TooLong { found: text.len() });
        return;
    };
    assert!((1..=length + 1).contains(at), "{message}, of {length}");
    let before: String = text.chars().take(at - 1).collect();
    match (fault, text.chars().nth(at - 1)) {
        (FilterFault::Unexpected { found, .. }, None) => assert_eq!(found, "the end"),
        (FilterFault::Unexpected { found, .. }, Some(character)) => {
            let shown = format!("{:?}", character.to_string());
            assert!(found.starts_with(shown.trim_end_matches('"')), "{message}, where there is {shown}");
        }
        _ => {
            let nesting = before.matches('(').count() + before.matches("not").count();
            assert!(nesting >= DEEPEST, "{message}, where {nesting} at most were opened");
        }
    }
}
