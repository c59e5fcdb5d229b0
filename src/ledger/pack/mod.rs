//! Packs as git has them, written by the service itself: what a delta's base is, the committer knows without a search.
//!
//! - [`delta`], [`entry`], [`idx`]: the format
//! - [`build`]: a pack of a batch, made in memory
//! - [`merge`]: packs made one
//! - [`mod@file`]: packs in their folder

pub mod build;
pub mod delta;
pub mod entry;
pub mod file;
pub mod frames;
pub mod idx;
pub mod merge;

/// In bytes: "PACK", the version, the number of objects.
pub const HEAD: usize = 12;

/// The beginning of a pack.
pub fn head(objects: u32) -> [u8; HEAD] {
    let mut head = *b"PACK\0\0\0\x02\0\0\0\0";
    head[8..].copy_from_slice(&objects.to_be_bytes());
    head
}
