//! Who there is, as the principals' file says it.
//!
//! What is wrong with the file is told without any of its values, for those may be secret, and with everything that is
//! wrong at once.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use toml::{Table, Value};

use super::credential::Fingerprint;
use super::key::{self, Hash};
use super::role::{Grant, Role};

/// In characters. A signing key cannot be slowed by hashing, and so must not be something that people remember.
const SHORTEST_SIGNING_KEY: usize = 32;
/// In characters: of a name, and of an e-mail address.
const LONGEST_NAME: usize = 256;
const FIELDS: [&str; 6] = ["name", "email", "roles", "keys", "signing_key", "certificates"];

/// Somebody, or something, that asks.
#[derive(Clone, PartialEq, Eq)]
pub struct Principal {
    pub name: String,
    pub email: String,
    pub grants: Vec<Grant>,
    keys: Vec<(String, Hash)>,
    signing_key: Option<String>,
    certificates: Vec<Fingerprint>,
}

impl fmt::Debug for Principal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Principal").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Principal {
    /// Somebody whom a proxy vouches for and the file does not know.
    pub fn stranger(name: String, email: Option<String>, grants: Vec<Grant>) -> Self {
        let email = email.unwrap_or_default();
        Principal { name, email, grants, keys: Vec::new(), signing_key: None, certificates: Vec::new() }
    }

    /// Whether the principal has this role, or a higher one, for this configuration.
    pub fn may(&self, role: Role, configuration: &str) -> bool {
        self.grants.iter().any(|grant| grant.gives(role, configuration))
    }

    /// The key for signatures, which opens nothing by itself.
    pub fn signing_key(&self) -> Option<&str> {
        self.signing_key.as_deref()
    }
}

/// All of them, by what they show.
#[derive(Debug, Default)]
pub struct Principals {
    all: Vec<Arc<Principal>>,
    by_name: HashMap<String, usize>,
    by_key: HashMap<String, (usize, usize)>,
    by_certificate: HashMap<Fingerprint, usize>,
}

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct Faults(Vec<String>);

impl Principals {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// Everything that is wrong with it. A file without principals is wrong, too: it is one that is being written.
    pub fn parse(text: &str) -> Result<Self, Faults> {
        let table: Table = toml::from_str(text).map_err(|error| Faults(vec![not_toml(text, &error)]))?;
        let mut faults = Vec::new();
        for name in table.keys().filter(|name| *name != "principals") {
            faults.push(format!("{} is unknown; the file has [[principals]] and nothing else", shown(name)));
        }
        let entries = match table.get("principals") {
            Some(Value::Array(entries)) if !entries.is_empty() => entries.as_slice(),
            _ => {
                faults.push("there are no [[principals]]".to_owned());
                &[]
            }
        };
        let mut principals = Principals::default();
        for (number, entry) in entries.iter().enumerate() {
            let place = format!("principals[{number}]");
            match entry {
                Value::Table(entry) => {
                    if let Some(principal) = read(entry, &place, &mut faults) {
                        principals.add(principal, &place, &mut faults);
                    }
                }
                _ => faults.push(format!("{place} must be a table")),
            }
        }
        if faults.is_empty() { Ok(principals) } else { Err(Faults(faults)) }
    }

