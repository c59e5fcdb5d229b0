//! What changes many entries of a configuration at once.

use actix_web::http::Method;

use super::parameters::{MERGE, WRITE};
use crate::access::Role;
use crate::http::needs::Needs;
use crate::http::route::{Input, Kinds, Operation, Output, Resource};
use crate::http::shape::Dialect;
use crate::http::{merges, transactions};

/// What comes first is matched first.
pub static RESOURCES: &[Resource] = &[
    Resource {
        path: "/conf/{config}/transactions",
        prefixed: true,
        kinds: Kinds::None,
        dialect: Dialect::Own,
        operations: &[Operation {
            method: Method::POST,
            name: "apply_transaction",
            needs: Needs::Role(Role::Editor),
            summary: "Change many entries of any kinds in one commit, or none",
            query: WRITE,
            input: Input::Transaction,
            output: Output::Applied,
            refuses: &[404, 409],
            handle: |call| Box::pin(transactions::apply(call)),
        }],
    },
    Resource {
        path: "/conf/{config}/merge",
        prefixed: true,
        kinds: Kinds::None,
        dialect: Dialect::Own,
        operations: &[Operation {
            method: Method::POST,
            name: "merge_configuration",
            needs: Needs::Role(Role::Editor),
            summary: "Take in what another configuration has changed, entry by entry, from the common ancestor",
            query: MERGE,
            input: Input::Merge,
            output: Output::Merged,
            refuses: &[404, 409],
            handle: |call| Box::pin(merges::merge(call)),
        }],
    },
];
