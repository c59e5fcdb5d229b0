//! HTTP: what a client sees. Routes, conditional requests, and the one table from error to status.
//!
//! - [`routes`]: every route, in one table; the description of the API is made of it, too. [`route`]: what a route is
//! - [`call`]: a request as handlers see it; [`query`], [`preconditions`], [`accept`]: its parts
//! - [`authentication`]: what a request shows of who asks; [`admission`]: whether they may ([`needs`]), and how often
//!   ([`limits`])
//! - [`body`]: what comes with it; [`crowd`]: how many there may be at a time; [`waiting`]: reads that are held until
//!   something changes
//! - [`answer`], [`failure`], [`shape`], [`headers`]: what goes back; [`sending`]: how
//! - [`moment`]: which state a read asks for
//! - [`configurations`], [`sets`], [`entries`], [`versions`], [`events`], [`releases`], [`transactions`], [`merges`]:
//!   the handlers; [`backends`], [`filter`]: those of Azure's dialect; [`mirrors`], [`webhook`]: other git servers;
//!   [`git`]: the door for git's clients
//! - [`service`]: health, metrics, documentation; [`openapi`]: the description of the API
//! - [`intent`]: whether a request may change something
//! - [`edge`]: what surrounds every request; [`log`]: one line for each; [`trail`]: the audit trail's records
//! - [`server`]: the listening server; [`tls`]: its certificates

pub mod accept;
pub mod admission;
pub mod answer;
pub mod authentication;
pub mod backends;
pub mod body;
pub mod call;
pub mod configurations;
pub mod crowd;
pub mod edge;
pub mod entries;
pub mod events;
pub mod failure;
pub mod filter;
pub mod git;
pub mod headers;
pub mod intent;
pub mod limits;
pub mod log;
pub mod merges;
pub mod mirrors;
pub mod moment;
pub mod needs;
pub mod openapi;
pub mod preconditions;
pub mod query;
pub mod releases;
pub mod route;
pub mod routes;
pub mod sending;
pub mod server;
pub mod service;
pub mod sets;
pub mod shape;
pub mod tls;
pub mod trail;
pub mod transactions;
pub mod versions;
pub mod waiting;
pub mod webhook;
