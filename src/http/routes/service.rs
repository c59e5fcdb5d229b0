//! The service's own pages.

use actix_web::http::Method;

use crate::http::needs::Needs;
use crate::http::route::{Input, Kinds, Operation, Output, Resource};
use crate::http::service;
use crate::http::shape::Dialect;

/// What comes first is matched first.
pub static RESOURCES: &[Resource] = &[
    Resource {
        path: "/health/live",
        prefixed: false,
        kinds: Kinds::None,
        dialect: Dialect::Own,
        operations: &[Operation {
            method: Method::GET,
            name: "live",
            needs: Needs::Nothing,
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
        kinds: Kinds::None,
        dialect: Dialect::Own,
        operations: &[Operation {
            method: Method::GET,
            name: "ready",
            needs: Needs::Nothing,
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
        kinds: Kinds::None,
        dialect: Dialect::Own,
        operations: &[Operation {
            method: Method::GET,
            name: "metrics",
            needs: Needs::Something,
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
        kinds: Kinds::None,
        dialect: Dialect::Own,
        operations: &[Operation {
            method: Method::GET,
            name: "openapi",
            needs: Needs::Something,
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
        kinds: Kinds::None,
        dialect: Dialect::Own,
        operations: &[Operation {
            method: Method::GET,
            name: "docs",
            needs: Needs::Something,
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
        kinds: Kinds::None,
        dialect: Dialect::Own,
        operations: &[Operation {
            method: Method::GET,
            name: "docs_file",
            needs: Needs::Something,
            summary: "A part of that page",
            query: &[],
            input: Input::None,
            output: Output::Text("*/*"),
            refuses: &[404],
            handle: |call| Box::pin(service::docs(call)),
        }],
    },
];
