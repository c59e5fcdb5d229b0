//! Backends, as Azure API Management's Backend entity has them.

use super::host;
use super::kind::Kind;
use super::rule::{Absent, Field, Record, Rule};

/// The kind of `/conf/{config}/backends`.
pub static KIND: Kind = Kind {
    name: "backends",
    singular: "backend",
    plural: "backends",
    schema_name: "Backend",
    record: &BACKEND,
};

/// In the order of the entity's own documentation.
static BACKEND: Record = Record {
    fields: &[
        Field {
            name: "id",
            rule: Rule::Id,
            absent: Absent::Imposed,
            about: "The name within the set; the path gives it, and it cannot be changed.",
        },
        Field {
            name: "host",
            rule: host::RULE,
            absent: Absent::Refused,
            about: "Where requests go; without scheme, port or path.",
        },
        Field {
            name: "skipCertificateChainValidation",
            rule: Rule::Flag,
            absent: Absent::Flag(false),
            about: "Do not check the chain of the host's certificate, such as a self-signed one in a test.",
        },
    ],
    agree: |_, _| {},
};
