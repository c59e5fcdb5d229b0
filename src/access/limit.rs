//! How often something may happen.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So many are counted apart at most, which bounds the memory at a few megabytes. Whoever comes beyond that shares one
/// count with all others of that kind.
const MOST: usize = 65_536;
/// How often those that need not be counted any more are looked for, at most.
const SWEEP: Duration = Duration::from_secs(1);

/// A limit for each of many: so many at once, and then one each so often (the generic cell rate algorithm, which keeps
/// one time for each).
#[derive(Debug)]
pub struct Limit<K> {
    every: Duration,
    burst: u32,
    state: Mutex<State<K>>,
}

#[derive(Debug)]
struct State<K> {
    /// When each will have all its burst again.
    full: HashMap<K, Instant>,
    /// The same for all who are not counted apart.
    rest: Option<Instant>,
    swept: Option<Instant>,
}

impl<K: Eq + Hash + Clone> Limit<K> {
    /// `burst` at once, and then one in `every`.
    pub fn new(every: Duration, burst: u32) -> Self {
        let state = State { full: HashMap::new(), rest: None, swept: None };
        Limit { every, burst: burst.max(1), state: Mutex::new(state) }
    }

    /// Takes one.
    ///
    /// # Errors
    /// How long to wait until there is one.
    pub fn take(&self, key: &K, now: Instant) -> Result<(), Duration> {
        let mut state = self.lock();
        let full = state.of(key, now).filter(|full| *full > now).unwrap_or(now);
        let allowed = self.every * (self.burst - 1);
        let ahead = full.duration_since(now);
        if ahead > allowed {
            return Err(ahead - allowed);
        }
        state.set(key, full + self.every);
        Ok(())
    }

    /// Gives back one that was taken.
    pub fn give_back(&self, key: &K) {
        let mut state = self.lock();
        let earlier = |full: Instant| full.checked_sub(self.every).unwrap_or(full);
        match state.full.get_mut(key) {
            Some(full) => *full = earlier(*full),
            None => state.rest = state.rest.map(earlier),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<K>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash + Clone> State<K> {
    fn of(&mut self, key: &K, now: Instant) -> Option<Instant> {
        let due = self.swept.is_none_or(|swept| now.duration_since(swept) >= SWEEP);
        if self.full.len() >= MOST && due {
            self.full.retain(|_, full| *full > now);
            self.swept = Some(now);
        }
        self.full.get(key).copied().or(if self.full.len() < MOST { None } else { self.rest })
    }

    fn set(&mut self, key: &K, full: Instant) {
        if self.full.len() < MOST || self.full.contains_key(key) {
            self.full.insert(key.clone(), full);
        } else {
            self.rest = Some(full);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_burst_and_then_one_each_so_often() {
        let limit = Limit::new(SECOND, 3);
        let start = Instant::now();
        for _ in 0..3 {
            assert_eq!(limit.take(&"a", start), Ok(()));
        }
        assert_eq!(limit.take(&"a", start), Err(SECOND));
        assert_eq!(limit.take(&"b", start), Ok(()), "others have their own");
        assert_eq!(limit.take(&"a", start + SECOND), Ok(()));
        assert_eq!(limit.take(&"a", start + SECOND), Err(SECOND));
        assert_eq!(limit.take(&"a", start + SECOND * 60), Ok(()));
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let limit = Limit::new(SECOND, 1);
        let start = Instant::now();
        assert_eq!(limit.take(&"a", start), Ok(()));
        limit.give_back(&"a");
        assert_eq!(limit.take(&"a", start), Ok(()));
        assert!(limit.take(&"a", start).is_err());
    }

    #[test]
    fn a_flood_of_strangers_takes_bounded_memory_and_is_still_slowed() {
        let limit = Limit::new(SECOND, 1);
        let start = Instant::now();
        for stranger in 0..MOST {
            assert_eq!(limit.take(&stranger, start), Ok(()));
        }
        assert_eq!(limit.take(&MOST, start), Ok(()), "the first of the rest");
        assert!(limit.take(&(MOST + 1), start).is_err(), "who shares the count of the rest");
        assert!(limit.take(&0, start).is_err(), "who is counted stays so");
        assert_eq!(limit.lock().full.len(), MOST);
        assert_eq!(limit.take(&(MOST + 2), start + SECOND * 2), Ok(()), "old counts make room");
        assert!(limit.lock().full.len() < 10);
    }
}
