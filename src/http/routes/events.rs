//! Following what happens.

use actix_web::http::Method;

use super::parameters::EVENTS;
use crate::access::Role;
use crate::http::events;
use crate::http::needs::Needs;
use crate::http::route::{Input, Kinds, Operation, Output, Resource};
use crate::http::shape::Dialect;

pub static RESOURCES: &[Resource] = &[Resource {
    path: "/conf/{config}/events",
    prefixed: true,
    kinds: Kinds::None,
    dialect: Dialect::Own,
    operations: &[Operation {
        method: Method::GET,
        name: "follow",
        needs: Needs::Role(Role::Reader),
        summary: "Follow a configuration: one event for each commit, whose id is the version that it made",
        query: EVENTS,
        input: Input::None,
        output: Output::Events,
        refuses: &[404],
        handle: |call| Box::pin(events::follow(call)),
    }],
}];
