//! Who pushes.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::fate::Told;
use crate::ledger::Identity;
use crate::ledger::wire::Place;
use crate::registry::sight::May;

/// What somebody may do by now; `None` if they are not let in any more.
pub type Again = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Option<May>>>> + Send + Sync>;

/// Somebody who pushes.
pub struct Pusher {
    /// Named where a change has an author.
    pub who: Identity,
    /// What they might do when they came.
    pub may: May,
    /// A push may take long, and somebody may be shut out meanwhile.
    pub again: Again,
    pub told: Told,
}

/// Those who push now, by the tokens that their hooks bring.
pub type Pushers = Mutex<HashMap<String, Pushing>>;

/// A push at work.
#[derive(Clone)]
pub struct Pushing {
    pub pusher: Arc<Pusher>,
    /// What is started for it has no other, and keeps this until it has ended, also if the client goes away.
    pub place: Place,
}

/// Takes a pusher from the list when the push has ended.
pub struct Listed {
    pub token: String,
    pub pushers: Arc<Pushers>,
}

impl Drop for Listed {
    fn drop(&mut self) {
        lock(&self.pushers).remove(&self.token);
    }
}

pub fn lock(pushers: &Pushers) -> MutexGuard<'_, HashMap<String, Pushing>> {
    pushers.lock().unwrap_or_else(PoisonError::into_inner)
}
