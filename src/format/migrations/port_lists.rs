//! `0002_port_lists`: a host's scalar `http_port` and `https_port` become the lists `http_ports` and `https_ports`.

use serde_json::{Map, Value};

use super::{Files, Migration, Misfit, set_format};
use crate::document::json;

pub const MIGRATION: Migration = Migration {
    number: 2,
    name: "port_lists",
    upgrade,
    concerns: |document| hosts(document).any(has_scalar_port),
};

const FOLDER: &str = "backend-services/";
const RENAMED: [(&str, &str); 2] = [("http_port", "http_ports"), ("https_port", "https_ports")];

fn upgrade(files: &mut Files) -> Result<(), Misfit> {
    for (path, bytes) in files.iter_mut() {
        if !path.starts_with(FOLDER) {
            continue;
        }
        let mut document = json::read(bytes)?;
        let hosts = document.get_mut("back_hosts").and_then(Value::as_array_mut);
        for host in hosts.into_iter().flatten().filter_map(Value::as_object_mut) {
            for (scalar, list) in RENAMED {
                // Who has both contradicts themselves; the rules of today's documents say so.
                if !host.contains_key(list) {
                    *host = std::mem::take(host)
                        .into_iter()
                        .map(|member| as_list(member, scalar, list))
                        .collect();
                }
            }
        }
        *bytes = json::pretty(&document);
    }
    set_format(files, 2)
}

fn as_list((key, value): (String, Value), scalar: &str, list: &str) -> (String, Value) {
    if key == scalar { (list.to_owned(), Value::Array(vec![value])) } else { (key, value) }
}

fn hosts(document: &Value) -> impl Iterator<Item = &Map<String, Value>> {
    document.get("back_hosts").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

fn has_scalar_port(host: &Map<String, Value>) -> bool {
    RENAMED.iter().any(|(scalar, _)| host.contains_key(*scalar))
}
