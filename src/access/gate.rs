//! Holds what is shown against the principals.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::sync::Semaphore;

use super::address::Site;
use super::credential::Credential;
use super::file::{self, FileError, Stamp};
use super::key::{Hash, Key, KeyError, Memory};
use super::limit::Limit;
use super::principals::{Faults, Principal, Principals};
use super::role::{Grant, Role};
use super::signature::Signature;

/// So many keys are checked at a time: 4 × 19 MiB of memory at most, whoever floods the service with keys.
const CHECKS: usize = 4;
/// So many may wait for that; more are put off.
const WAITING: usize = 256;
/// Requests that bring the same key wait for the one that checks it, in so many queues.
const QUEUES: usize = 64;
/// So much is remembered at most.
const REMEMBERED: usize = 10_000;
/// In which wrong keys are counted.
const MINUTE: Duration = Duration::from_secs(60);
/// When all are busy, this is a good time to come back.
const BUSY: Duration = Duration::from_secs(1);

/// How the gate is kept.
#[derive(Debug, Clone)]
pub struct Options {
    /// The principals' file.
    pub file: PathBuf,
    /// So long what was shown and found right need not be checked again.
    pub remember: Duration,
    /// So many wrong ones may come from an address in a minute.
    pub guesses: u32,
    /// What somebody may do whom a proxy vouches for and the file does not know.
    pub strangers: Vec<Grant>,
}

/// Why there is no gate.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("{} is wrong: {faults}", file.display())]
    Faults { file: PathBuf, faults: Faults },
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// Who asks, as far as that is known.
#[derive(Debug, Clone)]
pub enum Caller {
    /// There are no principals, and everybody may do everything.
    Anybody,
    /// Nobody was asked for.
    Nobody,
    Known(Arc<Principal>),
}

impl Caller {
    /// Whether the caller has this role, or a higher one, for this configuration.
    pub fn may(&self, role: Role, configuration: &str) -> bool {
        match self {
            Caller::Anybody => true,
            Caller::Nobody => false,
            Caller::Known(principal) => principal.may(role, configuration),
        }
    }

    /// Whether the caller has any role at all.
    pub fn may_something(&self) -> bool {
        match self {
            Caller::Anybody => true,
            Caller::Nobody => false,
            Caller::Known(principal) => !principal.grants.is_empty(),
        }
    }

    pub fn principal(&self) -> Option<&Principal> {
        match self {
            Caller::Known(principal) => Some(principal),
            Caller::Anybody | Caller::Nobody => None,
        }
    }
}

/// Why it is not known who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// Nothing was shown.
    Nothing,
    /// What was shown is not right; which part of it is not told.
    Wrong,
    /// It was right once.
    Expired,
    /// Too many wrong ones came from this address, or too many are being checked.
    Later(Duration),
}

/// The gate that every request passes.
pub enum Gate {
    /// There are no principals.
    Open,
    Kept(Box<Kept>),
}

/// A gate with principals.
pub struct Kept {
    options: Options,
    known: ArcSwap<Known>,
    /// The state of the file that was last looked at, be it good or not.
    seen: Mutex<Option<Stamp>>,
    guesses: Limit<Site>,
    checks: Arc<Semaphore>,
    /// What those that are done have left for those that come; never more than there are at a time.
    memories: Arc<Mutex<Vec<Memory>>>,
    waiting: AtomicUsize,
    queues: Vec<tokio::sync::Mutex<()>>,
    /// What is remembered is hashed with this, so that neither a key nor what another process could compute is kept.
    pepper: [u8; 32],
    /// What keys are held against that belong to nobody.
    nobodys: Hash,
}

/// The principals of one state of the file. A new state begins with nothing remembered, so that whoever was taken out
/// of the file is out.
struct Known {
    principals: Principals,
    remembered: RwLock<HashMap<Digest, Remembered>>,
}

type Digest = [u8; 32];

struct Remembered {
    principal: Arc<Principal>,
    until: Instant,
    /// Of a signature: its own end.
    expires: Option<DateTime<Utc>>,
}

