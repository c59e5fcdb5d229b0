//! Other git servers.

use actix_web::http::Method;

use crate::http::mirrors;
use crate::http::needs::Needs;
use crate::http::route::{Input, Kinds, Operation, Output, Resource};
use crate::http::shape::Dialect;

/// What comes first is matched first.
pub static RESOURCES: &[Resource] = &[
    Resource {
        path: "/mirrors",
        prefixed: false,
        kinds: Kinds::None,
        dialect: Dialect::Own,
        operations: &[Operation {
            method: Method::GET,
            name: "list_mirrors",
            needs: Needs::Something,
            summary: "How it goes with each mirror whose configurations one may read",
            query: &[],
            input: Input::None,
            output: Output::Mirrors,
            refuses: &[],
            handle: |call| Box::pin(mirrors::list(call)),
        }],
    },
    Resource {
        path: "/mirrors/{id}/hook",
        prefixed: false,
        kinds: Kinds::None,
        dialect: Dialect::Own,
        operations: &[Operation {
            method: Method::POST,
            name: "call_mirror",
            needs: Needs::Secret,
            summary: "Look now whether there is something new to follow; any body is taken, signed by the mirror's secret, \
                      or from an editor of the configuration",
            query: &[],
            input: Input::None,
            output: Output::Noted,
            refuses: &[404],
            handle: |call| Box::pin(mirrors::call(call)),
        }],
    },
];
