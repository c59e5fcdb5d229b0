//! Configurations, and their versions.

use actix_web::http::Method;

use super::parameters::{DIFF, PAGE, READ, WRITE};
use crate::access::Role;
use crate::http::needs::Needs;
use crate::http::route::{Input, Kinds, Operation, Output, Resource};
use crate::http::shape::Dialect;
use crate::http::{configurations, versions};

/// What comes first is matched first.
pub static RESOURCES: &[Resource] = &[
    Resource {
        path: "/conf/configs",
        prefixed: true,
        kinds: Kinds::None,
        dialect: Dialect::Own,
        operations: &[Operation {
            method: Method::GET,
            name: "list_configurations",
            needs: Needs::Something,
            summary: "List all configurations",
            query: &[],
            input: Input::None,
            output: Output::Configurations,
            refuses: &[],
            handle: |call| Box::pin(configurations::list(call)),
        }],
    },
    Resource {
        path: "/conf/configs/{config}",
        prefixed: true,
        kinds: Kinds::None,
        dialect: Dialect::Own,
        operations: &[
            Operation {
                method: Method::GET,
                name: "get_configuration",
                needs: Needs::Role(Role::Reader),
                summary: "Get one configuration's record",
                query: READ,
                input: Input::None,
                output: Output::Configuration,
                refuses: &[404, 409],
                handle: |call| Box::pin(configurations::read(call)),
            },
            Operation {
                method: Method::POST,
                name: "create_configuration",
                needs: Needs::Role(Role::Admin),
                summary: "Create a configuration: empty, as a copy of another without its releases, or from an archive",
                query: WRITE,
                input: Input::Creation,
                output: Output::Created,
                refuses: &[404, 409],
                handle: |call| Box::pin(configurations::create(call)),
            },
            Operation {
                method: Method::PUT,
                name: "update_configuration",
                needs: Needs::Role(Role::Admin),
                summary: "Change a configuration's description",
                query: WRITE,
                input: Input::Description,
                output: Output::Updated,
                refuses: &[404],
                handle: |call| Box::pin(configurations::update(call)),
            },
            Operation {
                method: Method::DELETE,
                name: "delete_configuration",
                needs: Needs::Role(Role::Admin),
                summary: "Delete a configuration; its commits and releases stay in an archive, from which they can be brought back",
                query: WRITE,
                input: Input::None,
                output: Output::Archived,
                refuses: &[404],
                handle: |call| Box::pin(configurations::delete(call)),
            },
        ],
    },
    Resource {
        path: "/conf/configs/{config}/versions",
        prefixed: true,
        kinds: Kinds::None,
        dialect: Dialect::Own,
        operations: &[Operation {
            method: Method::GET,
            name: "list_configuration_versions",
            needs: Needs::Role(Role::Reader),
            summary: "List the versions of a configuration, newest first",
            query: PAGE,
            input: Input::None,
            output: Output::Versions,
            refuses: &[404],
            handle: |call| Box::pin(versions::list(call, versions::configuration)),
        }],
    },
    Resource {
        path: "/conf/configs/{config}/versions/{version}",
        prefixed: true,
        kinds: Kinds::None,
        dialect: Dialect::Own,
        operations: &[Operation {
            method: Method::GET,
            name: "get_configuration_version",
            needs: Needs::Role(Role::Reader),
            summary: "Get all documents of a configuration as they were",
            query: &[],
            input: Input::None,
            output: Output::Whole,
            refuses: &[404, 409],
            handle: |call| Box::pin(versions::read(call, versions::configuration)),
        }],
    },
    Resource {
        path: "/conf/configs/{config}/versions/{version}/diff",
        prefixed: true,
        kinds: Kinds::None,
        dialect: Dialect::Own,
        operations: &[Operation {
            method: Method::GET,
            name: "diff_configuration",
            needs: Needs::Role(Role::Reader),
            summary: "What differs in a configuration between two versions",
            query: DIFF,
            input: Input::None,
            output: Output::Difference,
            refuses: &[404, 409],
            handle: |call| Box::pin(versions::diff(call, versions::configuration)),
        }],
    },
    Resource {
        path: "/conf/configs/{config}/versions/{version}/revert",
        prefixed: true,
        kinds: Kinds::None,
        dialect: Dialect::Own,
        operations: &[Operation {
            method: Method::PUT,
            name: "revert_configuration",
            needs: Needs::Role(Role::Editor),
            summary: "Make a configuration what it was at a version",
            query: WRITE,
            input: Input::None,
            output: Output::Updated,
            refuses: &[404, 409],
            handle: |call| Box::pin(versions::revert(call, versions::configuration)),
        }],
    },
];
