//! What a request shows of who asks.

use super::key::Key;
use super::signature::Signature;

/// A certificate's SHA-256, over its DER form.
pub type Fingerprint = [u8; 32];

/// What is shown, read but not checked.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    Nothing,
    /// Something that cannot be read as what it says it is.
    Unreadable(Way),
    Key {
        way: Way,
        key: Key,
        /// Whose key it is said to be.
        user: Option<String>,
    },
    Signature(Signature),
    Certificate(Fingerprint),
    /// The word of a proxy that is trusted.
    Proxy {
        user: String,
        email: Option<String>,
    },
}

/// How it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Nothing,
    Bearer,
    Basic,
    Signature,
    Certificate,
    Proxy,
    /// Something in `Authorization` that this service does not know.
    Unknown,
}

impl Way {
    /// The word for it, in the audit trail.
    pub fn name(self) -> &'static str {
        match self {
            Way::Nothing => "none",
            Way::Bearer => "bearer",
            Way::Basic => "basic",
            Way::Signature => "signature",
            Way::Certificate => "certificate",
            Way::Proxy => "proxy",
            Way::Unknown => "unknown",
        }
    }
}

impl Credential {
    pub fn way(&self) -> Way {
        match self {
            Credential::Nothing => Way::Nothing,
            Credential::Unreadable(way) | Credential::Key { way, .. } => *way,
            Credential::Signature(_) => Way::Signature,
            Credential::Certificate(_) => Way::Certificate,
            Credential::Proxy { .. } => Way::Proxy,
        }
    }
}
