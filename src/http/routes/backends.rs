//! Backends as Azure's clients know them, under a configuration and at the root.

use actix_web::http::Method;

use super::parameters::{AZURE_LIST, AZURE_READ, AZURE_WRITE};
use crate::access::Role;
use crate::http::backends;
use crate::http::needs::Needs;
use crate::http::route::{Input, Kinds, Operation, Output, Resource};
use crate::http::shape::Dialect;

/// The kind that has this dialect.
pub const BACKENDS: &str = "backends";

/// What comes first is matched first.
pub static RESOURCES: &[Resource] = &[
    Resource { path: "/conf/{config}/backends", prefixed: true, ..SET },
    Resource { path: "/conf/{config}/backends/{id}", prefixed: true, ..ENTRY },
    Resource { path: "/backends", prefixed: false, ..SET },
    Resource { path: "/backends/{id}", prefixed: false, ..ENTRY },
];

const SET: Resource = Resource {
    path: "",
    prefixed: true,
    kinds: Kinds::Only(BACKENDS),
    dialect: Dialect::Azure,
    operations: &[Operation {
        method: Method::GET,
        name: "list",
        needs: Needs::Role(Role::Reader),
        summary: "List backends, filtered and by pages",
        query: AZURE_LIST,
        input: Input::None,
        output: Output::Entities,
        refuses: &[404, 409],
        handle: |call| Box::pin(backends::list(call)),
    }],
};

const ENTRY: Resource = Resource {
    path: "",
    prefixed: true,
    kinds: Kinds::Only(BACKENDS),
    dialect: Dialect::Azure,
    operations: &[
        Operation {
            method: Method::GET,
            name: "get",
            needs: Needs::Role(Role::Reader),
            summary: "Get a specific backend",
            query: AZURE_READ,
            input: Input::None,
            output: Output::Entity,
            refuses: &[404, 409],
            handle: |call| Box::pin(backends::read(call)),
        },
        Operation {
            method: Method::PUT,
            name: "create",
            needs: Needs::Role(Role::Editor),
            summary: "Create a backend",
            query: AZURE_WRITE,
            input: Input::Entity,
            output: Output::CreatedEntity,
            refuses: &[404, 409],
            handle: |call| Box::pin(backends::create(call)),
        },
        Operation {
            method: Method::PATCH,
            name: "update",
            needs: Needs::Role(Role::Editor),
            summary: "Update a backend; what the body leaves out stays (RFC 7396)",
            query: AZURE_WRITE,
            input: Input::EntityPatch,
            output: Output::Nothing,
            refuses: &[404],
            handle: |call| Box::pin(backends::update(call)),
        },
        Operation {
            method: Method::DELETE,
            name: "delete",
            needs: Needs::Role(Role::Editor),
            summary: "Delete a backend; its history stays",
            query: AZURE_WRITE,
            input: Input::None,
            output: Output::Nothing,
            refuses: &[404],
            handle: |call| Box::pin(backends::delete(call)),
        },
    ],
};
