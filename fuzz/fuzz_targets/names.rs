//! Any text, read as the ids of two entries, a line each, and as the name of a configuration.
#![no_main]

use libfuzzer_sys::fuzz_target;
use revconf::document::{EntryId, KINDS};
use revconf::format::{file_name, path, place};
use revconf::ledger::BranchName;

/// What a file system takes as one name. In bytes.
const LONGEST: usize = 255;

fuzz_target!(|text: &str| {
    let (first, second) = text.split_once('\n').unwrap_or((text, text));
    if let Ok(name) = BranchName::parse(first) {
        assert_eq!(name.as_str(), first);
    }
    let ids: Vec<_> = [first, second].into_iter().filter_map(|text| EntryId::parse(text).ok()).collect();
    for id in &ids {
        assert!([first, second].contains(&id.as_str()), "{id} is not what was read");
        let name = file_name(id);
        let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-%".contains(&byte);
        assert!(name.bytes().all(safe), "{name:?} is not safe in a shell");
        assert!(name.len() <= LONGEST && name.ends_with(".json"), "{name:?}");
        for kind in KINDS {
            let path = path(kind, &name);
            let (found, inside) = place(&path).expect("a place");
            assert_eq!((found.name, inside), (kind.name, name.as_str()));
        }
    }
    if let [one, other] = &ids[..] {
        assert_eq!(one == other, file_name(one) == file_name(other), "{one} and {other} share a file");
    }
});
