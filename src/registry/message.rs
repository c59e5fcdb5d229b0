//! The message of a commit or of a release, as a request gives it.

use crate::document::FaultKind;

/// In characters.
pub const LONGEST: usize = 1000;

/// Whether a trimmed text is a message that a commit, or a release, can hold, of so many characters at most.
///
/// # Errors
/// The rule that it breaks.
pub fn check(text: &str, longest: usize) -> Result<(), (FaultKind, String)> {
    let length = text.chars().count();
    if length == 0 {
        return Err((FaultKind::StringTooShort, "must not be empty".to_owned()));
    }
    if length > longest {
        return Err((
            FaultKind::StringTooLong,
            format!("must have at most {longest} characters, has {length}"),
        ));
    }
    match text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        Some(bad) => Err((FaultKind::Format, format!("must not contain {bad:?}"))),
        None => Ok(()),
    }
}
