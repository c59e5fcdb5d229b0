//! The house's own rules: who may use whom, and that every test file is run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A module, the modules of the house that it may use, and the libraries that it must never name.
struct Room {
    name: &'static str,
    uses: &'static [&'static str],
    never: &'static [&'static str],
}

/// ARCHITECTURE.md says why.
const HOUSE: [Room; 9] = [
    Room { name: "access", uses: &[], never: &["git2", "actix_web"] },
    Room { name: "document", uses: &[], never: &["git2", "actix_web", "chrono", "tokio", "std::time"] },
    Room { name: "ledger", uses: &[], never: &["serde", "serde_json", "actix_web"] },
    Room { name: "format", uses: &["document"], never: &["git2", "actix_web", "tokio"] },
    Room { name: "registry", uses: &["document", "format", "ledger"], never: &["git2", "actix_web"] },
    Room { name: "http", uses: &["access", "document", "registry"], never: &["git2"] },
    Room { name: "client", uses: &[], never: &["git2", "actix_web", "tokio"] },
    Room { name: "settings", uses: &[], never: &["git2", "actix_web", "tokio", "serde_json"] },
    Room {
        name: "app",
        uses: &["access", "document", "format", "ledger", "registry", "http", "settings"],
        never: &["git2"],
    },
];

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources(below: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![below.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => folders.push(path),
                false if path.extension().is_some_and(|ending| ending == "rs") => found.push(path),
                false => {}
            }
        }
    }
    found.sort();
    found
}

/// The code without its comments, which may name what they like.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).expect("a source");
    let lines = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

fn first_word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The names that may follow `prefix`: one, or those of a group in braces.
fn named_after(code: &str, prefix: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for text in code.split(prefix).skip(1) {
        let Some(group) = text.strip_prefix('{') else {
            names.insert(first_word(text));
            continue;
        };
        let mut depth = 0;
        let mut begins = true;
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => begins = true,
                _ if begins && !c.is_whitespace() => {
                    names.insert(first_word(&group[at..]));
                    begins = false;
                }
                _ => {}
            }
        }
    }
    names.remove("");
    names
}

#[test]
fn names_in_groups_are_seen() {
    let code = "use super::a::X;\nuse super::{b, c::{self, Y},\n d};\nsuper::e::f()";
    let names: Vec<_> = named_after(code, "super::").into_iter().collect();
    assert_eq!(names, ["a", "b", "c", "d", "e"]);
}

/// Files of a module: its own file, or all in its folder.
fn files_of(module: &str) -> Vec<PathBuf> {
    let file = top().join("src").join(format!("{module}.rs"));
    if file.is_file() { vec![file] } else { sources(&top().join("src").join(module)) }
}

#[test]
fn no_module_uses_one_above_it() {
    for room in HOUSE {
        for file in files_of(room.name) {
            for used in named_after(&code(&file), "crate::") {
                let allowed = used == room.name || room.uses.contains(&used.as_str());
                assert!(allowed, "{} uses crate::{used}", file.display());
            }
        }
    }
}

#[test]
fn every_module_knows_only_what_it_may() {
    for room in HOUSE {
        for file in files_of(room.name) {
            let code = code(&file);
            for name in room.never {
                let paths = [format!("{name}::"), format!("use {name};"), format!("dyn {name}")];
                assert!(!paths.iter().any(|path| code.contains(path)), "{} names {name}", file.display());
            }
        }
    }
}

#[test]
fn every_module_is_in_the_house() {
    let listed: BTreeSet<_> = HOUSE.iter().map(|room| room.name.to_owned()).collect();
    let library = code(&top().join("src/lib.rs"));
    let declared: BTreeSet<_> = library
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';').map(str::to_owned))
        .collect();
    assert_eq!(declared, listed);
}

/// Within a module, too, its parts must not use each other in a circle.
#[test]
fn no_part_of_a_module_uses_another_in_a_circle() {
    for room in HOUSE {
        let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let parts: BTreeSet<_> = files_of(room.name).iter().map(|file| part_of(file, room.name)).collect();
        let own = format!("crate::{}::", room.name);
        for file in files_of(room.name) {
            let (part, code) = (part_of(&file, room.name), code(&file));
            let siblings = named_after(&code, "super::").into_iter().chain(named_after(&code, &own));
            let used = siblings.filter(|name| parts.contains(name) && *name != part);
            arrows.entry(part.clone()).or_default().extend(used);
        }
        let circle = circle_in(&arrows);
        assert!(circle.is_none(), "in {}: {}", room.name, circle.unwrap_or_default().join(" -> "));
    }
}

fn part_of(file: &Path, module: &str) -> String {
    let inside = file.strip_prefix(top().join("src").join(module)).unwrap_or(file);
    let first = inside.components().next().expect("a part");
    first.as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned()
}

fn circle_in(arrows: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    fn walk(at: &str, way: &mut Vec<String>, arrows: &BTreeMap<String, BTreeSet<String>>) -> bool {
        if let Some(start) = way.iter().position(|step| step == at) {
            way.drain(..start);
            way.push(at.to_owned());
            return true;
        }
        way.push(at.to_owned());
        if arrows.get(at).into_iter().flatten().any(|next| walk(next, way, arrows)) {
            return true;
        }
        way.pop();
        false
    }
    arrows.keys().find_map(|start| {
        let mut way = Vec::new();
        walk(start, &mut way, arrows).then_some(way)
    })
}

#[test]
fn rooms_have_names_of_their_own() {
    for file in sources(&top().join("src")) {
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        let bag =
            ["util", "utils", "helper", "helpers", "common", "misc", "manager"].contains(&name.as_ref());
        assert!(!bag, "{} has no name of its own", file.display());
    }
}

/// A file that no `mod` names is compiled by nobody, and all its tests pass.
#[test]
fn every_test_file_is_run() {
    let root = top().join("tests/api");
    for file in sources(&root).into_iter().filter(|file| !file.ends_with("tests/api/main.rs")) {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let (folder, name) = match name.as_str() {
            "mod" => {
                let folder = file.parent().expect("a folder");
                let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
                (folder.parent().expect("a folder above").to_owned(), name)
            }
            _ => (file.parent().expect("a folder").to_owned(), name),
        };
        let parents = [folder.join("main.rs"), folder.join("mod.rs"), folder.with_extension("rs")];
        let parent = parents.iter().find(|parent| parent.is_file()).expect("a file that names the others");
        let names = code(parent);
        let named =
            names.lines().any(|line| line.trim_start_matches("pub ").trim() == format!("mod {name};"));
        assert!(named, "{} does not name {}", parent.display(), file.display());
    }
}
