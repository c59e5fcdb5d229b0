//! `0001_initial`: a configuration is a tree with a `config.json`.

use super::{Migration, header, set_format};

pub const MIGRATION: Migration = Migration {
    number: 1,
    name: "initial",
    upgrade: |files| {
        if files.contains_key(header::PATH) { Ok(()) } else { set_format(files, 1) }
    },
    concerns: |_| false,
};
