//! Conditional requests: entity tags that are git's own ids, and preconditions as RFC 9110 section 13 has them.

mod creations;
mod races;
mod reads;
mod tags;
mod target;
mod writes;

use crate::support::client::Request;

/// A tag that nothing ever had.
const STALE: &str = "\"0123456789abcdef0123456789abcdef01234567\"";

#[derive(Clone, Copy, Debug, PartialEq)]
enum Verdict {
    Holds,
    Fails,
    Malformed,
}

/// One precondition, and whether it holds for a resource that has the tag it was made for.
#[derive(Debug)]
struct Condition {
    header: &'static str,
    value: String,
    verdict: Verdict,
}

impl Condition {
    fn on<'a>(&self, request: Request<'a>) -> Request<'a> {
        request.header(self.header, &self.value)
    }

    fn is_if_match(&self) -> bool {
        self.header == "If-Match"
    }
}

/// Every form of a precondition, for a resource that exists and whose tag is `current`.
fn conditions(current: &str) -> Vec<Condition> {
    use Verdict::*;
    let weak = format!("W/{current}");
    let with_a_match = format!("{STALE}, {current}");
    let without_a_match = format!("{STALE}, \"x\", W/\"y\"");
    let unquoted = current.trim_matches('"').to_owned();
    let forms = [
        // The value, the verdict as If-Match (compared strongly), and as If-None-Match (compared weakly).
        (current.to_owned(), Holds, Fails),
        (STALE.to_owned(), Fails, Holds),
        (with_a_match, Holds, Fails),
        (without_a_match, Fails, Holds),
        (weak, Fails, Fails),
        ("*".to_owned(), Holds, Fails),
        (unquoted, Malformed, Malformed),
    ];
    let both = |(value, if_match, if_none_match): (String, Verdict, Verdict)| {
        [
            Condition { header: "If-Match", value: value.clone(), verdict: if_match },
            Condition { header: "If-None-Match", value, verdict: if_none_match },
        ]
    };
    forms.into_iter().flat_map(both).collect()
}

/// Every well-formed precondition for a resource with this tag.
fn well_formed(current: &str) -> Vec<Condition> {
    conditions(current).into_iter().filter(|condition| condition.verdict != Verdict::Malformed).collect()
}