    fn add(&mut self, principal: Principal, place: &str, faults: &mut Vec<String>) {
        let at = self.all.len();
        if self.by_name.insert(principal.name.clone(), at).is_some() {
            faults.push(format!("{place}.name is another principal's, too"));
        }
        for (number, (id, _)) in principal.keys.iter().enumerate() {
            if self.by_key.insert(id.clone(), (at, number)).is_some() {
                faults.push(format!("{place}.keys[{number}].id is another key's, too"));
            }
        }
        for (number, certificate) in principal.certificates.iter().enumerate() {
            if self.by_certificate.insert(*certificate, at).is_some() {
                faults.push(format!("{place}.certificates[{number}] is listed twice"));
            }
        }
        self.all.push(Arc::new(principal));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub fn named(&self, name: &str) -> Option<&Arc<Principal>> {
        self.by_name.get(name).and_then(|at| self.all.get(*at))
    }

    /// Whose key has this id, and what is kept of it.
    pub fn with_key(&self, id: &str) -> Option<(&Arc<Principal>, &Hash)> {
        let (at, number) = self.by_key.get(id)?;
        let principal = self.all.get(*at)?;
        Some((principal, &principal.keys.get(*number)?.1))
    }

    pub fn with_certificate(&self, certificate: &Fingerprint) -> Option<&Arc<Principal>> {
        self.by_certificate.get(certificate).and_then(|at| self.all.get(*at))
    }
}

/// A parser's own message may quote the file, so only its place is told.
fn not_toml(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    format!("line {line}, column {column}: this is no TOML")
}

/// A field's name, unless it may be a key that was pasted into the wrong place.
fn shown(name: &str) -> &str {
    let plain = name.len() <= 32 && name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    if plain { name } else { "a field" }
}

fn read(entry: &Table, place: &str, faults: &mut Vec<String>) -> Option<Principal> {
    let before = faults.len();
    for name in entry.keys().filter(|name| !FIELDS.contains(&name.as_str())) {
        faults.push(format!("{place}: {} is unknown; the fields are {}", shown(name), FIELDS.join(", ")));
    }
    let name = identity(entry, "name", place, faults).unwrap_or_default();
    let email = identity(entry, "email", place, faults).unwrap_or_default();
    if name.contains(':') {
        faults.push(format!("{place}.name must not contain a colon, which ends it in Authorization: Basic"));
    }
    let grants = list(entry, "roles", place, faults, |value| {
        let text = value.as_str().ok_or("must be a text such as \"editor=staging-*\"")?;
        text.parse::<Grant>().map_err(|fault| fault.to_string()).map_err(Fault::Owned)
    });
    let keys = list(entry, "keys", place, faults, stored_key);
    let certificates = list(entry, "certificates", place, faults, fingerprint);
    let signing_key = match entry.get("signing_key") {
        None => None,
        Some(Value::String(text)) if text.chars().count() >= SHORTEST_SIGNING_KEY => Some(text.clone()),
        Some(_) => {
            faults.push(format!(
                "{place}.signing_key must be a text of {SHORTEST_SIGNING_KEY} characters or more"
            ));
            None
        }
    };
    (faults.len() == before).then_some(Principal { name, email, grants, keys, signing_key, certificates })
}

/// A text that a commit can name its author by.
fn identity(entry: &Table, field: &str, place: &str, faults: &mut Vec<String>) -> Option<String> {
    let fits = |text: &str| {
        (1..=LONGEST_NAME).contains(&text.chars().count())
            && text.trim() == text
            && !text.chars().any(|c| c.is_control() || matches!(c, '<' | '>'))
    };
    match entry.get(field).and_then(Value::as_str) {
        Some(text) if fits(text) => Some(text.to_owned()),
        _ => {
            faults.push(format!(
                "{place}.{field} must be a text of 1 to {LONGEST_NAME} characters, without < > and control characters"
            ));
            None
        }
    }
}

/// What is wrong with a value: never the value itself.
enum Fault {
    Fixed(&'static str),
    Owned(String),
}

impl From<&'static str> for Fault {
    fn from(text: &'static str) -> Self {
        Fault::Fixed(text)
    }
}

fn list<T>(
    entry: &Table,
    field: &str,
    place: &str,
    faults: &mut Vec<String>,
    read: impl Fn(&Value) -> Result<T, Fault>,
) -> Vec<T> {
    let values = match entry.get(field) {
        None => return Vec::new(),
        Some(Value::Array(values)) => values,
        Some(_) => {
            faults.push(format!("{place}.{field} must be a list"));
            return Vec::new();
        }
    };
    let mut found = Vec::new();
    for (number, value) in values.iter().enumerate() {
        match read(value) {
            Ok(value) => found.push(value),
            Err(Fault::Fixed(fault)) => faults.push(format!("{place}.{field}[{number}] {fault}")),
            Err(Fault::Owned(fault)) => faults.push(format!("{place}.{field}[{number}] {fault}")),
        }
    }
    found
}

fn stored_key(value: &Value) -> Result<(String, Hash), Fault> {
    const FORM: &str = "must have an id of 16 hex digits and a hash, as `revconf key new` prints them";
    let table = value.as_table().ok_or(FORM)?;
    let text = |field: &str| table.get(field).and_then(Value::as_str).ok_or(FORM);
    let (id, hash) = (text("id")?, text("hash")?);
    if table.len() != 2 || !key::is_id(id) {
        return Err(FORM.into());
    }
    let hash = Hash::parse(hash).map_err(|fault| Fault::Owned(format!("has a hash that {fault}")))?;
    Ok((id.to_owned(), hash))
}

/// 64 hex digits, with or without colons, as `openssl x509 -fingerprint -sha256` prints them.
fn fingerprint(value: &Value) -> Result<Fingerprint, Fault> {
    const FORM: &str = "must be a certificate's SHA-256 in 64 hex digits";
    let text: String = value.as_str().ok_or(FORM)?.chars().filter(|c| *c != ':').collect();
    if text.len() != 64 || !text.is_ascii() {
        return Err(FORM.into());
    }
    let mut fingerprint = Fingerprint::default();
    for (at, byte) in fingerprint.iter_mut().enumerate() {
        let digits = text.get(2 * at..2 * at + 2).ok_or(FORM)?;
        *byte = u8::from_str_radix(digits, 16).map_err(|_| FORM)?;
    }
    Ok(fingerprint)
}

/// A principal as the file has it, with the hash of a key; for `revconf key new` to print.
pub fn entry(
    name: &str,
    email: &str,
    grants: &[Grant],
    key: &key::Key,
    hash: &Hash,
    signing_key: Option<&str>,
) -> String {
    // A JSON string without control characters is a TOML string, too.
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let roles: Vec<_> = grants.iter().map(|grant| quoted(&grant.to_string())).collect();
    let mut entry = format!(
        "[[principals]]\nname = {}\nemail = {}\nroles = [{}]\nkeys = [{{ id = \"{}\", hash = \"{hash}\" }}]\n",
        quoted(name),
        quoted(email),
        roles.join(", "),
        key.id(),
    );
    if let Some(signing_key) = signing_key {
        entry += &format!("signing_key = {}\n", quoted(signing_key));
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        match Principals::parse(text) {
            Err(Faults(faults)) => faults,
            Ok(_) => panic!("{text} is accepted"),
        }
    }

    #[test]
    fn what_is_printed_can_be_read() {
        let key = key::Key::new().expect("chance");
        let hash = Hash::new(&key).expect("chance");
        let grants = vec!["editor=staging-*".parse().expect("a grant"), "reader=*".parse().expect("a grant")];
        let signing_key = "s".repeat(40);
        let text = entry("Ada \"L\" \\ é", "ada@example.org", &grants, &key, &hash, Some(&signing_key));
        let principals = Principals::parse(&text).expect("what is printed");
        let (ada, stored) = principals.with_key(key.id()).expect("the key");
        assert!(stored.is_of(&key, &mut key::Memory::new()));
        assert_eq!((ada.name.as_str(), ada.email.as_str()), ("Ada \"L\" \\ é", "ada@example.org"));
        assert!(ada.may(Role::Editor, "staging-1") && !ada.may(Role::Editor, "prod"));
        assert_eq!(ada.signing_key(), Some(signing_key.as_str()));
    }

    #[test]
    fn every_fault_is_told_and_no_value() {
        let text = r#"
            other = "secretvalue"
            [[principals]]
            name = "a:b"
            email = 5
            roles = ["owner=secretvalue", 3]
            keys = ["secretvalue", { id = "0123456789abcdef", hash = "secretvalue" }]
            signing_key = "secretvalue"
            certificates = ["secretvalue"]
            rck_0123456789abcdef_secretvalue = 1
        "#;
        let faults = faults(text);
        assert_eq!(faults.len(), 10, "{faults:#?}");
        assert!(!faults.join("\n").contains("secretvalue"), "{faults:#?}");
    }

    #[test]
    fn broken_toml_is_told_by_its_place_alone() {
        let found = faults("[[principals]]\nname = \"a\"\nsigning_key = secretvalue\n");
        assert_eq!(found, ["line 3, column 15: this is no TOML"]);
    }

    #[test]
    fn names_keys_and_certificates_are_ones_own() {
        let one = "name = \"a\"\nemail = \"a@b\"\n";
        let found = faults(&format!("[[principals]]\n{one}[[principals]]\n{one}"));
        assert_eq!(found, ["principals[1].name is another principal's, too"]);
        assert_eq!(faults(""), ["there are no [[principals]]"]);
    }
}
