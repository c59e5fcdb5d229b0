//! revconf keeps the configuration of back-ends behind reverse proxies in a git repository, and serves it by REST.
//!
//! The house, from the outside in; no module uses one above it:
//!
//! - [`app`] joins the parts
//! - [`http`]: routes, conditional requests, errors as answers
//! - [`registry`]: what can be done with configurations
//! - [`format`](mod@format): how documents lie in a tree as files
//! - [`document`]: the kinds of documents and their rules
//! - [`ledger`]: branches, commits and atomic batches in a git repository
//! - [`access`]: who may do what
//! - [`settings`]: what can be set; knows nothing else
//! - [`client`]: the other side: commands that ask a service; knows nothing of the house but its API

pub mod access;
pub mod app;
pub mod client;
pub mod document;
pub mod format;
pub mod http;
pub mod ledger;
pub mod registry;
pub mod settings;
