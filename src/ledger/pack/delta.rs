//! Deltas: how one object is made from another (gitformat-pack, "Deltified representation").

use std::collections::HashMap;

/// What a delta is made of. Kept apart from its encoding, so that neighbouring copies become one.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// So many bytes of the base, from an offset.
    Copy { from: usize, length: usize },
    /// So many bytes of the target, from an offset.
    Insert { from: usize, length: usize },
}

/// Collects the steps that lead from one object to another.
#[derive(Debug, Default)]
pub struct Script {
    steps: Vec<Step>,
}

/// A copy tells its length in three bytes and its offset in four.
const LONGEST_COPY: usize = 0xff_ffff;
const LONGEST_INSERT: usize = 0x7f;
/// Longer objects are stored whole: a copy could not reach their end.
const LONGEST: usize = u32::MAX as usize;
/// In bytes: git takes no shorter delta (`DELTA_SIZE_MIN`).
const SHORTEST: usize = 4;
/// In bytes. What is shorter is cheaper inserted than copied.
const BLOCK: usize = 16;

impl Script {
    /// Takes `length` bytes of the base over.
    pub fn copy(&mut self, from: usize, length: usize) {
        match self.steps.last_mut() {
            _ if length == 0 => {}
            Some(Step::Copy { from: start, length: so_far }) if *start + *so_far == from => *so_far += length,
            _ => self.steps.push(Step::Copy { from, length }),
        }
    }

    /// Takes `length` bytes of the target.
    pub fn insert(&mut self, from: usize, length: usize) {
        match self.steps.last_mut() {
            _ if length == 0 => {}
            Some(Step::Insert { from: start, length: so_far }) if *start + *so_far == from => {
                *so_far += length;
            }
            _ => self.steps.push(Step::Insert { from, length }),
        }
    }

    /// The bytes of the delta; `None` if it would not be smaller than half of the target, or so small that git takes it for
    /// broken, as one that makes nothing would be.
    pub fn encode(&self, base: usize, target: &[u8]) -> Option<Vec<u8>> {
        if base > LONGEST || target.len() > LONGEST {
            return None;
        }
        let mut bytes = Vec::with_capacity(64);
        size(base, &mut bytes);
        size(target.len(), &mut bytes);
        for step in &self.steps {
            match *step {
                Step::Copy { mut from, mut length } => {
                    while length > 0 {
                        let part = length.min(LONGEST_COPY);
                        copy(from, part, &mut bytes);
                        (from, length) = (from + part, length - part);
                    }
                }
                Step::Insert { from, length } => {
                    for part in target[from..from + length].chunks(LONGEST_INSERT) {
                        bytes.push(part.len().to_le_bytes()[0]);
                        bytes.extend_from_slice(part);
                    }
                }
            }
            if bytes.len() * 2 > target.len() {
                return None;
            }
        }
        (bytes.len() >= SHORTEST).then_some(bytes)
    }
}

/// The delta from one object to another that resembles it; `None` if there is none worth having.
pub fn between(base: &[u8], target: &[u8]) -> Option<Vec<u8>> {
    let prefix = base.iter().zip(target).take_while(|(a, b)| a == b).count();
    let (rest_of_base, rest) = (&base[prefix..], &target[prefix..]);
    let suffix = rest_of_base.iter().rev().zip(rest.iter().rev()).take_while(|(a, b)| a == b).count();
    let middle = &rest[..rest.len() - suffix];
    let mut script = Script::default();
    script.copy(0, prefix);
    between_middles(&base[..base.len() - suffix], prefix, middle, &mut script);
    script.copy(base.len() - suffix, suffix);
    script.encode(base.len(), target)
}

/// Finds blocks of the base, from `start` on, in a part of the target that begins at `start` there, too.
fn between_middles(base: &[u8], start: usize, middle: &[u8], script: &mut Script) {
    let mut blocks = HashMap::new();
    if middle.len() >= BLOCK {
        for (nth, block) in base[start..].chunks_exact(BLOCK).enumerate() {
            blocks.entry(block).or_insert(start + nth * BLOCK);
        }
    }
    let (mut at, mut inserted) = (0, 0);
    while at + BLOCK <= middle.len() {
        let Some(&found) = blocks.get(&middle[at..at + BLOCK]) else {
            at += 1;
            continue;
        };
        // A block of the base seldom begins where the likeness does.
        let back = base[start..found].iter().rev().zip(middle[inserted..at].iter().rev());
        let back = back.take_while(|(a, b)| a == b).count();
        let on = base[found..].iter().zip(&middle[at..]).take_while(|(a, b)| a == b).count();
        script.insert(start + inserted, at - back - inserted);
        script.copy(found - back, back + on);
        at += on;
        inserted = at;
    }
    script.insert(start + inserted, middle.len() - inserted);
}

