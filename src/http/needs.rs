//! What an operation asks of whoever wants it.

use crate::access::Role;

/// What an operation asks of whoever wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing, not even who it is.
    Nothing,
    /// Any role, for any configuration.
    Something,
    /// A secret that another server shows, right for the mirror that the path names; or else any role.
    Secret,
    /// This role, or a higher one, for the configuration that the path names.
    Role(Role),
}
