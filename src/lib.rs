//! revconf keeps the configuration of back-ends behind reverse proxies in a git repository, and serves it by REST.
//!
//! The house, from the outside in; no module uses one above it:
//!
//! - [`document`]: the kinds of documents and their rules

pub mod document;
