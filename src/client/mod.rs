//! The program as a client of the service, for people at a terminal and for their scripts.
//!
//! It knows the API and nothing of what is behind it: whatever it does, another client could do as well.

mod address;
mod apply;
mod changes;
mod command;
mod diff;
mod failure;
mod files;
mod follow;
mod options;
mod output;
mod read;
mod service;
mod transaction;
mod write;

pub use command::{Command, run};
pub use failure::Failure;
pub use service::key;