fn size(mut size: usize, bytes: &mut Vec<u8>) {
    while size > 0x7f {
        bytes.push(size.to_le_bytes()[0] | 0x80);
        size >>= 7;
    }
    bytes.push(size.to_le_bytes()[0]);
}

/// A byte that says which bytes of offset and length follow, and those: the ones that are not zero.
fn copy(from: usize, length: usize, bytes: &mut Vec<u8>) {
    let head = bytes.len();
    bytes.push(0x80);
    let parts = from.to_le_bytes().into_iter().take(4).chain(length.to_le_bytes().into_iter().take(3));
    for (bit, byte) in parts.enumerate() {
        if byte != 0 {
            bytes[head] |= 1 << bit;
            bytes.push(byte);
        }
    }
}

/// Makes the target from the base; `None` if the delta is not one of this base.
pub fn apply(base: &[u8], delta: &[u8]) -> Option<Vec<u8>> {
    let mut rest = delta.iter().copied();
    if read_size(&mut rest)? != base.len() {
        return None;
    }
    let length = read_size(&mut rest)?;
    let mut target = Vec::with_capacity(length.min(base.len().saturating_add(delta.len())));
    while let Some(head) = rest.next() {
        if head & 0x80 == 0 {
            let before = target.len();
            target.extend(rest.by_ref().take(usize::from(head)));
            if head == 0 || target.len() != before + usize::from(head) {
                return None;
            }
            continue;
        }
        let mut parts = [0_usize; 7];
        for (bit, part) in parts.iter_mut().enumerate() {
            if head & (1 << bit) != 0 {
                *part = usize::from(rest.next()?);
            }
        }
        let number = |parts: &[usize]| parts.iter().rev().fold(0, |number, part| number << 8 | part);
        let (from, length) = (number(&parts[..4]), number(&parts[4..]));
        // A length of zero stands for 64 KiB.
        let length = if length == 0 { 0x1_0000 } else { length };
        target.extend_from_slice(base.get(from..from.checked_add(length)?)?);
    }
    (target.len() == length).then_some(target)
}

fn read_size(bytes: &mut impl Iterator<Item = u8>) -> Option<usize> {
    let mut size = 0_usize;
    for shift in (0..usize::BITS).step_by(7) {
        let byte = bytes.next()?;
        size |= usize::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(size);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_git_would_take_for_broken_is_no_delta() {
        for base in [&b""[..], b"x", &noise(64)] {
            assert_eq!(between(base, b""), None);
        }
    }

    fn noise(length: usize) -> Vec<u8> {
        let mut state = 1_u32;
        let next = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        (0..length).map(next).collect()
    }

    proptest! {
        #[test]
        fn a_delta_leads_to_its_target(
            base in proptest::collection::vec(0_u8..3, 0..400),
            edits in proptest::collection::vec((any::<prop::sample::Index>(), 0_usize..60, proptest::collection::vec(0_u8..3, 0..60)), 0..6),
        ) {
            let mut target = base.clone();
            for (at, removed, added) in edits {
                let at = at.index(target.len() + 1);
                let end = (at + removed).min(target.len());
                target.splice(at..end, added);
            }
            if let Some(delta) = between(&base, &target) {
                prop_assert_eq!(apply(&base, &delta), Some(target));
            }
        }

        #[test]
        fn no_bytes_are_trusted(base in proptest::collection::vec(any::<u8>(), 0..50), delta in proptest::collection::vec(any::<u8>(), 0..50)) {
            if let Some(target) = apply(&base, &delta) {
                prop_assert!(target.len() <= 50 * base.len() + 50);
            }
        }
    }

    #[test]
    fn what_is_alike_is_copied() {
        let base = noise(20_000_000);
        let mut target = base.clone();
        target.splice(5_000_000..5_000_100, *b"something else");
        target.splice(70_000..70_000, *b"and more");
        let delta = between(&base, &target).expect("worth having");
        assert!(delta.len() < 200, "{}", delta.len());
        assert!(apply(&base, &delta).is_some_and(|made| made == target));
        assert_eq!(between(&noise(500), &[7; 500]), None);
    }
}
