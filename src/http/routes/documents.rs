//! Sets and entries of every kind that has no dialect of its own.

use actix_web::http::Method;

use super::backends::BACKENDS;
use super::parameters::{READ, WRITE, WRITE_SET};
use crate::access::Role;
use crate::http::needs::Needs;
use crate::http::route::{Input, Kinds, Operation, Output, Resource};
use crate::http::shape::Dialect;
use crate::http::{entries, sets};

/// What comes first is matched first.
pub static RESOURCES: &[Resource] = &[
    Resource {
        path: "/conf/{config}/{kind}",
        prefixed: true,
        kinds: Kinds::AllBut(&[BACKENDS]),
        dialect: Dialect::Own,
        operations: &[
            Operation {
                method: Method::GET,
                name: "list",
                needs: Needs::Role(Role::Reader),
                summary: "Get the complete set",
                query: READ,
                input: Input::None,
                output: Output::Set,
                refuses: &[404, 409],
                handle: |call| Box::pin(sets::read(call)),
            },
            Operation {
                method: Method::POST,
                name: "create_set",
                needs: Needs::Role(Role::Editor),
                summary: "Create the complete set where none is",
                query: WRITE,
                input: Input::Set,
                output: Output::Created,
                refuses: &[404, 409],
                handle: |call| Box::pin(sets::create(call)),
            },
            Operation {
                method: Method::PUT,
                name: "update_set",
                needs: Needs::Role(Role::Editor),
                summary: "Make the body the complete set, or merge it in",
                query: WRITE_SET,
                input: Input::Set,
                output: Output::Updated,
                refuses: &[404],
                handle: |call| Box::pin(sets::update(call)),
            },
            Operation {
                method: Method::DELETE,
                name: "delete_set",
                needs: Needs::Role(Role::Editor),
                summary: "Delete every entry of the set",
                query: WRITE,
                input: Input::None,
                output: Output::Deleted,
                refuses: &[404],
                handle: |call| Box::pin(sets::delete(call)),
            },
        ],
    },
    Resource {
        path: "/conf/{config}/{kind}/{id}",
        prefixed: true,
        kinds: Kinds::AllBut(&[BACKENDS]),
        dialect: Dialect::Own,
        operations: &[
            Operation {
                method: Method::GET,
                name: "get",
                needs: Needs::Role(Role::Reader),
                summary: "Get one entry",
                query: READ,
                input: Input::None,
                output: Output::Document,
                refuses: &[404, 409],
                handle: |call| Box::pin(entries::read(call)),
            },
            Operation {
                method: Method::POST,
                name: "create",
                needs: Needs::Role(Role::Editor),
                summary: "Create an entry that is not there yet",
                query: WRITE,
                input: Input::Document,
                output: Output::Created,
                refuses: &[404, 409],
                handle: |call| Box::pin(entries::create(call)),
            },
            Operation {
                method: Method::PUT,
                name: "update",
                needs: Needs::Role(Role::Editor),
                summary: "Change an entry that is there",
                query: WRITE,
                input: Input::Document,
                output: Output::Updated,
                refuses: &[404],
                handle: |call| Box::pin(entries::update(call)),
            },
            Operation {
                method: Method::DELETE,
                name: "delete",
                needs: Needs::Role(Role::Editor),
                summary: "Delete an entry; its history stays",
                query: WRITE,
                input: Input::None,
                output: Output::Deleted,
                refuses: &[404],
                handle: |call| Box::pin(entries::delete(call)),
            },
        ],
    },
];
