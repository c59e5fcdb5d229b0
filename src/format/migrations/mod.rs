//! The format's versions. A step is a pure function from one version's files to the next one's; `migrations/` at the
//! top of the repository explains each and holds examples that the tests replay.
//!
//! A step is frozen once released: it must go on turning its version into the next one, whatever today's rules are.

mod initial;
mod port_lists;

use bytes::Bytes;
use serde_json::Value;

use super::{FORMAT, Files, Header, Misfit, decode, header, place};
use crate::document::json;

/// One step of the format.
#[derive(Debug)]
pub struct Migration {
    /// The version that the step leads to.
    pub number: u32,
    /// As in the name of its folder under `migrations/`, and in the message of its commit.
    pub name: &'static str,
    /// Turns the files of the version before into those of this one.
    pub upgrade: fn(&mut Files) -> Result<(), Misfit>,
    /// Whether a single document is of a version before this one.
    pub concerns: fn(&Value) -> bool,
}

/// Every step, in order; the last one's number is [`FORMAT`].
static MIGRATIONS: &[Migration] = &[initial::MIGRATION, port_lists::MIGRATION];

/// The files that a new configuration begins with.
pub fn new_configuration(description: &str) -> Files {
    let mut files = Files::new();
    let header = Header::new(FORMAT, description);
    files.insert(header::PATH.to_owned(), header.encode());
    files
}

/// The steps that lead from a version to today's.
pub fn after(version: u32) -> impl Iterator<Item = &'static Migration> {
    MIGRATIONS.iter().filter(move |step| step.number > version)
}

/// The version that a single document is written in, as far as it shows.
pub fn version_of(document: &Value) -> u32 {
    let older = MIGRATIONS.iter().find(|step| (step.concerns)(document));
    older.map_or(FORMAT, |step| step.number - 1)
}

/// Brings a tree's files to today's format, documents in their canonical form. Files that belong to no kind stay.
/// A part of a tree will do, as long as `config.json` is in it.
///
/// # Errors
/// A file is not what its place says, or the format is newer than [`FORMAT`].
pub fn upgrade(mut files: Files) -> Result<Files, Misfit> {
    let header = Header::decode(files.get(header::PATH).ok_or(Misfit::NoHeader)?)?;
    for step in after(header.format) {
        (step.upgrade)(&mut files)?;
    }
    for (path, bytes) in &mut files {
        if let Some((kind, name)) = place(path) {
            *bytes = decode(kind, name, &Bytes::copy_from_slice(bytes))?.text().to_vec();
        }
    }
    Ok(files)
}

/// Writes a version's number into `config.json`, and leaves what else it says.
fn set_format(files: &mut Files, number: u32) -> Result<(), Misfit> {
    let mut header = match files.get(header::PATH) {
        Some(bytes) => json::read(bytes)?,
        None => serde_json::json!({"format": number, "description": ""}),
    };
    if let Some(members) = header.as_object_mut() {
        members.insert("format".to_owned(), number.into());
    }
    files.insert(header::PATH.to_owned(), json::pretty(&header));
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    fn files_below(root: &Path) -> Files {
        let mut files = Files::new();
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else if !path.ends_with(".gitkeep") {
                    let name = path.strip_prefix(root).expect("below").to_str().expect("UTF-8").to_owned();
                    files.insert(name, fs::read(&path).expect("a file"));
                }
            }
        }
        files
    }

    #[test]
    fn every_step_does_what_its_example_shows() {
        let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
        for step in MIGRATIONS {
            let folder = top.join(format!("{:04}_{}", step.number, step.name));
            assert!(folder.join("README.md").is_file(), "{} explains the step", folder.display());
            let mut files = files_below(&folder.join("before"));
            (step.upgrade)(&mut files).expect("the example is upgraded");
            let text = |files: &Files| {
                files
                    .iter()
                    .map(|(path, bytes)| (path.clone(), String::from_utf8_lossy(bytes).into_owned()))
                    .collect::<Vec<_>>()
            };
            assert_eq!(text(&files), text(&files_below(&folder.join("after"))), "{}", folder.display());
            let once = files.clone();
            (step.upgrade)(&mut files).expect("again");
            assert_eq!(text(&files), text(&once), "a second time changes nothing");
        }
        assert_eq!(
            fs::read_dir(top).expect("the folder").count(),
            MIGRATIONS.len(),
            "a folder for each step"
        );
    }

    #[test]
    fn steps_are_numbered_without_a_gap_up_to_the_format() {
        let numbers: Vec<u32> = MIGRATIONS.iter().map(|step| step.number).collect();
        assert_eq!(numbers, (1..=FORMAT).collect::<Vec<_>>());
    }

    #[test]
    fn an_old_tree_becomes_todays_documents() {
        let mut files = Files::new();
        files.insert("config.json".into(), br#"{"format":1,"description":"d"}"#.to_vec());
        files.insert(
            "backend-services/web.json".into(),
            br#"{"id":"web","name":"W","back_hosts":[{"host":"h","http_port":81}]}"#.to_vec(),
        );
        files.insert("NOTES".into(), b"kept".to_vec());
        let upgraded = upgrade(files).expect("upgraded");
        assert_eq!(
            Header::decode(&upgraded["config.json"]).map(|h| (h.format, h.description)),
            Ok((2, "d".into()))
        );
        let web = String::from_utf8_lossy(&upgraded["backend-services/web.json"]);
        assert!(web.contains("\"http_ports\": [\n        81\n      ]"), "{web}");
        assert_eq!(upgraded["NOTES"], b"kept");
        assert_eq!(upgrade(upgraded.clone()), Ok(upgraded));
    }

    #[test]
    fn a_newer_tree_is_refused() {
        let mut files = Files::new();
        files.insert("config.json".into(), br#"{"format":3,"description":""}"#.to_vec());
        assert_eq!(upgrade(files), Err(Misfit::Newer { found: 3 }));
    }
}