impl Gate {
    /// A gate that is kept by the principals of a file.
    ///
    /// # Errors
    /// The file cannot be read, others may read it, or it is wrong.
    pub fn open(options: Options) -> Result<Self, GateError> {
        let seen = Stamp::now(&options.file);
        let principals = read(&options.file)?;
        let mut pepper = [0; 32];
        getrandom::fill(&mut pepper).map_err(KeyError::from)?;
        Ok(Gate::Kept(Box::new(Kept {
            known: ArcSwap::from_pointee(Known::new(principals)),
            seen: Mutex::new(seen),
            guesses: Limit::new(MINUTE / options.guesses.max(1), options.guesses),
            checks: Arc::new(Semaphore::new(CHECKS)),
            memories: Arc::default(),
            waiting: AtomicUsize::new(0),
            queues: (0..QUEUES).map(|_| tokio::sync::Mutex::new(())).collect(),
            pepper,
            nobodys: Hash::new(&Key::new()?)?,
            options,
        })))
    }

    /// Whether everybody may do everything.
    pub fn is_open(&self) -> bool {
        matches!(self, Gate::Open)
    }

    /// Reads the principals' file again if it has changed. What is wrong with a new state is logged, and the old one
    /// stays.
    pub fn refresh(&self) {
        if let Gate::Kept(kept) = self {
            kept.refresh();
        }
    }

    /// Who shows this, from this address.
    ///
    /// # Errors
    /// That is not known.
    pub async fn who(&self, credential: &Credential, address: IpAddr) -> Result<Caller, Denial> {
        match self {
            Gate::Open => Ok(Caller::Anybody),
            Gate::Kept(kept) => kept.who(credential, address.into()).await.map(Caller::Known),
        }
    }
}

impl Kept {
    fn refresh(&self) {
        let now = Stamp::now(&self.options.file);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if now == *seen {
            return;
        }
        *seen = now;
        match read(&self.options.file) {
            Ok(principals) => {
                let count = principals.len();
                self.known.store(Arc::new(Known::new(principals)));
                tracing::info!(principals = count, "the principals were read again");
            }
            Err(error) => {
                tracing::error!(%error, "the principals stay as they were, for their file cannot be taken");
            }
        }
    }

    async fn who(&self, credential: &Credential, site: Site) -> Result<Arc<Principal>, Denial> {
        // One state of the file all the way, so that what is found right in an old one is not remembered in a new one.
        let known = self.known.load_full();
        match credential {
            Credential::Nothing => Err(Denial::Nothing),
            Credential::Unreadable(_) => self.guess(site).and(Err(Denial::Wrong)),
            Credential::Proxy { user, email } => {
                let stranger = || {
                    let grants = self.options.strangers.clone();
                    Arc::new(Principal::stranger(user.clone(), email.clone(), grants))
                };
                Ok(known.principals.named(user).cloned().unwrap_or_else(stranger))
            }
            // TLS has proved that its key is there; nobody guesses a certificate.
            Credential::Certificate(fingerprint) => {
                known.principals.with_certificate(fingerprint).cloned().ok_or(Denial::Wrong)
            }
            Credential::Signature(signature) => self.who_signed(&known, signature, site),
            Credential::Key { key, user, .. } => {
                let principal = self.whose(&known, key, site).await?;
                let meant = user.as_ref().is_none_or(|user| *user == principal.name);
                if meant { Ok(principal) } else { self.guess(site).and(Err(Denial::Wrong)) }
            }
        }
    }

    fn who_signed(&self, known: &Known, signature: &Signature, site: Site) -> Result<Arc<Principal>, Denial> {
        let principal = known.principals.named(signature.uid());
        let key = principal.and_then(|principal| principal.signing_key());
        let digest = self.digest(&format!("signature\n{}", signature.text()));
        let remembered = known.recall(&digest);
        if remembered.is_none() {
            self.guess(site)?;
            // Somebody who is not there is held against a key as well, so that it takes as long.
            let right = signature.is_by(key.unwrap_or("a key that nobody has"));
            if !right || key.is_none() {
                return Err(Denial::Wrong);
            }
            self.guesses.give_back(&site);
        }
        let expires = signature.expires().ok_or(Denial::Wrong)?;
        if expires <= Utc::now() {
            return Err(Denial::Expired);
        }
        if let Some(principal) = remembered {
            return Ok(principal);
        }
        let principal = principal.ok_or(Denial::Wrong)?;
        known.remember(digest, principal, self.options.remember, Some(expires));
        Ok(Arc::clone(principal))
    }

