//! Every route, in one table. Routing, `Allow`, `OPTIONS` and the description of the API all follow from it.

use actix_web::http::Method;
use actix_web::web::ServiceConfig;

use super::query::{Form, Parameter};
use super::route::{Input, Operation, Output, Resource};
use super::versions::LARGEST_PAGE;
use super::{configurations, entries, service, sets, versions};

const MESSAGE: Parameter = Parameter {
    name: "message",
    about: "The commit's message; the default says what was done to which entry.",
    form: Form::Message { longest: 1000 },
};
const DRY_RUN: Parameter = Parameter {
    name: "dry_run",
    about: "Check everything, write nothing, and answer what would have changed.",
    form: Form::Flag,
};
const MODE: Parameter = Parameter {
    name: "mode",
    about: "replace: the body becomes the complete set. merge: its entries replace those of the same id or join.",
    form: Form::Choice(&["replace", sets::MERGE]),
};
const LIMIT: Parameter = Parameter {
    name: "limit",
    about: "So many versions at most.",
    form: Form::Whole { min: 1, max: LARGEST_PAGE, absent: LARGEST_PAGE },
};
const AFTER: Parameter = Parameter {
    name: "after",
    about: "Only versions that come after this one in the list.",
    form: Form::Text,
};
const AUTHOR: Parameter = Parameter {
    name: "author",
    about: "Only versions with this in the author's name or address, whatever the case.",
    form: Form::Text,
};
const SINCE: Parameter =
    Parameter { name: "since", about: "Only versions of this time or later (RFC 3339).", form: Form::Time };
const UNTIL: Parameter =
    Parameter { name: "until", about: "Only versions of this time or earlier (RFC 3339).", form: Form::Time };
const TEXT: Parameter = Parameter {
    name: "q",
    about: "Only versions with this in the message, whatever the case.",
    form: Form::Text,
};

const WRITE: &[Parameter] = &[MESSAGE, DRY_RUN];
const WRITE_SET: &[Parameter] = &[MODE, MESSAGE, DRY_RUN];
const PAGE: &[Parameter] = &[LIMIT, AFTER, AUTHOR, SINCE, UNTIL, TEXT];

