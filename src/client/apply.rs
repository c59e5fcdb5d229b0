//! `apply`: makes a configuration equal to a folder of documents, in one commit.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use ureq::http::Method;

use super::address::{self, Address, Entry};
use super::changes::{self, Changed};
use super::failure::Failure;
use super::files::{self, Folder};
use super::options::{Change, Options};
use super::output::{self, Output};
use super::read;
use super::service::{Answer, Route, Service};
use super::transaction::{self, MOST, Operation};

#[derive(Args)]
pub struct Apply {
    /// A folder as a clone of the repository is one: KIND/*.json; what is not in it is deleted
    #[arg(short, long, value_name = "DIR")]
    file: PathBuf,
    /// Only documents of this kind; the others stay as they are
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    #[command(flatten)]
    change: Change,
    #[command(flatten)]
    options: Options,
}

/// All documents of a configuration.
#[derive(Deserialize)]
struct Whole {
    version: String,
    documents: serde_json::Map<String, Value>,
}

/// What makes a configuration equal to a folder.
pub struct Plan {
    /// The version that the folder was compared with.
    pub version: String,
    operations: Vec<Operation>,
    /// Where more operations are needed than fit: the kind that they are all of, and its complete set.
    set: Option<(String, Vec<Box<RawValue>>)>,
}

impl Plan {
    /// Compares a folder with the newest state.
    ///
    /// # Errors
    /// The folder is none of documents, or the service refused; or there is too much to do for one commit.
    pub fn of(service: &Service, config: &str, path: &Path, kind: Option<&str>) -> Result<Self, Failure> {
        let version = read::newest(service, config, None)?;
        let route = address::versions(config, None).below(&[&version]);
        let mut whole: Whole = service.get(&route)?.done()?.read()?;
        let kinds: Vec<_> = whole.documents.keys().cloned().collect();
        let mut folder = files::folder(path, &kinds)?;
        if let Some(kind) = kind {
            if !kinds.iter().any(|known| known == kind) {
                let text = format!("no kind is called {kind}; the kinds are {}", kinds.join(", "));
                return Err(Failure::Usage(text));
            }
            folder.retain(|(other, _), _| other == kind);
            whole.documents.retain(|other, _| other == kind);
        }
        output::progress(&format!("{} in {}, compared with {version}", count(folder.len()), path.display()));
        let mut operations = operations(&whole, &folder);
        if operations.len() > MOST {
            operations = differing(service, config, &whole.version, operations)?;
        }
        let set = if operations.len() > MOST { Some(complete_set(&operations, folder)?) } else { None };
        Ok(Self { version: whole.version, operations, set })
    }

    /// That there is nothing to do; what the service would make of a document is another question.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// The kind of all changes where the answer to a dry run tells none.
    pub fn kind(&self) -> &str {
        self.set.as_ref().map_or("", |(kind, _)| kind)
    }

    /// Does it, if the configuration is still what the folder was compared with.
    ///
    /// # Errors
    /// The service refused, or cannot be reached.
    pub fn send(&self, service: &Service, config: &str, change: &Change) -> Result<Answer, Failure> {
        let Some((kind, documents)) = &self.set else {
            let names: Vec<_> = self.operations.iter().map(Operation::name).collect();
            let tag = format!("\"{}\"", self.version);
            let condition = [("If-Match", tag.as_str())];
            return transaction::send(service, config, &self.operations, &names, change, &condition);
        };
        // Of one kind alone, the set's own route takes any number; its condition is the set's tag.
        let address = Address { kind: kind.clone(), id: None };
        let before = address::versions(config, Some(&address)).below(&[&self.version]);
        let tag = service.get(&before)?.done()?.tag.unwrap_or_default();
        let route = Route::to(&["conf", config, kind])
            .with("message", change.message.as_deref())
            .with("dry_run", change.dry());
        let body = transaction::json(documents)?;
        let answer = service.ask(&Method::PUT, &route, &[("If-Match", &tag)], body)?;
        if answer.status == 405 {
            return Err(too_many(self.operations.len()));
        }
        answer.done()
    }
}

/// What has to be done to entries, in the order of their kinds and ids.
fn operations(whole: &Whole, folder: &Folder) -> Vec<Operation> {
    let mut operations = Vec::new();
    let mut there = BTreeSet::new();
    for (kind, documents) in &whole.documents {
        for document in documents.as_array().into_iter().flatten() {
            let id = document["id"].as_str().unwrap_or_default();
            let entry = Entry { kind: kind.clone(), id: id.to_owned() };
            let key = (entry.kind.clone(), entry.id.clone());
            match folder.get(&key) {
                None => operations.push(Operation::new("delete", &entry, None)),
                Some(wanted) if same(wanted, document) => {}
                Some(wanted) => operations.push(Operation::new("update", &entry, Some(wanted.clone()))),
            }
            there.insert(key);
        }
    }
    let new = folder.iter().filter(|(key, _)| !there.contains(*key)).map(|((kind, id), document)| {
        let entry = Entry { kind: kind.clone(), id: id.clone() };
        Operation::new("create", &entry, Some(document.clone()))
    });
    operations.extend(new);
    operations
}

