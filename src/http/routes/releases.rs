//! Releases: versions of a configuration that have a name.

use actix_web::http::Method;

use super::parameters::{DRY, RELEASES};
use crate::access::Role;
use crate::http::needs::Needs;
use crate::http::releases;
use crate::http::route::{Input, Kinds, Operation, Output, Resource};
use crate::http::shape::Dialect;

/// What comes first is matched first.
pub static RESOURCES: &[Resource] = &[
    Resource {
        path: "/conf/configs/{config}/releases",
        prefixed: true,
        kinds: Kinds::None,
        dialect: Dialect::Own,
        operations: &[Operation {
            method: Method::GET,
            name: "list_releases",
            needs: Needs::Role(Role::Reader),
            summary: "List the releases of a configuration, newest first",
            query: RELEASES,
            input: Input::None,
            output: Output::Releases,
            refuses: &[404],
            handle: |call| Box::pin(releases::list(call)),
        }],
    },
    Resource {
        path: "/conf/configs/{config}/releases/{release}",
        prefixed: true,
        kinds: Kinds::None,
        dialect: Dialect::Own,
        operations: &[
            Operation {
                method: Method::GET,
                name: "get_release",
                needs: Needs::Role(Role::Reader),
                summary: "Get a release",
                query: &[],
                input: Input::None,
                output: Output::Release,
                refuses: &[404],
                handle: |call| Box::pin(releases::read(call)),
            },
            Operation {
                method: Method::PUT,
                name: "create_release",
                needs: Needs::Role(Role::Editor),
                summary: "Give a version a name for good; to do so again changes nothing, not even the message",
                query: DRY,
                input: Input::Release,
                output: Output::Released,
                refuses: &[404, 409],
                handle: |call| Box::pin(releases::create(call)),
            },
            Operation {
                method: Method::DELETE,
                name: "delete_release",
                needs: Needs::Role(Role::Admin),
                summary: "Take a release away; its version stays",
                query: DRY,
                input: Input::None,
                output: Output::Deleted,
                refuses: &[404],
                handle: |call| Box::pin(releases::delete(call)),
            },
        ],
    },
];
