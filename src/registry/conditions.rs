//! `If-Match` and `If-None-Match` (RFC 9110 section 13.1), as a request states them and as the ledger checks them.

use crate::ledger::{ObjectId, Requirement, State, Subject};

/// The tags of one of the two headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tags {
    /// `*`
    Any,
    /// Those that can be tags of ours; others match nothing and are left out.
    These(Vec<ObjectId>),
}

impl Tags {
    /// `*`, or a list of entity tags. Tags that are no object ids can match nothing and are left out, and so are weak ones
    /// unless `weakly`. Where `quoted_star`, `"*"` means what `*` means.
    ///
    /// # Errors
    /// What is wrong with the text, and where.
    pub fn parse(text: &str, weakly: bool, quoted_star: bool) -> Result<Self, String> {
        if text.trim() == "*" {
            return Ok(Tags::Any);
        }
        let mut ids = Vec::new();
        let (mut seen, mut any) = (false, false);
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            // Section 5.6.1: empty elements of a list are passed over.
            if let Some(after) = rest.strip_prefix(',') {
                rest = after.trim_start();
                continue;
            }
            let (weak, quoted) = match rest.strip_prefix("W/") {
                Some(quoted) => (true, quoted),
                None => (false, rest),
            };
            let (tag, after) = quoted
                .strip_prefix('"')
                .and_then(|opened| opened.split_once('"'))
                .ok_or_else(|| format!("expected * or an entity tag in double quotes at {:?}", clip(rest)))?;
            seen = true;
            any |= quoted_star && !weak && tag == "*";
            if weakly || !weak {
                ids.extend(ObjectId::from_hex(tag));
            }
            rest = after.trim_start();
            if !rest.is_empty() && !rest.starts_with(',') {
                return Err(format!("expected a comma at {:?}", clip(rest)));
            }
        }
        if any {
            return Ok(Tags::Any);
        }
        if seen { Ok(Tags::These(ids)) } else { Err("it is empty".to_owned()) }
    }
}

fn clip(text: &str) -> String {
    text.chars().take(40).collect()
}

/// What a request states about the state that it is meant for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Compared strongly: weak tags are left out.
    pub if_match: Option<Tags>,
    /// Compared weakly: weak tags are in it.
    pub if_none_match: Option<Tags>,
}

/// What conditions mean for a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Proceed,
    NotModified,
    Failed,
}

impl Conditions {
    /// Holds the conditions against the tag of something that exists.
    pub fn of_read(&self, tag: ObjectId) -> Verdict {
        let matches = |tags: &Tags| match tags {
            Tags::Any => true,
            Tags::These(ids) => ids.contains(&tag),
        };
        // RFC 9110 section 13.2.2: If-Match comes first.
        if self.if_match.as_ref().is_some_and(|tags| !matches(tags)) {
            Verdict::Failed
        } else if self.if_none_match.as_ref().is_some_and(matches) {
            Verdict::NotModified
        } else {
            Verdict::Proceed
        }
    }

    /// The conditions as states of something that is there or not.
    pub fn states(&self) -> Vec<State> {
        let if_match = self.if_match.iter().map(|tags| match tags {
            Tags::Any => State::Present,
            Tags::These(ids) => State::OneOf(ids.clone()),
        });
        let if_none_match = self.if_none_match.iter().map(|tags| match tags {
            Tags::Any => State::Absent,
            Tags::These(ids) => State::NoneOf(ids.clone()),
        });
        if_match.chain(if_none_match).collect()
    }

    /// The conditions as requirements on `subject`. `exists` is what `*` asks about: for a set, which is there as long
    /// as its configuration, it is the branch.
    pub fn of_write(&self, subject: &Subject, exists: &Subject) -> Vec<Requirement> {
        let on = |subject: &Subject, state| Requirement { subject: subject.clone(), state };
        let if_match = self.if_match.iter().map(|tags| match tags {
            Tags::Any => on(exists, State::Present),
            Tags::These(ids) => on(subject, State::OneOf(ids.clone())),
        });
        let if_none_match = self.if_none_match.iter().map(|tags| match tags {
            Tags::Any => on(exists, State::Absent),
            Tags::These(ids) => on(subject, State::NoneOf(ids.clone())),
        });
        if_match.chain(if_none_match).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";
    const B: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

    fn these(hex: &[&str]) -> Tags {
        Tags::These(hex.iter().filter_map(|hex| ObjectId::from_hex(hex)).collect())
    }

    #[test]
    fn lists_of_tags() {
        assert_eq!(Tags::parse(" * ", false, false), Ok(Tags::Any));
        assert_eq!(Tags::parse(&format!("\"{A}\""), false, false), Ok(these(&[A])));
        assert_eq!(Tags::parse(&format!(", \"{A}\" ,,\"x,y\", \"{B}\""), false, false), Ok(these(&[A, B])));
        assert_eq!(Tags::parse(&format!("W/\"{A}\", \"{B}\""), false, false), Ok(these(&[B])));
        assert_eq!(Tags::parse(&format!("W/\"{A}\", \"{B}\""), true, false), Ok(these(&[A, B])));
        assert_eq!(Tags::parse("\"\"", false, false), Ok(these(&[])));
    }

    #[test]
    fn a_quoted_star_is_a_star_where_azure_is_spoken() {
        assert_eq!(Tags::parse("\"*\"", false, true), Ok(Tags::Any));
        assert_eq!(Tags::parse(&format!("\"{A}\", \"*\""), false, true), Ok(Tags::Any));
        assert_eq!(Tags::parse("\"*\"", false, false), Ok(these(&[])));
    }

    #[test]
    fn malformed_lists() {
        for text in [A, "\"a", "a\"", "\"a\" \"b\"", "", ",", "w/\"a\"", "*, \"a\"", "\"a\", *", "'a'"] {
            assert!(Tags::parse(text, true, false).is_err(), "{text}");
        }
    }
}