    async fn whose(&self, known: &Arc<Known>, key: &Key, site: Site) -> Result<Arc<Principal>, Denial> {
        let digest = self.digest(&format!("key\n{}", key.reveal()));
        if let Some(principal) = known.recall(&digest) {
            return Ok(principal);
        }
        let _place = Place::take(&self.waiting).ok_or(Denial::Later(BUSY))?;
        // Of many requests that bring the same key at once, one has it checked, and the others find it remembered.
        let queue = self.queues.get(usize::from(digest[0]) % QUEUES).ok_or(Denial::Later(BUSY))?;
        let _turn = queue.lock().await;
        if let Some(principal) = known.recall(&digest) {
            return Ok(principal);
        }
        self.guess(site)?;
        let permit = Arc::clone(&self.checks).acquire_owned().await.map_err(|_| Denial::Later(BUSY))?;
        let (known_there, key_there) = (Arc::clone(known), key.clone());
        let (nobodys, memories) = (self.nobodys.clone(), Arc::clone(&self.memories));
        let checked = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            metrics::counter!("revconf_key_checks_total").increment(1);
            let left = memories.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut memory = left.unwrap_or_default();
            let found = known_there.principals.with_key(key_there.id());
            // An id that nobody has must take as long as a wrong key.
            let right = found.map_or(&nobodys, |(_, hash)| hash).is_of(&key_there, &mut memory);
            memories.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
            found.filter(|_| right).map(|(principal, _)| Arc::clone(principal))
        });
        let principal = checked.await.map_err(|_| Denial::Later(BUSY))?.ok_or(Denial::Wrong)?;
        self.guesses.give_back(&site);
        known.remember(digest, &principal, self.options.remember, None);
        Ok(principal)
    }

    /// Counts a guess; one that turns out to be right is given back.
    fn guess(&self, site: Site) -> Result<(), Denial> {
        self.guesses.take(&site, Instant::now()).map_err(Denial::Later)
    }

    fn digest(&self, text: &str) -> Digest {
        match Hmac::<Sha256>::new_from_slice(&self.pepper) {
            Ok(mac) => mac.chain_update(text).finalize().into_bytes().into(),
            // It takes keys of any length.
            Err(_) => Digest::default(),
        }
    }
}

impl Known {
    fn new(principals: Principals) -> Self {
        Known { principals, remembered: RwLock::default() }
    }

    fn recall(&self, digest: &Digest) -> Option<Arc<Principal>> {
        let remembered = self.remembered.read().unwrap_or_else(PoisonError::into_inner);
        let found = remembered.get(digest).filter(|found| Instant::now() < found.until)?;
        Some(Arc::clone(&found.principal))
    }

    fn remember(
        &self,
        digest: Digest,
        principal: &Arc<Principal>,
        for_how_long: Duration,
        expires: Option<DateTime<Utc>>,
    ) {
        let (now, clock) = (Instant::now(), Utc::now());
        let mut remembered = self.remembered.write().unwrap_or_else(PoisonError::into_inner);
        remembered.retain(|_, old| now < old.until && old.expires.is_none_or(|expires| clock < expires));
        // Only what was right gets in, but who has a signing key can make any number of signatures.
        if remembered.len() >= REMEMBERED {
            return;
        }
        let until = now + for_how_long;
        remembered.insert(digest, Remembered { principal: Arc::clone(principal), until, expires });
    }
}

/// A place among those who wait.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize) -> Option<Self> {
        let place = Place(waiting);
        (waiting.fetch_add(1, Ordering::Relaxed) < WAITING).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn read(path: &Path) -> Result<Principals, GateError> {
    let text = file::read_secret(path)?;
    Principals::parse(&text).map_err(|faults| GateError::Faults { file: path.to_owned(), faults })
}
