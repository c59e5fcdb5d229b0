//! Which objects a pack has, and where.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use git2::Oid;

/// Where the names begin in the file.
const NAMES: u64 = 8 + 4 * 256;
/// After so many names were looked for in a pack, it is worth its reading to have them at hand.
const FEW: u32 = 4096;
/// In bytes: so much of the names is read at a time.
const STRETCH: usize = 20 << 12;

/// The index of a pack (gitformat-pack, version 2): the objects' names in order, and where each is.
pub struct Names {
    file: File,
    /// How many names begin with each byte or a lower one.
    fan: Vec<u32>,
    /// So many names were looked for.
    asked: u32,
    at_hand: Option<AtHand>,
}

/// What tells most names apart, in the order of the names: eight bytes for each.
struct AtHand {
    /// The four bytes after the first.
    tails: Vec<u32>,
    offsets: Vec<u32>,
}

/// The first of sorted numbers that is no less than one. They are spread evenly, so it is looked for where it should be
/// first: all over the memory takes several times as long.
fn first_of(sorted: &[u32], wanted: u32) -> usize {
    let guess = (sorted.len() as u64 * u64::from(wanted)) >> 32;
    let (guess, spread) = (usize::try_from(guess).unwrap_or_default(), sorted.len().isqrt() + 8);
    let (from, to) = (guess.saturating_sub(spread), (guess + spread).min(sorted.len()));
    let is_less = |nth: usize| sorted.get(nth).is_some_and(|other| *other < wanted);
    if (from == 0 || is_less(from - 1)) && !is_less(to) {
        return from + sorted[from..to].partition_point(|other| *other < wanted);
    }
    sorted.partition_point(|other| *other < wanted)
}

fn number(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |sum, b| sum << 8 | u32::from(*b))
}

impl AtHand {
    fn read(file: &File, all: usize) -> Option<Self> {
        let (mut tails, mut offsets) = (Vec::with_capacity(all), Vec::with_capacity(all));
        let mut block = vec![0; STRETCH];
        let mut stretches = |from: u64, size: usize, take: &mut dyn FnMut(&[u8])| {
            let mut done = 0;
            while done < all * size {
                let next = block.get_mut(..STRETCH.min(all * size - done))?;
                file.read_exact_at(next, from + done as u64).ok()?;
                next.chunks_exact(size).for_each(&mut *take);
                done += next.len();
            }
            Some(())
        };
        stretches(NAMES, 20, &mut |name| tails.push(number(&name[1..5])))?;
        stretches(NAMES + all as u64 * 24, 4, &mut |offset| offsets.push(number(offset)))?;
        Some(AtHand { tails, offsets })
    }
}

impl Names {
    /// `None` if the file cannot be read, is damaged, or is of another version.
    pub fn open(path: &Path) -> Option<Self> {
        let file = File::open(path).ok()?;
        let mut head = [0; 8 + 4 * 256];
        file.read_exact_at(&mut head, 0).ok()?;
        if head[..8] != *b"\xfftOc\0\0\0\x02" {
            return None;
        }
        let fan: Vec<u32> = head[8..].chunks_exact(4).map(number).collect();
        // Of a damaged one, what it says of itself would be believed, and memory be asked for accordingly.
        let least = NAMES + u64::from(*fan.last()?) * 28 + 40;
        let is_sound = fan.is_sorted() && file.metadata().ok()?.len() >= least;
        is_sound.then_some(Names { file, fan, asked: 0, at_hand: None })
    }

    fn all(&self) -> u32 {
        self.fan.last().copied().unwrap_or_default()
    }

    /// Where an object begins in the pack; `None` if it is not there.
    pub fn offset(&mut self, id: Oid) -> Option<u64> {
        self.asked = self.asked.saturating_add(1);
        if self.asked == FEW {
            self.at_hand = AtHand::read(&self.file, usize::try_from(self.all()).ok()?);
        }
        let name = id.as_bytes();
        let first = usize::from(*name.first()?);
        let low = if first == 0 { 0 } else { *self.fan.get(first - 1)? };
        let high = *self.fan.get(first)?;
        match &self.at_hand {
            Some(at_hand) => self.offset_at_hand(at_hand, name, low, high),
            None => self.offset_in_file(name, low.into(), high.into()),
        }
    }

    fn offset_at_hand(&self, at_hand: &AtHand, name: &[u8], low: u32, high: u32) -> Option<u64> {
        let (low, high) = (usize::try_from(low).ok()?, usize::try_from(high).ok()?);
        let tail = number(name.get(1..5)?);
        let tails = at_hand.tails.get(low..high)?;
        let begin = first_of(tails, tail);
        let alike = tails.iter().skip(begin).take_while(|other| **other == tail).count();
        for nth in low + begin..low + begin + alike {
            let mut whole = [0; 20];
            self.file.read_exact_at(&mut whole, NAMES + nth as u64 * 20).ok()?;
            if whole == name {
                return self.far(*at_hand.offsets.get(nth)?);
            }
        }
        None
    }

