//! What is wrong with a document, told all at once.

use std::fmt;

use serde::Serialize;

/// One step on the way from the root of a document to the value that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Step {
    /// A member of an object.
    Key(String),
    /// An element of an array, counted from 0.
    Index(usize),
}

impl From<&str> for Step {
    fn from(key: &str) -> Self {
        Step::Key(key.to_owned())
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Step::Index(index)
    }
}

/// Which sort of rule is broken; the name is what clients see as `type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    Missing,
    ExtraForbidden,
    StringType,
    StringTooShort,
    StringTooLong,
    BoolType,
    IntType,
    OutOfRange,
    Enum,
    ListType,
    TooMany,
    TooFew,
    Duplicate,
    ObjectType,
    Format,
    Mismatch,
}

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The way to the value, from the root.
    pub loc: Vec<Step>,
    /// What is wrong and what would be right.
    pub msg: String,
    /// The sort of rule.
    #[serde(rename = "type")]
    pub kind: FaultKind,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, step) in self.loc.iter().enumerate() {
            match step {
                Step::Key(key) if nth == 0 => write!(f, "{key}")?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        write!(f, ": {}", self.msg)
    }
}

/// Collects faults while a value is walked; knows where the walk is.
#[derive(Debug, Default)]
pub struct Faults {
    here: Vec<Step>,
    found: Vec<Fault>,
    beyond: usize,
}

impl Faults {
    /// So many are told one by one. A body of megabytes may hold millions, and an answer must stay an answer.
    pub const MOST: usize = 1000;

    /// Starts at a root that has a name of its own, such as `body`.
    pub fn at(root: impl Into<Step>) -> Self {
        Faults { here: vec![root.into()], ..Faults::default() }
    }

    /// Walks one step in, does `work` there, and steps back.
    pub fn within<T>(&mut self, step: impl Into<Step>, work: impl FnOnce(&mut Self) -> T) -> T {
        self.here.push(step.into());
        let outcome = work(self);
        self.here.pop();
        outcome
    }

    /// Notes a fault of the value where the walk is.
    pub fn add(&mut self, kind: FaultKind, msg: impl Into<String>) {
        self.note(|here| Fault { loc: here.to_vec(), msg: msg.into(), kind });
    }

    fn note(&mut self, fault: impl FnOnce(&[Step]) -> Fault) {
        if self.found.len() < Self::MOST {
            self.found.push(fault(&self.here));
        } else {
            self.beyond += 1;
        }
    }

    /// Notes the faults of a part that was checked by itself: its root is where the walk is.
    pub fn take_in(&mut self, faults: Vec<Fault>) {
        for mut fault in faults {
            self.note(|here| {
                fault.loc.splice(..fault.loc.len().min(1), here.iter().cloned());
                fault
            });
        }
    }

    /// `value` if nothing was found.
    ///
    /// # Errors
    /// Every fault that was found; past [`Faults::MOST`] the last one says how many more there are.
    pub fn or<T>(mut self, value: Option<T>) -> Result<T, Vec<Fault>> {
        if let Some(last) = self.found.last_mut()
            && self.beyond > 0
        {
            last.msg = format!("{} (and {} more faults)", last.msg, self.beyond);
        }
        match value {
            Some(value) if self.found.is_empty() => Ok(value),
            _ => Err(self.found),
        }
    }
}