/// Those operations that change something: a document may leave out what has a default, and only the service knows
/// those. Where they fit into one transaction, its dry run says so anyway.
fn differing(
    service: &Service,
    config: &str,
    version: &str,
    operations: Vec<Operation>,
) -> Result<Vec<Operation>, Failure> {
    let mut changed = BTreeSet::new();
    let tag = format!("\"{version}\"");
    let dry = Change { dry_run: true, message: None };
    for part in operations.chunks(MOST) {
        let names: Vec<_> = part.iter().map(Operation::name).collect();
        let answer = transaction::send(service, config, part, &names, &dry, &[("If-Match", &tag)])?;
        changed.extend(changes::of(&answer)?.iter().map(Changed::name));
    }
    Ok(operations.into_iter().filter(|operation| changed.contains(&operation.name())).collect())
}

fn same(wanted: &RawValue, document: &Value) -> bool {
    // A key that is there twice is one in a value; the text then is longer than what the value is written as.
    serde_json::from_str::<Value>(wanted.get()).is_ok_and(|value| {
        value == *document && value.to_string().len() == length_without_space(wanted.get())
    })
}

/// In bytes: of a JSON text without the white space between its tokens.
fn length_without_space(json: &str) -> usize {
    let (mut in_text, mut escaped) = (false, false);
    let counts = |byte: &u8| {
        let counted = in_text || !byte.is_ascii_whitespace();
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ => {}
        }
        counted
    };
    json.bytes().filter(counts).count()
}

/// The document with its id, which may be told by its file's name only.
fn with_id(id: &str, document: Box<RawValue>) -> Box<RawValue> {
    let Ok(Value::Object(mut members)) = serde_json::from_str(document.get()) else { return document };
    if members.contains_key("id") {
        return document;
    }
    members.insert("id".to_owned(), id.into());
    serde_json::value::to_raw_value(&members).unwrap_or(document)
}

/// The complete set, if all operations are of one kind.
fn complete_set(operations: &[Operation], folder: Folder) -> Result<(String, Vec<Box<RawValue>>), Failure> {
    let kinds: BTreeSet<_> = operations.iter().map(|operation| operation.kind.as_str()).collect();
    let mut kinds = kinds.into_iter();
    let (Some(kind), None) = (kinds.next(), kinds.next()) else { return Err(too_many(operations.len())) };
    let of_kind = folder.into_iter().filter(|((other, _), _)| other == kind);
    Ok((kind.to_owned(), of_kind.map(|((_, id), document)| with_id(&id, document)).collect()))
}

fn too_many(operations: usize) -> Failure {
    Failure::Usage(format!(
        "{operations} entries differ, and a transaction changes {MOST} at most; apply one kind after the other with \
         --kind (of backend-services any number can change at once), or fewer changes at a time"
    ))
}

fn count(documents: usize) -> String {
    if documents == 1 { "1 document".to_owned() } else { format!("{documents} documents") }
}

pub fn apply(command: &Apply) -> Result<(), Failure> {
    let options = &command.options;
    let (service, output) = (Service::new(options)?, Output::new(options));
    let plan = Plan::of(&service, &options.config, &command.file, command.kind.as_deref())?;
    let told = if plan.is_empty() { None } else { Some(dry(&plan, &service, &command.change, options)?) };
    let (answer, items) = told.map_or((None, Vec::new()), |(answer, items)| (Some(answer), items));
    if !output.json {
        changes::show(&output, &items, plan.kind())?;
    }
    if items.is_empty() || command.change.dry_run {
        return finish(&output, answer, items.is_empty(), &plan, options);
    }
    output::progress(&format!("writing {} changes", items.len()));
    let answer = plan.send(&service, &options.config, &command.change)?;
    if output.json {
        return output.bytes(&answer.body);
    }
    let version = answer.version.as_deref().unwrap_or_default();
    output.line(&format!("{} is at {}", options.config, output.version(version)))
}

/// What it would change.
///
/// # Errors
/// The service refused, or cannot be reached.
pub fn dry(
    plan: &Plan,
    service: &Service,
    change: &Change,
    options: &Options,
) -> Result<(Answer, Vec<Changed>), Failure> {
    let dry = Change { dry_run: true, ..change.clone() };
    let answer = plan.send(service, &options.config, &dry)?;
    let items = changes::of(&answer)?;
    Ok((answer, items))
}

/// Says that nothing was written.
fn finish(
    output: &Output,
    answer: Option<Answer>,
    same: bool,
    plan: &Plan,
    options: &Options,
) -> Result<(), Failure> {
    if output.json {
        let body = answer.map_or_else(|| no_difference(&plan.version), |answer| answer.body);
        return output.bytes(&body);
    }
    if same {
        let version = output.version(&plan.version);
        return output.line(&format!("nothing differs; {} is at {version}", options.config));
    }
    output::progress("nothing was written");
    Ok(())
}

/// What the API would answer to a dry run of nothing, which it does not take.
pub fn no_difference(version: &str) -> Vec<u8> {
    let diff = serde_json::json!({"from": version, "to": version, "items": []});
    let body = serde_json::json!({"message": "Dry run: nothing was written", "diff": diff});
    body.to_string().into_bytes()
}
