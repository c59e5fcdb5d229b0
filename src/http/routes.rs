//! Every route, in one table. Routing, `Allow`, `OPTIONS` and the description of the API all follow from it.

use std::pin::Pin;

use actix_web::http::Method;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use super::answer::{Answer, REVCONF_VERSION};
use super::call::{Call, Shared};
use super::failure::Failure;
use super::versions::LARGEST_PAGE;
use super::{accept, configurations, entries, service, sets, versions};
use crate::document::{KINDS, Kind};

/// What a handler gives.
pub type Reply = Result<Answer, Failure>;

/// A handler.
pub type Handler = fn(Call) -> Pin<Box<dyn Future<Output = Reply>>>;

/// A path and what can be done there.
pub struct Resource {
    /// `{kind}` stands for each kind's name in turn.
    pub path: &'static str,
    /// Whether the path is about the matter of the service, and so under each prefix; else it is at the root only.
    pub prefixed: bool,
    pub operations: &'static [Operation],
}

/// One method at a path.
pub struct Operation {
    pub method: Method,
    /// Unique; for paths with a kind, the kind's name is put after it.
    pub name: &'static str,
    pub summary: &'static str,
    pub query: &'static [Parameter],
    pub input: Input,
    pub output: Output,
    /// Statuses that are this operation's own; those that many share follow from the rest.
    pub refuses: &'static [u16],
    pub handle: Handler,
}

/// A parameter of the query.
pub struct Parameter {
    pub name: &'static str,
    pub about: &'static str,
    pub schema: fn() -> Value,
}

/// What a request brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    None,
    Document,
    Set,
    Creation,
    Description,
}

/// What a request that is done gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    Document,
    Set,
    Versions,
    Whole,
    Configuration,
    Configurations,
    Created,
    Updated,
    Deleted,
    Archived,
    Health,
    OpenApi,
    /// Text that is no JSON, of this media type.
    Text(&'static str),
}

impl Output {
    /// Whether the answer is JSON.
    pub fn is_json(self) -> bool {
        !matches!(self, Output::Text(_))
    }

    /// Whether the answer is to a write.
    pub fn is_write(self) -> bool {
        matches!(
            self,
            Output::Created | Output::Updated | Output::Deleted | Output::Archived
        )
    }
}

const MESSAGE: Parameter = Parameter {
    name: "message",
    about: "The commit's message; the default says what was done to which entry.",
    schema: || json!({"type": "string", "minLength": 1, "maxLength": 1000}),
};
const DRY_RUN: Parameter = Parameter {
    name: "dry_run",
    about: "Check everything, write nothing, and answer what would have changed.",
    schema: || json!({"type": "boolean", "default": false}),
};
const MODE: Parameter = Parameter {
    name: "mode",
    about: "replace: the body becomes the complete set. merge: its entries replace those of the same id or join.",
    schema: || json!({"type": "string", "enum": ["replace", "merge"], "default": "replace"}),
};
const LIMIT: Parameter = Parameter {
    name: "limit",
    about: "So many versions at most.",
    schema: || json!({"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE, "default": LARGEST_PAGE}),
};
const AFTER: Parameter = Parameter {
    name: "after",
    about: "Only versions that come after this one in the list.",
    schema: || json!({"type": "string"}),
};
const AUTHOR: Parameter = Parameter {
    name: "author",
    about: "Only versions with this in the author's name or address, whatever the case.",
    schema: || json!({"type": "string"}),
};
const SINCE: Parameter = Parameter {
    name: "since",
    about: "Only versions of this time or later (RFC 3339).",
    schema: || json!({"type": "string", "format": "date-time"}),
};
const UNTIL: Parameter = Parameter {
    name: "until",
    about: "Only versions of this time or earlier (RFC 3339).",
    schema: || json!({"type": "string", "format": "date-time"}),
};
const TEXT: Parameter = Parameter {
    name: "q",
    about: "Only versions with this in the message, whatever the case.",
    schema: || json!({"type": "string"}),
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
    let mut prefixes: Vec<&str> = prefixes
        .iter()
        .map(|prefix| prefix.trim_end_matches('/'))
        .collect();
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

impl Resource {
    /// The kinds that the path stands for; a path without one stands for itself.
    pub fn kinds(&self) -> Vec<Option<&'static Kind>> {
        if self.path.contains("{kind}") {
            KINDS.iter().copied().map(Some).collect()
        } else {
            vec![None]
        }
    }

    /// The path for one of these kinds.
    pub fn path_for(&self, kind: Option<&Kind>) -> String {
        self.path
            .replace("{kind}", kind.map_or("{kind}", |kind| kind.name))
    }

    /// The methods, as `Allow` lists them.
    pub fn allow(&self) -> String {
        let mut methods = Vec::new();
        for operation in self.operations {
            methods.push(operation.method.as_str());
            if operation.method == Method::GET {
                methods.push("HEAD");
            }
        }
        methods.push("OPTIONS");
        methods.join(", ")
    }

    fn register(&'static self, config: &mut ServiceConfig, prefix: &str) {
        for kind in self.kinds() {
            let mut resource = web::resource(prefix.to_owned() + &self.path_for(kind));
            for operation in self.operations {
                resource = resource.route(self.route(operation, &operation.method, kind));
                if operation.method == Method::GET {
                    resource = resource.route(self.route(operation, &Method::HEAD, kind));
                }
            }
            let options = web::method(Method::OPTIONS).to(
                move |request: HttpRequest, shared: web::Data<Shared>| async move {
                    let response = HttpResponse::NoContent()
                        .insert_header(("allow", self.allow()))
                        .finish();
                    self.with_version(response, &request, &shared)
                },
            );
            let other = web::to(
                move |request: HttpRequest, shared: web::Data<Shared>| async move {
                    let method = request.method().clone();
                    let failure = Failure::MethodNotAllowed {
                        method,
                        allow: self.allow(),
                    };
                    self.with_version(
                        failure.into_response(accept::read(&request).problem),
                        &request,
                        &shared,
                    )
                },
            );
            config.service(resource.route(options).default_service(other));
        }
    }

    fn route(
        &'static self,
        operation: &'static Operation,
        method: &Method,
        kind: Option<&'static Kind>,
    ) -> actix_web::Route {
        web::method(method.clone()).to(
            move |request: HttpRequest, payload: web::Payload, shared: web::Data<Shared>| async move {
                let reply =
                    match Call::read(&request, payload, shared.clone(), kind, self.path, operation).await {
                        Ok(call) => (operation.handle)(call).await,
                        Err(failure) => Err(failure),
                    };
                let response = match reply {
                    Ok(answer) => answer.into_response(),
                    Err(failure) => failure.into_response(accept::read(&request).problem),
                };
                self.with_version(response, &request, &shared)
            },
        )
    }

    /// Every answer about a configuration tells its version; one that was found wrong before the configuration was
    /// looked at tells the newest.
    fn with_version(
        &self,
        mut response: HttpResponse,
        request: &HttpRequest,
        shared: &Shared,
    ) -> HttpResponse {
        if !response.headers().contains_key(REVCONF_VERSION)
            && let Some(name) = request.match_info().get("config")
            && let Some(version) = shared.registry.version_of(name)
            && let Ok(value) = version.to_string().parse()
        {
            response.headers_mut().insert(
                actix_web::http::header::HeaderName::from_static(REVCONF_VERSION),
                value,
            );
        }
        response
    }
}
