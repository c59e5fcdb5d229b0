//! Documents in files, and folders of them as a clone of the repository has them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::address::Entry;
use super::failure::Failure;

/// What a configuration's own file is called, beside the folders.
const OWN_FILE: &str = "config.json";

/// The documents of a folder, by kind and id.
pub type Folder = BTreeMap<(String, String), Box<RawValue>>;

#[derive(Deserialize)]
struct Named {
    id: Option<String>,
}

/// A document from a file; `-` is standard input.
///
/// # Errors
/// It cannot be read, or is not JSON.
pub fn document(path: &Path) -> Result<Box<RawValue>, Failure> {
    let mut text = String::new();
    let from_stdin = path.as_os_str() == "-";
    let read = match from_stdin {
        true => std::io::stdin().read_to_string(&mut text),
        false => fs::File::open(path).and_then(|mut file| file.read_to_string(&mut text)),
    };
    let name = if from_stdin { "standard input".to_owned() } else { path.display().to_string() };
    read.map_err(|error| Failure::Usage(format!("{name} cannot be read: {error}")))?;
    RawValue::from_string(text).map_err(|error| Failure::Usage(format!("{name} is not JSON: {error}")))
}

/// Which entry a file is: its folder's name is the kind, and the document or else the file's name says the id.
///
/// # Errors
/// It cannot be told.
pub fn entry(path: &Path, document: &RawValue) -> Result<Entry, Failure> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let kind = path.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let within = serde_json::from_str::<Named>(document.get()).ok().and_then(|named| named.id);
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let id = within.or_else(|| percent_decode_str(&stem).decode_utf8().ok().map(Cow::into_owned));
    match (kind, id) {
        (Some(kind), Some(id)) if !id.is_empty() => Ok(Entry { kind, id }),
        _ => Err(Failure::Usage(format!("{}: say which entry it is, as KIND/ID", path.display()))),
    }
}

/// The documents of all folders that have a kind's name, `*.json` each. Hidden files, other files and the
/// configuration's own one are not looked at.
///
/// # Errors
/// Something cannot be read or is not JSON, two files are the same entry, a folder has no kind's name, or no folder
/// has one: then this is hardly what was meant.
pub fn folder(path: &Path, kinds: &[String]) -> Result<Folder, Failure> {
    let mut documents = Folder::new();
    let mut found = false;
    for below in entries(path)? {
        let name = name(&below);
        if !below.is_dir() {
            if name != OWN_FILE && below.extension().is_some_and(|ending| ending == "json") {
                let text = format!("{}: documents lie in a folder with their kind's name", below.display());
                return Err(Failure::Usage(text));
            }
            continue;
        }
        if !kinds.contains(&name) {
            let text =
                format!("{}: no kind is called so; the kinds are {}", below.display(), kinds.join(", "));
            return Err(Failure::Usage(text));
        }
        found = true;
        set(&below, &name, &mut documents)?;
    }
    if found {
        return Ok(documents);
    }
    let (path, kinds) = (path.display(), kinds.join(", "));
    Err(Failure::Usage(format!(
        "{path} has no folder of documents, and without one all would be deleted; the folders are {kinds}, and an empty \
         one says that this is meant"
    )))
}

/// The documents of one folder.
fn set(path: &Path, kind: &str, documents: &mut Folder) -> Result<(), Failure> {
    let mut files = BTreeMap::<String, PathBuf>::new();
    for file in entries(path)? {
        if file.is_dir() {
            return Err(Failure::Usage(format!("{}: documents lie in no deeper folder", file.display())));
        }
        if file.extension().is_none_or(|ending| ending != "json") {
            continue;
        }
        let document = document(&file)?;
        let id = entry(&file, &document)?.id;
        if let Some(other) = files.insert(id.clone(), file.clone()) {
            let text = format!("{} and {} are both {kind}/{id}", other.display(), file.display());
            return Err(Failure::Usage(text));
        }
        documents.insert((kind.to_owned(), id), document);
    }
    Ok(())
}

/// What is in a folder and not hidden, in order.
fn entries(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let fault = |error: std::io::Error| Failure::Usage(format!("{} cannot be read: {error}", path.display()));
    let listed = fs::read_dir(path).map_err(fault)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = listed.collect::<Result<Vec<_>, _>>().map_err(fault)?;
    paths.retain(|path| !name(path).starts_with('.'));
    paths.sort();
    Ok(paths)
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
