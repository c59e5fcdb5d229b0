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
