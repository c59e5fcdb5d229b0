//! The list of kinds.

use super::kind::Kind;
use super::{backend, backend_service};

/// Every kind. A new one is a file beside this and a line here.
pub static KINDS: &[&Kind] = &[&backend_service::KIND, &backend::KIND];

impl Kind {
    /// The kind that paths call `name`.
    pub fn named(name: &str) -> Option<&'static Kind> {
        KINDS.iter().find(|kind| kind.name == name).copied()
    }
}
