//! Versions of sets and entries of every kind, in one shape for all.

use actix_web::http::Method;

use super::backends::BACKENDS;
use super::parameters::{DIFF, PAGE, WRITE};
use crate::access::Role;
use crate::http::needs::Needs;
use crate::http::route::{Input, Kinds, Operation, Output, Resource};
use crate::http::shape::Dialect;
use crate::http::versions;

/// What comes first is matched first.
pub static RESOURCES: &[Resource] = &[
    of_every_kind("/conf/{config}/{kind}/versions", LIST_SET_VERSIONS),
    of_every_kind("/conf/{config}/{kind}/versions/{version}", GET_SET_VERSION),
    of_every_kind("/conf/{config}/{kind}/versions/{version}/diff", DIFF_SET),
    of_every_kind("/conf/{config}/{kind}/versions/{version}/revert", REVERT_SET),
    of_every_kind("/conf/{config}/{kind}/{id}/versions", LIST_VERSIONS),
    of_every_kind("/conf/{config}/{kind}/{id}/versions/{version}", GET_VERSION),
    of_every_kind("/conf/{config}/{kind}/{id}/versions/{version}/diff", DIFF_ENTRY),
    of_every_kind("/conf/{config}/{kind}/{id}/versions/{version}/revert", REVERT),
    at_the_root("/backends/versions", LIST_SET_VERSIONS),
    at_the_root("/backends/versions/{version}", GET_SET_VERSION),
    at_the_root("/backends/versions/{version}/diff", DIFF_SET),
    at_the_root("/backends/versions/{version}/revert", REVERT_SET),
    at_the_root("/backends/{id}/versions", LIST_VERSIONS),
    at_the_root("/backends/{id}/versions/{version}", GET_VERSION),
    at_the_root("/backends/{id}/versions/{version}/diff", DIFF_ENTRY),
    at_the_root("/backends/{id}/versions/{version}/revert", REVERT),
];

const fn of_every_kind(path: &'static str, operations: &'static [Operation]) -> Resource {
    Resource { path, prefixed: true, kinds: Kinds::AllBut(&[]), dialect: Dialect::Own, operations }
}

/// Azure's clients have their backends at the root, and so find the versions there as well.
const fn at_the_root(path: &'static str, operations: &'static [Operation]) -> Resource {
    Resource { path, prefixed: false, kinds: Kinds::Only(BACKENDS), dialect: Dialect::Own, operations }
}

const LIST_SET_VERSIONS: &[Operation] = &[Operation {
    method: Method::GET,
    name: "list_set_versions",
    needs: Needs::Role(Role::Reader),
    summary: "List the versions of the set, newest first",
    query: PAGE,
    input: Input::None,
    output: Output::Versions,
    refuses: &[404],
    handle: |call| Box::pin(versions::list(call, versions::set)),
}];

const GET_SET_VERSION: &[Operation] = &[Operation {
    method: Method::GET,
    name: "get_set_version",
    needs: Needs::Role(Role::Reader),
    summary: "Get the set as it was",
    query: &[],
    input: Input::None,
    output: Output::Set,
    refuses: &[404, 409],
    handle: |call| Box::pin(versions::read(call, versions::set)),
}];

const DIFF_SET: &[Operation] = &[Operation {
    method: Method::GET,
    name: "diff_set",
    needs: Needs::Role(Role::Reader),
    summary: "What differs in the set between two versions",
    query: DIFF,
    input: Input::None,
    output: Output::Difference,
    refuses: &[404, 409],
    handle: |call| Box::pin(versions::diff(call, versions::set)),
}];

const REVERT_SET: &[Operation] = &[Operation {
    method: Method::PUT,
    name: "revert_set",
    needs: Needs::Role(Role::Editor),
    summary: "Make the set what it was at a version",
    query: WRITE,
    input: Input::None,
    output: Output::Updated,
    refuses: &[404, 409],
    handle: |call| Box::pin(versions::revert(call, versions::set)),
}];

const LIST_VERSIONS: &[Operation] = &[Operation {
    method: Method::GET,
    name: "list_versions",
    needs: Needs::Role(Role::Reader),
    summary: "List the versions of an entry, newest first",
    query: PAGE,
    input: Input::None,
    output: Output::Versions,
    refuses: &[404],
    handle: |call| Box::pin(versions::list(call, versions::entry)),
}];

const GET_VERSION: &[Operation] = &[Operation {
    method: Method::GET,
    name: "get_version",
    needs: Needs::Role(Role::Reader),
    summary: "Get an entry as it was",
    query: &[],
    input: Input::None,
    output: Output::Document,
    refuses: &[404, 409],
    handle: |call| Box::pin(versions::read(call, versions::entry)),
}];

const DIFF_ENTRY: &[Operation] = &[Operation {
    method: Method::GET,
    name: "diff",
    needs: Needs::Role(Role::Reader),
    summary: "What differs in an entry between two versions",
    query: DIFF,
    input: Input::None,
    output: Output::Difference,
    refuses: &[404, 409],
    handle: |call| Box::pin(versions::diff(call, versions::entry)),
}];

const REVERT: &[Operation] = &[Operation {
    method: Method::PUT,
    name: "revert",
    needs: Needs::Role(Role::Editor),
    summary: "Make an entry what it was at a version; one that was deleted comes back",
    query: WRITE,
    input: Input::None,
    output: Output::Updated,
    refuses: &[404, 409],
    handle: |call| Box::pin(versions::revert(call, versions::entry)),
}];
