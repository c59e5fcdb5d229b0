//! Trees that others are deltas of.

use std::collections::VecDeque;

use bytes::Bytes;

use super::delta;

/// So many deltas lead from an object to one that is stored whole at most, as far as one pack's own chains go. Each of
/// them costs whoever reads the object a copy of it.
pub const LONGEST_CHAIN: u32 = 32;
/// So many trees are remembered: as many lines of folders may be interwoven in a pack.
const REMEMBERED: usize = 6;

/// Trees that were written lately, newest first.
#[derive(Default)]
pub struct Frames(VecDeque<Frame>);

struct Frame {
    offset: u64,
    chain: u32,
    bytes: Bytes,
}

/// A delta of a tree that was written before.
pub struct Found {
    pub delta: Vec<u8>,
    pub base: u64,
    pub chain: u32,
}

impl Frames {
    /// A delta of one of the trees, if one of them is like this one.
    pub fn find(&self, tree: &[u8]) -> Option<Found> {
        let alike = |frame: &&Frame| {
            frame.chain < LONGEST_CHAIN && tree.len().abs_diff(frame.bytes.len()) <= tree.len() / 4 + 64
        };
        let found = |frame: &Frame| {
            let delta = delta::between(&frame.bytes, tree)?;
            Some(Found { delta, base: frame.offset, chain: frame.chain + 1 })
        };
        self.0.iter().filter(alike).find_map(found)
    }

    /// Remembers a tree that was written at an offset, as the last delta of a chain of this length. It takes the place
    /// of the one that it is a delta of.
    pub fn remember(&mut self, offset: u64, chain: u32, bytes: Bytes, base: Option<u64>) {
        match base.and_then(|base| self.0.iter().position(|frame| frame.offset == base)) {
            Some(at) => {
                self.0.remove(at);
            }
            None => self.0.truncate(REMEMBERED - 1),
        }
        self.0.push_front(Frame { offset, chain, bytes });
    }
}
