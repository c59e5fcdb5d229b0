//! Memory that requests may take together, counted before it is taken.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// In bytes: budgets are counted in these.
const UNIT: usize = 1024;

/// So much memory.
#[derive(Debug)]
pub struct Budget {
    units: Arc<Semaphore>,
    all: u32,
}

/// A part of a budget. It goes back when the last copy is dropped, so whoever works on behalf of a request keeps one:
/// a client that has gone does not end what it began.
#[derive(Debug, Clone, Default)]
pub struct Share {
    _units: Option<Arc<OwnedSemaphorePermit>>,
}

impl Budget {
    /// `bytes` is what all shares may come to.
    pub fn new(bytes: usize) -> Self {
        let all = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX).max(1);
        Budget { units: Arc::new(Semaphore::new(all as usize)), all }
    }

    /// Takes so many bytes, or all where there are not so many. Whoever comes first is served first. `None` if they are
    /// not to be had within `patience`.
    pub async fn take(&self, bytes: usize, patience: Duration) -> Option<Share> {
        self.take_units(u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX), patience).await
    }

    /// Takes one of so many equal parts of all, as [`Budget::take`] does.
    pub async fn take_part(&self, parts: u32, patience: Duration) -> Option<Share> {
        self.take_units(self.all / parts, patience).await
    }

    async fn take_units(&self, units: u32, patience: Duration) -> Option<Share> {
        let units = units.clamp(1, self.all);
        let permit = match Arc::clone(&self.units).try_acquire_many_owned(units) {
            Ok(permit) => permit,
            Err(_) => {
                timeout(patience, Arc::clone(&self.units).acquire_many_owned(units)).await.ok()?.ok()?
            }
        };
        Some(Share { _units: Some(Arc::new(permit)) })
    }
}
