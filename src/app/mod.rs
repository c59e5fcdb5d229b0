//! The only place that joins the parts: settings, log, metrics, registry and server.
//!
//! - `serve`: the service, from its start to its end; `listening`: where, and for how many at a time
//! - `doors`: who comes in, as the settings have it; `mirrors`: other git servers, likewise; `open`: the registry, likewise
//! - `log`, `metrics`: what operators see
//! - `once`: what is done without serving, by a process that ends when it is done

mod doors;
mod listening;
mod log;
mod metrics;
mod mirrors;
mod once;
mod open;
mod serve;

use serde_json::Value;

use crate::http::openapi;
use crate::settings::Settings;

pub use log::start as start_log;
pub use once::{backup, check, deliver, hook, import, restore};
pub use serve::serve;

/// The description of the API as these settings have it.
pub fn description(settings: &Settings) -> Value {
    openapi::document(&settings.http.prefixes)
}
