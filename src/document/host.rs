//! What may stand where a document names a host.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::rule::{Rule, Shape};

/// A host, wherever a document names one.
pub const RULE: Rule = Rule::Text {
    min: 1,
    max: 255,
    shape: Some(Shape {
        about: "A host name (RFC 1123, underscores allowed) or an IPv4 or IPv6 address.",
        check,
    }),
};

/// Accepts an IPv4 or IPv6 address, or a host name by RFC 1123 section 2.1 (underscores allowed, as service names have
/// them).
///
/// # Errors
/// What is wrong, in words for the person who wrote it.
pub fn check(host: &str) -> Result<(), String> {
    if host.parse::<Ipv4Addr>().is_ok() || host.parse::<Ipv6Addr>().is_ok() {
        return Ok(());
    }
    if host.contains("://") {
        return Err("must be a bare host name or address, without a scheme such as http://".to_owned());
    }
    if host.contains('/') {
        return Err("must be a bare host name or address, without a path".to_owned());
    }
    if host.contains(':') || host.starts_with('[') {
        return Err("must be a bare host name or address, without a port (an IPv6 address has no brackets)"
            .to_owned());
    }
    for label in host.split('.') {
        check_label(label)?;
    }
    // Such a name is taken for an IPv4 address by resolvers (RFC 1123 section 2.1 tells them apart by the last label).
    if host.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit())) {
        return Err("looks like an IPv4 address but is not one".to_owned());
    }
    Ok(())
}

fn check_label(label: &str) -> Result<(), String> {
    if label.is_empty() {
        return Err("must not have an empty part between, before or after dots".to_owned());
    }
    if !label.is_ascii() {
        return Err("must be ASCII; write an internationalised name in its xn-- form".to_owned());
    }
    if let Some(bad) = label.chars().find(|c| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_')) {
        return Err(format!("must not contain {bad:?}"));
    }
    if label.len() > 63 {
        return Err(format!(
            "each part between dots has at most 63 characters, {label:?} has {}",
            label.len()
        ));
    }
    if label.starts_with('-') || label.ends_with('-') {
        return Err(format!("a part between dots must not begin or end with a hyphen, as {label:?} does"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn hosts_that_are_allowed() {
        let long = format!("{}.example", "a".repeat(63));
        for host in
            ["text", "a.b-c.example.com", "my_svc", "1a", "3com.com", "10.0.0.1", "::1", "fe80::1", &long]
        {
            assert_eq!(check(host), Ok(()), "{host}");
        }
    }

    #[test]
    fn hosts_that_are_refused() {
        let long = format!("{}.example", "a".repeat(64));
        for host in [
            "",
            "http://a",
            "a/b",
            "a:80",
            "[::1]",
            "a b",
            "-a",
            "a-",
            "a..b",
            ".a",
            "a.",
            "256.0.0.1",
            "1.2.3",
            "7",
            "bücher.de",
            "a%2Fb",
            "*",
            &long,
        ] {
            assert!(check(host).is_err(), "{host}");
        }
    }
}
