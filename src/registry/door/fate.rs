//! What becomes of an update that somebody pushes.

use crate::registry::pushes::Update;

/// What became of an update, with why it was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate<'a> {
    Done,
    /// Whoever asked for it may not.
    Forbidden(&'a str),
    /// Nobody may, or not now.
    Refused(&'a str),
}

/// Told of what became of each update that was asked for.
pub type Told = Box<dyn Fn(&Update, Fate<'_>) + Send + Sync>;

/// What is wrong with an update.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// For whoever asked for it, and for others it may do.
    pub forbidden: bool,
    /// For people; nothing is wrong where this is empty.
    pub why: Vec<String>,
}

impl Wrong {
    pub fn forbidden(why: String) -> Self {
        Wrong { forbidden: true, why: vec![why] }
    }

    pub fn refused(why: Vec<String>) -> Self {
        Wrong { forbidden: false, why }
    }

    pub fn fate(&self) -> Fate<'_> {
        match self.why.first() {
            None => Fate::Done,
            Some(why) if self.forbidden => Fate::Forbidden(why),
            Some(why) => Fate::Refused(why),
        }
    }
}
