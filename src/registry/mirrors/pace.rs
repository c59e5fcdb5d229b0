//! When the next attempt is made.

use std::time::Duration;

/// After the first failure.
const SHORTEST: Duration = Duration::from_secs(1);
/// However often it failed: what comes back is found again within this time.
const LONGEST: Duration = Duration::from_secs(300);

/// Pauses that grow with each failure. Each is by chance between a half and the whole of what it could be, so that many who
/// wait for the same server do not come at once.
#[derive(Debug, Default)]
pub struct Pace {
    failures: u32,
}

impl Pace {
    /// It went well.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// It failed: so long is waited now.
    pub fn next(&mut self) -> Duration {
        let whole = SHORTEST.saturating_mul(1 << self.failures.min(16)).min(LONGEST);
        self.failures += 1;
        let chance = f64::from(getrandom::u32().unwrap_or_default()) / f64::from(u32::MAX);
        whole.mul_f64(0.5 + chance / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit() {
        let mut pace = Pace::default();
        let pauses: Vec<_> = (0..20).map(|_| pace.next()).collect();
        assert!(pauses[0] <= SHORTEST && pauses[0] >= SHORTEST / 2);
        assert!(pauses[4] > pauses[0]);
        assert!(pauses[19] <= LONGEST && pauses[19] >= LONGEST / 2);
        pace.reset();
        assert!(pace.next() <= SHORTEST);
    }
}