/// The table. What comes first is matched first.
pub static RESOURCES: &[Resource] = &[
    Resource {
        path: "/conf/configs",
        prefixed: true,
        operations: &[Operation {
            method: Method::GET,
            name: "list_configurations",
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
        operations: &[
            Operation {
                method: Method::GET,
                name: "get_configuration",
                summary: "Get one configuration's record",
                query: &[],
                input: Input::None,
                output: Output::Configuration,
                refuses: &[404],
                handle: |call| Box::pin(configurations::read(call)),
            },
            Operation {
                method: Method::POST,
                name: "create_configuration",
                summary: "Create a configuration: empty, as a copy of another, or from an archive",
                query: WRITE,
                input: Input::Creation,
                output: Output::Created,
                refuses: &[404, 409],
                handle: |call| Box::pin(configurations::create(call)),
            },
            Operation {
                method: Method::PUT,
                name: "update_configuration",
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
                summary: "Delete a configuration; its commits stay reachable in an archive",
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
        operations: &[Operation {
            method: Method::GET,
            name: "list_configuration_versions",
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
        operations: &[Operation {
            method: Method::GET,
            name: "get_configuration_version",
            summary: "Get all documents of a configuration as they were",
            query: &[],
            input: Input::None,
            output: Output::Whole,
            refuses: &[404],
            handle: |call| Box::pin(versions::read(call, versions::configuration)),
        }],
    },
    Resource {
        path: "/conf/configs/{config}/versions/{version}/revert",
        prefixed: true,
        operations: &[Operation {
            method: Method::PUT,
            name: "revert_configuration",
            summary: "Make a configuration what it was at a version",
            query: WRITE,
            input: Input::None,
            output: Output::Updated,
            refuses: &[404],
            handle: |call| Box::pin(versions::revert(call, versions::configuration)),
        }],
    },
    Resource {
        path: "/conf/{config}/{kind}",
        prefixed: true,
        operations: &[
            Operation {
                method: Method::GET,
                name: "list",
                summary: "Get the complete set",
                query: &[],
                input: Input::None,
                output: Output::Set,
                refuses: &[404],
                handle: |call| Box::pin(sets::read(call)),
            },
            Operation {
                method: Method::POST,
                name: "create_set",
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
        path: "/conf/{config}/{kind}/versions",
        prefixed: true,
        operations: &[Operation {
            method: Method::GET,
            name: "list_set_versions",
            summary: "List the versions of the set, newest first",
            query: PAGE,
            input: Input::None,
            output: Output::Versions,
            refuses: &[404],
            handle: |call| Box::pin(versions::list(call, versions::set)),
        }],
    },
    Resource {
        path: "/conf/{config}/{kind}/versions/{version}",
        prefixed: true,
        operations: &[Operation {
            method: Method::GET,
            name: "get_set_version",
            summary: "Get the set as it was",
            query: &[],
            input: Input::None,
            output: Output::Set,
            refuses: &[404],
            handle: |call| Box::pin(versions::read(call, versions::set)),
        }],
    },
    Resource {
        path: "/conf/{config}/{kind}/versions/{version}/revert",
        prefixed: true,
        operations: &[Operation {
            method: Method::PUT,
            name: "revert_set",
            summary: "Make the set what it was at a version",
            query: WRITE,
            input: Input::None,
            output: Output::Updated,
            refuses: &[404],
            handle: |call| Box::pin(versions::revert(call, versions::set)),
        }],
    },
    Resource {
        path: "/conf/{config}/{kind}/{id}",
        prefixed: true,
        operations: &[
            Operation {
                method: Method::GET,
                name: "get",
                summary: "Get one entry",
                query: &[],
                input: Input::None,
                output: Output::Document,
                refuses: &[404],
                handle: |call| Box::pin(entries::read(call)),
            },
            Operation {
                method: Method::POST,
                name: "create",
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
                summary: "Delete an entry; its history stays",
                query: WRITE,
                input: Input::None,
                output: Output::Deleted,
                refuses: &[404],
                handle: |call| Box::pin(entries::delete(call)),
            },
        ],
    },
    Resource {
        path: "/conf/{config}/{kind}/{id}/versions",
        prefixed: true,
        operations: &[Operation {
            method: Method::GET,
            name: "list_versions",
            summary: "List the versions of an entry, newest first",
            query: PAGE,
            input: Input::None,
            output: Output::Versions,
            refuses: &[404],
            handle: |call| Box::pin(versions::list(call, versions::entry)),
        }],
    },
    Resource {
        path: "/conf/{config}/{kind}/{id}/versions/{version}",
        prefixed: true,
        operations: &[Operation {
            method: Method::GET,
            name: "get_version",
            summary: "Get an entry as it was",
            query: &[],
            input: Input::None,
            output: Output::Document,
            refuses: &[404],
            handle: |call| Box::pin(versions::read(call, versions::entry)),
        }],
    },
    Resource {
        path: "/conf/{config}/{kind}/{id}/versions/{version}/revert",
        prefixed: true,
        operations: &[Operation {
            method: Method::PUT,
            name: "revert",
            summary: "Make an entry what it was at a version; one that was deleted comes back",
            query: WRITE,
            input: Input::None,
            output: Output::Updated,
            refuses: &[404],
            handle: |call| Box::pin(versions::revert(call, versions::entry)),
        }],
    },
    Resource {
        path: "/health/live",
        prefixed: false,
        operations: &[Operation {
            method: Method::GET,
            name: "live",
            summary: "Whether the process answers",
            query: &[],
            input: Input::None,
            output: Output::Health,
            refuses: &[],
            handle: |call| Box::pin(service::live(call)),
        }],
    },
    Resource {
        path: "/health/ready",
        prefixed: false,
        operations: &[Operation {
            method: Method::GET,
            name: "ready",
            summary: "Whether writes are taken now",
            query: &[],
            input: Input::None,
            output: Output::Health,
            refuses: &[503],
            handle: |call| Box::pin(service::ready(call)),
        }],
    },
    Resource {
        path: "/metrics",
        prefixed: false,
        operations: &[Operation {
            method: Method::GET,
            name: "metrics",
            summary: "Numbers for Prometheus",
            query: &[],
            input: Input::None,
            output: Output::Text(service::PROMETHEUS),
            refuses: &[],
            handle: |call| Box::pin(service::metrics(call)),
        }],
    },
    Resource {
        path: "/openapi.json",
        prefixed: false,
        operations: &[Operation {
            method: Method::GET,
            name: "openapi",
            summary: "This description (OpenAPI 3.1)",
            query: &[],
            input: Input::None,
            output: Output::OpenApi,
            refuses: &[],
            handle: |call| Box::pin(service::openapi(call)),
        }],
    },
    Resource {
        path: "/docs",
        prefixed: false,
        operations: &[Operation {
            method: Method::GET,
            name: "docs",
            summary: "A page to read about and try the API",
            query: &[],
            input: Input::None,
            output: Output::Text("text/html"),
            refuses: &[],
            handle: |call| Box::pin(service::docs(call)),
        }],
    },
    Resource {
        path: "/docs/{file}",
        prefixed: false,
        operations: &[Operation {
            method: Method::GET,
            name: "docs_file",
            summary: "A part of that page",
            query: &[],
            input: Input::None,
            output: Output::Text("*/*"),
            refuses: &[404],
            handle: |call| Box::pin(service::docs(call)),
        }],
    },
];

/// Puts the table into a server's routing.
pub fn register(config: &mut ServiceConfig, prefixes: &[String]) {
    // The prefix of nothing covers everything, so it comes last.
    let mut prefixes: Vec<&str> = prefixes.iter().map(|prefix| prefix.trim_end_matches('/')).collect();
    prefixes.sort_by_key(|prefix| prefix.is_empty());
    for prefix in prefixes {
        for resource in RESOURCES.iter().filter(|resource| resource.prefixed) {
            resource.register(config, prefix);
        }
    }
    for resource in RESOURCES.iter().filter(|resource| !resource.prefixed) {
        resource.register(config, "");
    }
}
