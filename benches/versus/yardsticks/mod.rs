//! What the service is measured against.
//!
//! - [`append`]: one synced append, the least that a durable write can cost
//! - [`fast_import`], [`git_commit`]: git itself
//! - [`static_answer`], [`nginx`]: bytes that are just sent
//! - [`etcd`]: another store of configurations

pub mod append;
pub mod etcd;
pub mod fast_import;
pub mod git_commit;
pub mod nginx;
pub mod static_answer;
