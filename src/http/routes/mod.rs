//! Every route, in one table. Routing, `Allow`, `OPTIONS` and the description of the API all follow from it.

mod backends;
mod configurations;
mod documents;
mod parameters;
mod service;
mod versions;

use actix_web::web::ServiceConfig;

use super::route::Resource;
use super::shape::Dialect;

/// Every resource. What comes first is matched first.
pub fn all() -> impl Iterator<Item = &'static Resource> {
    [
        configurations::RESOURCES,
        versions::RESOURCES,
        documents::RESOURCES,
        backends::RESOURCES,
        service::RESOURCES,
    ]
    .into_iter()
    .flatten()
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
pub fn dialect_of(path: &str, prefixes: &[String]) -> Dialect {
    let below = |prefix: &String| path.strip_prefix(prefix.as_str()).filter(|rest| rest.starts_with('/'));
    let azure = prefixes.iter().filter_map(below).chain([path]).any(|path| {
        let mut parts = path.split('/').skip(1);
        let first = parts.next();
        let kind = match (first, parts.clone().next()) {
            (Some("conf"), Some("configs")) => None,
            (Some("conf"), _) => parts.nth(1),
            _ => first,
        };
        // The versions of backends are told like those of all kinds.
        kind == Some(backends::BACKENDS) && !parts.any(|part| part == "versions")
    });
    if azure { Dialect::Azure } else { Dialect::Own }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_speak_the_dialect_of_their_path() {
        let prefixes = ["/api/v4.0".to_owned(), String::new()];
        for azure in
            ["/backends", "/backends/", "/backends/a/b", "/conf/prod/backends/a", "/api/v4.0/conf/p/backends"]
        {
            assert_eq!(dialect_of(azure, &prefixes), Dialect::Azure, "{azure}");
        }
        for own in [
            "/",
            "/conf/prod/backend-services",
            "/conf/backends",
            "/conf/prod/backends/a/versions",
            "/backends/versions",
        ] {
            assert_eq!(dialect_of(own, &prefixes), Dialect::Own, "{own}");
        }
    }
}
