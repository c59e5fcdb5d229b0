//! What is wrong with settings that can be read: ranges, spellings, and what needs what.

use std::path::PathBuf;

use super::tables::{Settings, path};

/// Pages that may be public. They tell nothing of what is stored, but something of what runs.
pub const PAGES: [&str; 3] = ["/docs", "/openapi.json", "/metrics"];

/// In seconds: the longest that what was found right is taken for right.
const HOUR: u64 = 3_600;

/// In seconds: clients take a longer silence for a connection that is lost.
const LONGEST_HEARTBEAT: u64 = 100;

/// In seconds: the longest that a connection or a stop may take.
const DAY: u64 = 86_400;

/// All that is wrong.
pub fn faults(settings: &Settings) -> Vec<String> {
    let mut faults = wrong_lists(settings);
    faults.extend(wrong_numbers(settings));
    faults.extend(wrong_pairs(settings));
    faults
}

fn wrong_lists(settings: &Settings) -> Vec<String> {
    let Settings { http, access, .. } = settings;
    let mut faults = Vec::new();
    faults.extend(http.prefixes.iter().filter(|prefix| !is_prefix(prefix)).map(|bad| {
        format!(
            "http.prefixes has {bad:?}; a prefix is empty, or begins with a slash and does not end in one"
        )
    }));
    faults.extend(http.cors_origins.iter().filter(|origin| !is_origin(origin)).map(|bad| {
        format!("http.cors_origins has {bad:?}; an origin looks like https://console.example.org")
    }));
    faults.extend(
        access
            .public
            .iter()
            .filter(|page| !PAGES.contains(&page.as_str()))
            .map(|bad| format!("access.public has {bad:?}; what can be public is {}", PAGES.join(", "))),
    );
    let headers = [
        ("access.proxy_user", &access.proxy_user),
        ("access.proxy_email", &access.proxy_email),
        ("access.proxy_address", &access.proxy_address),
    ];
    let bad = headers.into_iter().filter(|(_, header)| !header.is_empty() && !is_header(header));
    faults.extend(bad.map(|(key, bad)| format!("{key} is {bad:?}, which is no header's name")));
    faults
}

fn wrong_numbers(settings: &Settings) -> Vec<String> {
    let Settings { http, commits, journal, access, limits, audit, git, .. } = settings;
    let ranges = [
        ("http.workers", http.workers as u64, 0, 1024),
        ("http.max_body", http.max_body as u64, 1, 1 << 40),
        ("http.body_memory", http.body_memory as u64, 1 << 20, 1 << 40),
        // The framework itself reads no longer ones.
        ("http.max_uri", http.max_uri as u64, 1, 65_534),
        ("http.max_connections", http.max_connections as u64, 1, 1 << 20),
        ("http.client_timeout", http.client_timeout, 1, DAY),
        ("http.body_timeout", http.body_timeout, 1, DAY),
        ("http.send_timeout", http.send_timeout, 1, DAY),
        ("http.keep_alive", http.keep_alive, 1, DAY),
        ("http.heartbeat", http.heartbeat, 1, LONGEST_HEARTBEAT),
        ("http.shutdown_timeout", http.shutdown_timeout, 0, DAY),
        ("journal.size", journal.size, 1, 1 << 40),
        ("journal.period", journal.period, 1, DAY),
        ("commits.queue", commits.queue as u64, 1, 1 << 20),
        ("commits.batch", commits.batch as u64, 1, 1 << 20),
        ("access.remember", access.remember, 0, HOUR),
        ("access.guesses", access.guesses.into(), 1, 1 << 20),
        ("limits.principal", limits.principal.into(), 0, 1 << 20),
        ("limits.address", limits.address.into(), 0, 1 << 20),
        ("limits.burst", limits.burst.into(), 1, 1 << 20),
        ("audit.size", audit.size, 1, 1 << 40),
        ("audit.keep", audit.keep as u64, 0, 1000),
        ("git.processes", git.processes as u64, 1, 1024),
        ("git.timeout", git.timeout, 1, DAY),
        ("git.max_push", git.max_push, 1, 1 << 40),
    ];
    let wrong = ranges.into_iter().filter(|(_, found, min, max)| !(min..=max).contains(&found));
    wrong.map(|(name, found, min, max)| format!("{name} must be from {min} to {max}, not {found}")).collect()
}

/// Settings that mean nothing, or something dangerous, without another.
fn wrong_pairs(settings: &Settings) -> Vec<String> {
    let Settings { access, tls, audit, .. } = settings;
    let set = |setting: &PathBuf| path(setting).is_some();
    let named = !access.proxy_user.is_empty();
    let needs = [
        ("tls.certificate", set(&tls.certificate), "tls.key", set(&tls.key)),
        ("tls.key", set(&tls.key), "tls.certificate", set(&tls.certificate)),
        ("tls.client_ca", set(&tls.client_ca), "tls.certificate", set(&tls.certificate)),
        ("tls.client_ca", set(&tls.client_ca), "access.principals", set(&access.principals)),
        ("access.proxy_user", named, "access.principals", set(&access.principals)),
        ("access.proxy_user", named, "access.proxies", !access.proxies.is_empty()),
        ("access.proxy_email", !access.proxy_email.is_empty(), "access.proxy_user", named),
        ("access.proxy_roles", !access.proxy_roles.is_empty(), "access.proxy_user", named),
        (
            "access.proxy_address",
            !access.proxy_address.is_empty(),
            "access.proxies",
            !access.proxies.is_empty(),
        ),
        ("audit.required", audit.required, "audit.file", set(&audit.file)),
    ];
    let missing = needs.into_iter().filter(|(_, first, _, second)| *first && !second);
    missing.map(|(first, _, second, _)| format!("{first} is set, and needs {second}")).collect()
}

/// Nothing, or a path without an end that would double a slash, and without what routing gives a meaning.
fn is_prefix(prefix: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/-._~".contains(c);
    prefix.is_empty()
        || prefix.starts_with('/')
            && !prefix.ends_with('/')
            && !prefix.contains("//")
            && prefix.chars().all(plain)
}

/// Scheme, host and port (RFC 6454 section 6.2).
fn is_origin(origin: &str) -> bool {
    let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    let plain = |c: char| c.is_ascii_alphanumeric() || "-.:[]_".contains(c);
    host.is_some_and(|host| !host.is_empty() && host.chars().all(plain))
}

/// A token (RFC 9110 section 5.6.2).
fn is_header(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
}
