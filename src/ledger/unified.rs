//! Differences as text, in git's own unified format.

use std::collections::BTreeMap;

use bytes::Bytes;
use git2::{DiffFormat, DiffOptions, Odb, Oid, Repository};

use super::reader::Damage;

/// Contents of files, by path; paths have one or two parts.
pub type Contents = BTreeMap<String, Bytes>;

/// Lines around a change, as `git diff` has them.
const CONTEXT: u32 = 3;
/// Digits of a blob's id in a file's head, as git has them in all but very large repositories.
const DIGITS: u16 = 7;
const FILE: i32 = 0o100_644;
const FOLDER: i32 = 0o040_000;

/// The difference between two states of files, as `git diff --no-renames` prints it.
///
/// # Errors
/// A path cannot be one of git's.
pub fn unified(before: &Contents, after: &Contents) -> Result<Bytes, Damage> {
    // What is compared need not be in the repository: old files are shown in today's form.
    let objects = Odb::new()?;
    objects.add_new_mempack_backend(1)?;
    let repository = Repository::from_odb(objects)?;
    let [before, after] = [tree(&repository, before)?, tree(&repository, after)?];
    let (before, after) = (repository.find_tree(before)?, repository.find_tree(after)?);
    let mut options = DiffOptions::new();
    // All that a machine's own settings of git could have another opinion on.
    options.context_lines(CONTEXT).interhunk_lines(0).id_abbrev(DIGITS).indent_heuristic(true);
    options.old_prefix("a").new_prefix("b");
    let diff = repository.diff_tree_to_tree(Some(&before), Some(&after), Some(&mut options))?;
    let mut text = Vec::new();
    diff.print(DiffFormat::Patch, |_, _, line| {
        let origin = line.origin();
        if matches!(origin, ' ' | '+' | '-') {
            text.extend_from_slice(origin.encode_utf8(&mut [0; 4]).as_bytes());
        }
        text.extend_from_slice(line.content());
        true
    })?;
    Ok(text.into())
}

fn tree(repository: &Repository, files: &Contents) -> Result<Oid, git2::Error> {
    let mut top = repository.treebuilder(None)?;
    let mut folders: BTreeMap<&str, Vec<(&str, Oid)>> = BTreeMap::new();
    for (path, bytes) in files {
        let blob = repository.blob(bytes)?;
        match path.split_once('/') {
            None => drop(top.insert(path, blob, FILE)?),
            Some((folder, name)) => folders.entry(folder).or_default().push((name, blob)),
        }
    }
    for (folder, files) in folders {
        let mut level = repository.treebuilder(None)?;
        for (name, blob) in files {
            level.insert(name, blob, FILE)?;
        }
        top.insert(folder, level.write()?, FOLDER)?;
    }
    top.write()
}
