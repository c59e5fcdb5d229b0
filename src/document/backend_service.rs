//! Backend services, as Reblaze's API v4.0 has them.

use super::fault::{FaultKind, Faults};
use super::host;
use super::kind::Kind;
use super::rule::{Absent, Field, Record, Rule, Shape, Texts};

/// The kind of `/conf/{config}/backend-services`.
pub static KIND: Kind = Kind {
    name: "backend-services",
    singular: "backend service",
    plural: "backend services",
    schema_name: "BackendService",
    record: &SERVICE,
};

/// Alphabetical, as the API's own examples print them.
static SERVICE: Record = Record {
    fields: &[
        Field {
            name: "back_hosts",
            rule: Rule::List {
                of: &Rule::Object(&BACK_HOST),
                max: 1000,
                distinct: false,
                null_is_none: true,
            },
            absent: Absent::Wholes(&[]),
            about: "The hosts that requests are balanced over.",
        },
        Field { name: "description", rule: text(0, 4096), absent: Absent::Text(""), about: "For people." },
        Field { name: "http11", rule: Rule::Flag, absent: Absent::Flag(true), about: "Use HTTP/1.1." },
        Field {
            name: "id",
            rule: Rule::Id,
            absent: Absent::Known,
            about: "The name within the set; may be left out where the path names it.",
        },
        Field {
            name: "least_conn",
            rule: Rule::Flag,
            absent: Absent::Flag(false),
            about: "Prefer the host with the fewest connections.",
        },
        Field {
            name: "mtls_certificate",
            rule: text(0, usize::MAX),
            absent: Absent::Omitted,
            about: "The certificate shown to the hosts; left out while empty.",
        },
        Field {
            name: "mtls_trusted_certificate",
            rule: text(0, usize::MAX),
            absent: Absent::Omitted,
            about: "The certificate that the hosts' certificates are checked with; left out while empty.",
        },
        Field { name: "name", rule: text(1, 256), absent: Absent::Refused, about: "For people." },
        Field {
            name: "sticky",
            rule: Rule::Choice(&["none", "autocookie", CUSTOM_COOKIE, "iphash", "least_conn"]),
            absent: Absent::Text("none"),
            about: "Load balancing stickiness model.",
        },
        Field {
            name: "sticky_cookie_name",
            rule: Rule::Text {
                min: 0,
                max: usize::MAX,
                shape: Some(Shape {
                    about: "A cookie name (RFC 6265 section 4.1.1), or empty.",
                    check: cookie_name,
                }),
            },
            absent: Absent::Text(""),
            about: "The cookie's name where sticky is customcookie.",
        },
        Field {
            name: "transport_mode",
            rule: Rule::Choice(&["default", "http", "https", "port_bridge"]),
            absent: Absent::Text("default"),
            about: "Whether hosts are reached as the request came in, always by HTTP, always by HTTPS, or on the port \
                    that the request came to.",
        },
    ],
    agree: custom_cookie_has_a_name,
};

static BACK_HOST: Record = Record {
    fields: &[
        Field {
            name: "backup",
            rule: Rule::Flag,
            absent: Absent::Flag(false),
            about: "Used only when others fail.",
        },
        Field { name: "down", rule: Rule::Flag, absent: Absent::Flag(false), about: "Taken out of service." },
        Field {
            name: "fail_timeout",
            rule: Rule::Whole { min: 0, max: 86_400 },
            absent: Absent::Whole(10),
            about: "Seconds in which failures are counted, and for which the host then rests.",
        },
        Field {
            name: "host",
            rule: host::RULE,
            absent: Absent::Refused,
            about: "Where requests go; without scheme, port or path.",
        },
        Field { name: "http_ports", rule: PORTS, absent: Absent::Wholes(&[80]), about: "Ports for HTTP." },
        Field { name: "https_ports", rule: PORTS, absent: Absent::Wholes(&[443]), about: "Ports for HTTPS." },
        Field {
            name: "max_fails",
            rule: SIXTEEN_BITS,
            absent: Absent::Whole(0),
            about: "Failures after which the host rests; 0 never.",
        },
        Field {
            name: "monitor_state",
            rule: text(0, 256),
            absent: Absent::Text(""),
            about: "Set by monitoring.",
        },
        Field {
            name: "weight",
            rule: SIXTEEN_BITS,
            absent: Absent::Whole(1),
            about: "Share of the requests.",
        },
    ],
    agree: |_, _| {},
};

const CUSTOM_COOKIE: &str = "customcookie";
const SIXTEEN_BITS: Rule = Rule::Whole { min: 0, max: 65_535 };
const PORTS: Rule =
    Rule::List { of: &Rule::Whole { min: 1, max: 65_535 }, max: 65_535, distinct: true, null_is_none: false };

const fn text(min: usize, max: usize) -> Rule {
    Rule::Text { min, max, shape: None }
}

/// A token (RFC 9110 section 5.6.2), which is what RFC 6265 section 4.1.1 makes a cookie's name.
fn cookie_name(name: &str) -> Result<(), String> {
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    match name.chars().find(|c| !token(*c)) {
        Some(bad) => Err(format!("must be a cookie name, without {bad:?}")),
        None => Ok(()),
    }
}

fn custom_cookie_has_a_name(text: &Texts<'_, '_>, faults: &mut Faults) {
    if text("sticky") == Some(CUSTOM_COOKIE) && text("sticky_cookie_name") == Some("") {
        faults.within("sticky_cookie_name", |faults| {
            faults.add(FaultKind::Missing, "must name the cookie, since sticky is customcookie");
        });
    }
}
