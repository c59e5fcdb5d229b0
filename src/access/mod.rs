//! Who may do what: principals, their roles, and how they show who they are. Knows neither HTTP nor git.
//!
//! - [`role`]: what a principal may do, and where; [`principals`]: who there is, as the principals' file says it
//! - [`key`], [`signature`]: two of the things that can be shown; [`credential`]: all of them
//! - [`gate`]: holds what is shown against the principals; [`file`](mod@file): reads their file again when it changes
//! - [`limit`]: how often something may happen; [`address`]: what counts as one address
//! - [`webhook`]: secrets that other servers share with this one
//! - [`audit`]: the trail of who did what

pub mod address;
pub mod audit;
pub mod credential;
pub mod file;
pub mod gate;
pub mod key;
pub mod limit;
pub mod principals;
pub mod role;
pub mod signature;
pub mod webhook;

pub use credential::{Credential, Way};
pub use gate::{Caller, Denial, Gate};
pub use principals::Principal;
pub use role::{Grant, Role};
