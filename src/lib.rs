//! revconf keeps the configuration of back-ends behind reverse proxies in a git repository, and serves it by REST.
//!
//! The house, from the outside in; no module uses one above it:
//!
//! - [`registry`]: what can be done with configurations
//! - [`format`](mod@format): how documents lie in a tree as files
//! - [`document`]: the kinds of documents and their rules
//! - [`ledger`]: branches, commits and atomic batches in a git repository

pub mod document;
pub mod format;
pub mod ledger;
pub mod registry;
