//! The name of a configuration.

use crate::ledger::{BranchName, NameFault};

/// The word of the route that lists configurations.
pub const RESERVED: &str = "configs";

/// Reads a name: a branch's, but for the reserved one.
///
/// # Errors
/// The first rule that the text breaks.
pub fn parse(text: &str) -> Result<BranchName, NameFault> {
    if text == RESERVED { Err(NameFault::Reserved(RESERVED)) } else { BranchName::parse(text) }
}