    fn offset_in_file(&self, name: &[u8], mut low: u64, mut high: u64) -> Option<u64> {
        // Where the name must be if all are spread evenly; it is seldom far from there.
        let rest = u64::from(number(name.get(1..5)?));
        let mut guess = low + (((high - low) * rest) >> 32);
        let mut spread = (high - low).isqrt() / 2 + 8;
        let mut block = Vec::new();
        while low < high {
            let begin = guess.saturating_sub(spread).clamp(low, high - 1);
            let end = (begin + 2 * spread).min(high);
            block.resize(usize::try_from((end - begin) * 20).ok()?, 0);
            self.file.read_exact_at(&mut block, NAMES + begin * 20).ok()?;
            let (names, _) = block.as_chunks::<20>();
            match names.binary_search_by(|found| found.as_slice().cmp(name)) {
                Ok(nth) => return self.offset_of(begin + u64::try_from(nth).ok()?),
                Err(0) => (high, guess) = (begin, begin.saturating_sub(spread)),
                Err(nth) if nth == names.len() => (low, guess) = (end, end + spread),
                Err(_) => return None,
            }
            spread *= 2;
        }
        None
    }

    fn offset_of(&self, nth: u64) -> Option<u64> {
        let mut four = [0; 4];
        self.file.read_exact_at(&mut four, NAMES + u64::from(self.all()) * 24 + nth * 4).ok()?;
        self.far(number(&four))
    }

    /// An offset as it stands beside the names is one of a table of larger ones if its first bit is set.
    fn far(&self, offset: u32) -> Option<u64> {
        if offset >> 31 == 0 {
            return Some(offset.into());
        }
        let mut eight = [0; 8];
        let nth = u64::from(offset & 0x7fff_ffff);
        self.file.read_exact_at(&mut eight, NAMES + u64::from(self.all()) * 28 + nth * 8).ok()?;
        Some(u64::from_be_bytes(eight))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::pack::idx::{Place, encode};

    #[test]
    fn numbers_are_found_however_they_are_spread() {
        let even: Vec<u32> = (0..1000).map(|nth| nth * 4_000_000).collect();
        let uneven: Vec<u32> = (0..1000).map(|nth| nth * nth).collect();
        for sorted in [&even, &uneven, &vec![5; 100], &Vec::new()] {
            for wanted in sorted.iter().flat_map(|n| [n.saturating_sub(1), *n, n + 1]).chain([0, u32::MAX]) {
                assert_eq!(first_of(sorted, wanted), sorted.partition_point(|other| *other < wanted));
            }
        }
    }

    #[test]
    fn names_are_found_in_the_file_and_at_hand() {
        let mut places: Vec<Place> = (0..20_000_u32)
            .map(|nth| {
                let mut id = [7; 20];
                id.copy_from_slice(
                    Oid::hash_object(git2::ObjectType::Blob, &nth.to_le_bytes()).unwrap().as_bytes(),
                );
                // Some that differ late only.
                if nth % 100 < 3 {
                    id[..6].copy_from_slice(&[9; 6]);
                }
                let offset = u64::from(nth) << if nth % 7 == 0 { 24 } else { 8 };
                Place { id, checksum: nth, offset }
            })
            .collect();
        places.sort_by_key(|place| place.id);
        let home = tempfile::TempDir::new().unwrap();
        let path = home.path().join("pack.idx");
        std::fs::write(&path, encode(&places, &[0; 20]).unwrap()).unwrap();
        let mut names = Names::open(&path).unwrap();
        let id = |bytes: &[u8; 20]| Oid::from_bytes(bytes).unwrap();
        for round in 0..2 {
            for place in places.iter().step_by(7) {
                assert_eq!(names.offset(id(&place.id)), Some(place.offset), "round {round}");
                let mut absent = place.id;
                absent[19] ^= 1;
                assert_eq!(names.offset(id(&absent)), None, "round {round}");
            }
            assert!(names.at_hand.is_some(), "the second round is one at hand");
        }
        for (at, byte) in [(8 + 4 * 255, 0x80), (8 + 4 * 3, 0x7f)] {
            let mut damaged = std::fs::read(&path).unwrap();
            damaged[at] = byte;
            let path = home.path().join("damaged.idx");
            std::fs::write(&path, damaged).unwrap();
            assert!(Names::open(&path).is_none(), "damaged at {at}");
        }
        assert_eq!(names.offset(id(&[0; 20])), None);
        assert_eq!(names.offset(id(&[255; 20])), None);
    }
}
