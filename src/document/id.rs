//! The name of an entry within its set.

use std::fmt;

use super::fault::FaultKind;

/// An entry's id: 1–256 characters, fit for a path of a URL without escapes that change its meaning.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(Box<str>);

/// Why a text is no [`EntryId`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdFault {
    #[error("must not be empty")]
    Empty,
    #[error("must have at most {max} characters, has {found}", max = EntryId::LONGEST)]
    TooLong { found: usize },
    #[error("must not contain {0:?}")]
    Forbidden(char),
    #[error("must not begin or end with white space")]
    Space,
    #[error("{0:?} is reserved")]
    Reserved(String),
}

impl IdFault {
    /// The sort of rule that is broken.
    pub fn rule(&self) -> FaultKind {
        match self {
            IdFault::Empty => FaultKind::StringTooShort,
            IdFault::TooLong { .. } => FaultKind::StringTooLong,
            IdFault::Forbidden(_) | IdFault::Space | IdFault::Reserved(_) => FaultKind::Format,
        }
    }
}

impl EntryId {
    /// In characters.
    pub const LONGEST: usize = 256;
    /// These would change the meaning of a path, a query or a pattern.
    pub const FORBIDDEN: &str = r"/\*#&+:<>?%";
    /// A route's own word, and the two names that paths give a meaning.
    pub const RESERVED: [&str; 3] = ["versions", ".", ".."];

    /// Reads an id.
    ///
    /// # Errors
    /// The first rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, IdFault> {
        let length = text.chars().count();
        if length == 0 {
            return Err(IdFault::Empty);
        }
        if length > Self::LONGEST {
            return Err(IdFault::TooLong { found: length });
        }
        if let Some(bad) = text.chars().find(|c| c.is_control() || Self::FORBIDDEN.contains(*c)) {
            return Err(IdFault::Forbidden(bad));
        }
        if text.trim() != text {
            return Err(IdFault::Space);
        }
        if Self::RESERVED.contains(&text) {
            return Err(IdFault::Reserved(text.to_owned()));
        }
        Ok(EntryId(text.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// Lets a map that is keyed by ids be asked with plain text.
impl std::borrow::Borrow<str> for EntryId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_are_allowed() {
        for id in ["a", "Web", "a b", ".git", "git~1", "日本", "a.b-c_d", "CON", "-x", "version", "..."] {
            assert!(EntryId::parse(id).is_ok(), "{id}");
        }
        assert!(EntryId::parse(&"é".repeat(256)).is_ok());
    }

    #[test]
    fn ids_that_are_refused() {
        assert_eq!(EntryId::parse(""), Err(IdFault::Empty));
        assert_eq!(EntryId::parse(&"a".repeat(257)), Err(IdFault::TooLong { found: 257 }));
        for c in EntryId::FORBIDDEN.chars().chain(['\0', '\n', '\u{7f}', '\u{85}']) {
            assert_eq!(EntryId::parse(&format!("a{c}b")), Err(IdFault::Forbidden(c)));
        }
        for id in [" a", "a ", "a\u{a0}"] {
            assert_eq!(EntryId::parse(id), Err(IdFault::Space));
        }
        for id in EntryId::RESERVED {
            assert_eq!(EntryId::parse(id), Err(IdFault::Reserved(id.to_owned())));
        }
    }
}
