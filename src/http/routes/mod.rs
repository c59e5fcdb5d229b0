//! Every route, in one table. Routing, `Allow`, `OPTIONS` and the description of the API all follow from it.

mod backends;
mod configurations;
mod documents;
mod events;
mod git;
mod mirrors;
mod parameters;
mod releases;
mod service;
mod transactions;
mod versions;

use std::borrow::Cow;
use std::sync::Arc;

use percent_encoding::percent_decode_str;

use super::route::Resource;
use super::shape::Dialect;
use crate::document::Kind;

/// Every resource. What comes first is matched first.
pub fn all() -> impl Iterator<Item = &'static Resource> {
    [
        configurations::RESOURCES,
        events::RESOURCES,
        releases::RESOURCES,
        transactions::RESOURCES,
        versions::RESOURCES,
        documents::RESOURCES,
        backends::RESOURCES,
        mirrors::RESOURCES,
        service::RESOURCES,
        git::RESOURCES,
    ]
    .into_iter()
    .flatten()
}

/// Where each path leads. The framework's own routing tries one regular expression after the other, which took two
/// fifths of a read's time.
pub struct Table(Vec<Path>);

/// A path that leads somewhere.
pub struct Path {
    pub resource: &'static Resource,
    /// The kind that the path is about, if it is about one.
    pub kind: Option<&'static Kind>,
    /// The path with the names of its parameters, and its prefix.
    pub pattern: Arc<str>,
    parts: Vec<Part>,
}

enum Part {
    Text(String),
    Parameter,
}

impl Table {
    /// Every path under each prefix.
    pub fn new(prefixes: &[String]) -> Self {
        // The prefix of nothing covers everything, so it comes last.
        let mut prefixes: Vec<&str> = prefixes.iter().map(String::as_str).collect();
        prefixes.sort_by_key(|prefix| prefix.is_empty());
        let below = prefixes.iter().flat_map(|prefix| {
            all().filter(|resource| resource.prefixed).map(move |resource| (*prefix, resource))
        });
        let at_root = all().filter(|resource| !resource.prefixed).map(|resource| ("", resource));
        let paths = below.chain(at_root).flat_map(|(prefix, resource)| {
            resource.each().into_iter().map(move |kind| Path::new(prefix, resource, kind))
        });
        Table(paths.collect())
    }

    /// Where a path leads that came from a client, percent-encoded.
    pub fn find(&self, path: &str) -> Option<&Path> {
        let parts: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        self.0.iter().find(|candidate| candidate.matches(&parts))
    }
}

impl Path {
    fn new(prefix: &str, resource: &'static Resource, kind: Option<&'static Kind>) -> Self {
        let pattern = prefix.to_owned() + &resource.path_for(kind);
        let part = |part: &str| match part.starts_with('{') {
            true => Part::Parameter,
            false => Part::Text(part.to_owned()),
        };
        let parts = pattern.split('/').skip(1).map(part).collect();
        Path { resource, kind, pattern: pattern.into(), parts }
    }

    fn matches(&self, parts: &[&str]) -> bool {
        let is = |(part, text): (&Part, &&str)| match part {
            Part::Parameter => !text.is_empty(),
            Part::Text(wanted) => wanted == text || text.contains('%') && decoded(text) == wanted.as_str(),
        };
        // What tells paths apart stands at their ends more often than at their beginnings.
        self.parts.len() == parts.len() && self.parts.iter().zip(parts).rev().all(is)
    }
}

/// RFC 3986 section 6.2.2.2: a letter may come as its code.
fn decoded(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

/// Whose words a path's failures are told in, be it a route or not.
pub fn dialect_of(path: &str, prefixes: &[String]) -> Dialect {
    if path.strip_prefix("/git").is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
        return Dialect::Git;
    }
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
    fn paths_lead_where_the_table_says() {
        let table = Table::new(&["/api/v4.0".to_owned(), String::new()]);
        for (path, pattern) in [
            ("/conf/prod/backend-services", "/conf/{config}/backend-services"),
            ("/api/v4.0/conf/prod/backends/a%2Fb", "/api/v4.0/conf/{config}/backends/{id}"),
            ("/c%6Fnf/configs/prod", "/conf/configs/{config}"),
            ("/conf/prod/backends/versions", "/conf/{config}/backends/versions"),
            ("/metrics", "/metrics"),
        ] {
            assert_eq!(table.find(path).map(|found| &*found.pattern), Some(pattern), "{path}");
        }
        for path in
            ["", "*", "/", "//", "/conf", "/conf/prod/backends/", "/conf//backends", "/api/v4.0/metrics"]
        {
            assert!(table.find(path).is_none(), "{path}");
        }
    }

    #[test]
    fn failures_speak_the_dialect_of_their_path() {
        let prefixes = ["/api/v4.0".to_owned(), String::new()];
        for azure in
            ["/backends", "/backends/", "/backends/a/b", "/conf/prod/backends/a", "/api/v4.0/conf/p/backends"]
        {
            assert_eq!(dialect_of(azure, &prefixes), Dialect::Azure, "{azure}");
        }
        for git in ["/git", "/git/info/refs", "/git/objects/info/packs"] {
            assert_eq!(dialect_of(git, &prefixes), Dialect::Git, "{git}");
        }
        for own in [
            "/",
            "/gitlab",
            "/conf/prod/backend-services",
            "/conf/backends",
            "/conf/prod/backends/a/versions",
            "/backends/versions",
        ] {
            assert_eq!(dialect_of(own, &prefixes), Dialect::Own, "{own}");
        }
    }
}
