//! Random numbers that a failure can be repeated with.

use std::time::Duration;

/// A generator that begins with a seed (Numerical Recipes).
pub struct Chance(pub u32);

impl Chance {
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as usize % end
    }

    /// A time shorter than this.
    pub fn moment(&mut self, end: Duration) -> Duration {
        Duration::from_micros(self.below(end.as_micros() as usize) as u64)
    }
}
