//! Every route of `/openapi.json`, with every method, asked by everybody: so that none is forgotten.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Principals, WEB, new_key, words};
use crate::support::documents::service;
use crate::support::{Answer, Client};

const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"];
/// No write with it is ever done, so that the next finds all as it was.
const STALE: &str = "\"0123456789012345678901234567890123456789\"";

/// Who asks, and what they have for `prod`.
const READER: usize = 1;
const EDITOR: usize = 2;
const ADMIN: usize = 3;

/// What the contract says that a request needs: nobody, anybody who is known and has some role, or a role.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Needed {
    Nothing,
    Anything,
    Role(usize),
}

fn needed(template: &str, method: &str, documented: bool) -> Needed {
    if template.starts_with("/health/") {
        return Needed::Nothing;
    }
    let about_documents = template.starts_with("/backends") || template.contains("{config}");
    if !about_documents {
        return Needed::Anything;
    }
    // What cannot be done is told to those who may look.
    if !documented || ["GET", "HEAD", "OPTIONS"].contains(&method) {
        return Needed::Role(READER);
    }
    let itself = template == "/conf/configs/{config}"
        || method == "DELETE" && template == "/conf/configs/{config}/releases/{release}";
    Needed::Role(if itself { ADMIN } else { EDITOR })
}

fn name(role: usize) -> &'static str {
    ["", "reader", "editor", "admin"][role]
}

fn path(template: &str, config: &str, version: &str) -> String {
    template
        .replace("{config}", config)
        .replace("{id}", "web")
        .replace("{version}", version)
        .replace("{release}", "v1")
        .replace("{file}", "swagger-ui.css")
}

#[track_caller]
fn ask(client: &Client, method: &str, path: &str) -> Answer {
    let request = client.request(method, path).if_match(STALE);
    let request = if ["POST", "PUT", "PATCH"].contains(&method) {
        request.header("Content-Type", "application/json").body("{")
    } else {
        request
    };
    request.send()
}

/// All that an answer tells, but for what differs with every request and the configuration's name.
fn told(answer: &Answer, config: &str) -> String {
    let mut headers: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| !["date", "x-request-id", "content-length"].contains(&name.as_str()))
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    headers.sort();
    let body = answer.text().replace(&format!("\"{config}\""), "NAME");
    let body = body.replace(&format!("\\\"{config}\\\""), "NAME");
    format!("{}\n{}\n{body}", answer.status, headers.join("\n"))
}

#[test]
fn every_route_asks_everybody_for_what_the_contract_says() {
    let everybody = [
        new_key("foreign", &["admin=other-*"], &[]),
        new_key("reader", &["reader=pro*"], &[]),
        new_key("editor", &["editor=prod"], &[]),
        new_key("admin", &["reader=x", "admin=prod"], &[]),
        new_key("roleless", &[], &[]),
    ];
    let principals = Principals::of(&everybody.iter().collect::<Vec<_>>());
    let server = principals.builder().env("REVCONF_ACCESS_GUESSES", "1000000").start();
    let stranger = server.client();
    let clients: Vec<_> = everybody.iter().map(|key| stranger.with_key(&key.key)).collect();
    let version = clients[ADMIN].post(WEB, &service("web")).expect(201).version();
    let document = clients[ADMIN].openapi().document.clone();
    // The stranger must not need a key to hold its answers against the description.
    let malformed = clients[ADMIN].with_header("Authorization", "Bearer nonsense");
    let before = server.git().everything();
    let mut seen = BTreeSet::new();
    for (template, item) in document["paths"].as_object().expect("paths") {
        for method in METHODS {
            let documented = item.get(method.to_lowercase()).is_some();
            let needed = needed(template, method, documented);
            check_described(&item[method.to_lowercase()], needed);
            for prefix in ["", "/api/v4.0"] {
                let served_there = template.starts_with("/conf/");
                if !prefix.is_empty() && !served_there {
                    continue;
                }
                let at = |config: &str| prefix.to_owned() + &path(template, config, &version);
                check(&stranger, &malformed, &clients, method, &at, needed);
                seen.insert((template.clone(), method));
            }
        }
    }
    assert!(seen.len() >= 200, "every route was asked: {}", seen.len());
    assert_eq!(server.git().everything(), before);
}

fn check(
    stranger: &Client,
    malformed: &Client,
    clients: &[Client],
    method: &str,
    at: &dyn Fn(&str) -> String,
    needed: Needed,
) {
    let (here, nowhere) = (at("prod"), at("ghost"));
    // Azure's routes at the root name no configuration.
    let ghost = if here == nowhere { "prod" } else { "ghost" };
    let unchecked =
        |client: &Client, path: &str| client.request(method, path).if_match(STALE).unchecked().send();
    // An answer to who is not known tells nothing of what is there.
    let nobody = unchecked(stranger, &here);
    if needed == Needed::Nothing {
        assert!(![401, 403, 429].contains(&nobody.status), "{nobody:?}");
        return;
    }
    assert_eq!(nobody.status, 401, "{nobody:?}");
    assert_eq!(told(&nobody, "prod"), told(&unchecked(stranger, &nowhere), ghost));
    assert_eq!(unchecked(malformed, &here).status, 401, "{here}");
    for header in ["revconf-version", "etag", "allow", "location"] {
        assert_eq!(nobody.header(header), None, "{nobody:?}");
    }
    // Nor does one to who may not.
    let (foreign, roleless) = (&clients[0], &clients[4]);
    assert_eq!(ask(roleless, method, &here).status, 403, "{method} {here}");
    if let Needed::Role(role) = needed {
        for client in [foreign, roleless].into_iter().chain(&clients[READER..role]) {
            let refused = ask(client, method, &here);
            assert_eq!(refused.status, 403, "{refused:?}");
            assert_eq!(refused.header("revconf-version"), None, "{refused:?}");
            if method != "HEAD" {
                assert!(words(&refused.json()).contains(&format!("role {}", name(role))), "{refused:?}");
            }
        }
        // Not even that there is such a configuration.
        assert_eq!(told(&ask(foreign, method, &here), "prod"), told(&ask(foreign, method, &nowhere), ghost));
    } else {
        assert!(![401, 403, 429].contains(&ask(foreign, method, &here).status), "{method} {here}");
    }
    let least = if let Needed::Role(role) = needed { role } else { READER };
    for client in &clients[least..=ADMIN] {
        let answer = ask(client, method, &here);
        assert!(![401, 403, 429].contains(&answer.status), "{answer:?}");
    }
}

/// The description says who is asked for, and what they are told who are turned away.
fn check_described(operation: &Value, needed: Needed) {
    if operation.is_null() {
        return;
    }
    let id = &operation["operationId"];
    let ways = operation["security"].as_array().unwrap_or_else(|| panic!("{id} says nothing of keys"));
    assert_eq!(ways.is_empty(), needed == Needed::Nothing, "{id}");
    for status in ["401", "403", "429"] {
        assert_eq!(operation["responses"][status].is_object(), needed != Needed::Nothing, "{id} {status}");
    }
}

#[test]
fn what_is_no_route_is_told_to_principals_only() {
    let ada = new_key("ada", &["reader=prod"], &[]);
    let server = Principals::of(&[&ada]).builder().start();
    let client = server.client();
    for path in ["/", "/nothing", "/conf", "/conf/prod", "/conf/prod/nothing", "/backends/a/b", "/docs/"] {
        client.request("GET", path).unchecked().send().expect(401);
        client.with_key(&ada.key).request("GET", path).unchecked().send().expect(404);
    }
}
