//! The settings: built-in defaults, then a file, then the environment, then the command line.
//!
//! - `tables`: what can be set, a type for each table of `config/default.toml`; `mirror`: the one that may be there
//!   more than once
//! - `read`: from where they come; `text`: texts, which the environment does not quote
//! - `check`: what a type cannot say: ranges, spellings, and what needs what

mod check;
mod mirror;
mod read;
mod tables;
mod text;

pub use check::PAGES;
pub use mirror::{Archives, Direction, Mirror};
pub use read::{Flags, SettingsError};
pub use tables::{
    Access, Audit, Azure, Commits, Git, Http, Journal, Limits, Log, LogFormat, LogLevel, Settings, Tls, path,
};
