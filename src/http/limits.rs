//! How often somebody may ask.

use std::sync::Arc;
use std::time::Duration;

use crate::access::address::Site;
use crate::access::limit::Limit;

/// The limits of the settings; those that are off are none.
#[derive(Debug, Default)]
pub struct Limits {
    pub principal: Option<Limit<Arc<str>>>,
    pub address: Option<Limit<Site>>,
}

impl Limits {
    /// So many requests a second, 0 being any number, and so many at once.
    pub fn new(principal: u32, address: u32, burst: u32) -> Self {
        let every = |rate: u32| (rate > 0).then(|| Duration::from_secs(1) / rate);
        Limits {
            principal: every(principal).map(|every| Limit::new(every, burst)),
            address: every(address).map(|every| Limit::new(every, burst)),
        }
    }
}
