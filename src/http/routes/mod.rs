//! Every route, in one table. Routing, `Allow`, `OPTIONS` and the description of the API all follow from it.

mod configurations;
mod documents;
mod parameters;
mod service;

use actix_web::web::ServiceConfig;

use super::route::Resource;
use super::shape::Dialect;

/// Every resource. What comes first is matched first.
pub fn all() -> impl Iterator<Item = &'static Resource> {
    [configurations::RESOURCES, documents::RESOURCES, service::RESOURCES].into_iter().flatten()
}

/// Puts the table into a server's routing.
pub fn register(config: &mut ServiceConfig, prefixes: &[String]) {
    // The prefix of nothing covers everything, so it comes last.
    let mut prefixes: Vec<&str> = prefixes.iter().map(String::as_str).collect();
    prefixes.sort_by_key(|prefix| prefix.is_empty());
    for prefix in prefixes {
        all().filter(|resource| resource.prefixed).for_each(|resource| resource.register(config, prefix));
    }
    all().filter(|resource| !resource.prefixed).for_each(|resource| resource.register(config, ""));
}

/// Whose words a path's failures are told in, be it a route or not.
pub fn dialect_of(_path: &str) -> Dialect {
    Dialect::Own
}
