//! Keys: what they look like, and what is kept of them.

use std::borrow::Cow;
use std::fmt;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use subtle::ConstantTimeEq;

/// What every key begins with, so that a scanner for leaked secrets knows one.
const PREFIX: &str = "rck_";
/// Hex digits of a key's public part.
const ID_DIGITS: usize = 16;
/// Hex digits of its secret part: 256 bits.
const SECRET_DIGITS: usize = 64;

/// The parameters of Argon2id: 19 MiB of memory, two passes, one lane, which is the least that OWASP's Password Storage
/// Cheat Sheet takes. A key has 256 bits of its own, so more would only slow its owner down.
const MEMORY: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;
/// How a hash with these parameters begins.
const HASH_PREFIX: &str = "$argon2id$v=19$m=19456,t=2,p=1$";

/// A key of this service's making: `rck_`, a public id, `_`, and a secret. It is never printed but by `revconf key new`.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

/// Why no key could be made.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the system gives no random bytes: {0}")]
    Chance(#[from] getrandom::Error),
    #[error("the key cannot be hashed: {0}")]
    Hash(#[from] argon2::Error),
}

impl fmt::Debug for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{PREFIX}{}_…", self.id())
    }
}

impl Key {
    /// A new one, from the system's source of chance.
    ///
    /// # Errors
    /// The system gives none.
    pub fn new() -> Result<Self, KeyError> {
        let (mut id, mut secret) = ([0; ID_DIGITS / 2], [0; SECRET_DIGITS / 2]);
        getrandom::fill(&mut id)?;
        getrandom::fill(&mut secret)?;
        Ok(Key(format!("{PREFIX}{}_{}", hex(&id), hex(&secret))))
    }

    /// Reads a key; `None` is a text that is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        (is_id(id) && is_hex(secret, SECRET_DIGITS)).then(|| Key(text.to_owned()))
    }

    /// The public part, by which the principal is found.
    pub fn id(&self) -> &str {
        &self.0[PREFIX.len()..PREFIX.len() + ID_DIGITS]
    }

    /// The whole key, secret and all.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// Whether a text can be a key's public part.
pub fn is_id(text: &str) -> bool {
    is_hex(text, ID_DIGITS)
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// A new signing key: as many random bytes as a key has, as text.
///
/// # Errors
/// The system gives none.
pub fn new_signing_key() -> Result<String, KeyError> {
    let mut secret = [0; SECRET_DIGITS / 2];
    getrandom::fill(&mut secret)?;
    Ok(hex(&secret))
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A text without the secrets of keys that somebody put where they do not belong, such as into a path.
pub fn redact(text: &str) -> Cow<'_, str> {
    if !text.contains(PREFIX) {
        return Cow::Borrowed(text);
    }
    let mut parts = text.split(PREFIX);
    let mut clean = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        clean.push_str(PREFIX);
        match part.split_once('_') {
            Some((id, rest)) if is_id(id) => {
                let after = rest.trim_start_matches(|c: char| c.is_ascii_hexdigit());
                clean.push_str(id);
                clean.push_str("_…");
                clean.push_str(after);
            }
            _ => clean.push_str(part),
        }
    }
    Cow::Owned(clean)
}

/// The 19 MiB that hashing a key takes. They are used again and again: the system's allocator gives such pieces back
/// late or never, and a flood of keys would have it ask for gigabytes.
pub struct Memory(Vec<Block>);

impl Memory {
    pub fn new() -> Self {
        Memory(vec![Block::new(); MEMORY as usize])
    }
}

impl Default for Memory {
    fn default() -> Self {
        Memory::new()
    }
}

/// What is kept of a key (Argon2id, in the PHC string format). All have the same parameters, so that checking a key
/// takes the same time and memory whosever it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Hash {
    salt: Vec<u8>,
    hash: [u8; HASH_BYTES],
}

/// A text that is no such hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a hash that `revconf key new` printed, which begins with {HASH_PREFIX}")]
pub struct NoHash;

impl Hash {
    /// The hash of a new key, under a salt of its own.
    ///
    /// # Errors
    /// The system gives no salt, or not enough memory.
    pub fn new(key: &Key) -> Result<Self, KeyError> {
        let mut salt = vec![0; SALT_BYTES];
        getrandom::fill(&mut salt)?;
        let hash = argon2id(key, &salt, &mut Memory::new())?;
        Ok(Hash { salt, hash })
    }

    /// Reads a hash.
    ///
    /// # Errors
    /// It is none, or its parameters are not those of this service.
    pub fn parse(text: &str) -> Result<Self, NoHash> {
        let (salt, hash) =
            text.strip_prefix(HASH_PREFIX).and_then(|rest| rest.split_once('$')).ok_or(NoHash)?;
        let decode = |text: &str| STANDARD_NO_PAD.decode(text).map_err(|_| NoHash);
        let (salt, hash) = (decode(salt)?, decode(hash)?);
        // As many as the algorithm takes (RFC 9106 section 3.1); this service writes 16.
        if !(8..=64).contains(&salt.len()) {
            return Err(NoHash);
        }
        Ok(Hash { salt, hash: hash.try_into().map_err(|_| NoHash)? })
    }

    /// Whether this is the key's hash. Takes some 30 ms of a core.
    pub fn is_of(&self, key: &Key, memory: &mut Memory) -> bool {
        argon2id(key, &self.salt, memory).is_ok_and(|hash| hash.ct_eq(&self.hash).into())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (salt, hash) = (STANDARD_NO_PAD.encode(&self.salt), STANDARD_NO_PAD.encode(self.hash));
        write!(out, "{HASH_PREFIX}{salt}${hash}")
    }
}

fn argon2id(key: &Key, salt: &[u8], memory: &mut Memory) -> Result<[u8; HASH_BYTES], argon2::Error> {
    let mut hash = [0; HASH_BYTES];
    let params = Params::new(MEMORY, PASSES, LANES, Some(HASH_BYTES))?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into_with_memory(key.0.as_bytes(), salt, &mut hash, memory.0.as_mut_slice())?;
    Ok(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_again_in_its_text() {
        let key = Key::new().expect("chance");
        assert_eq!(Key::parse(key.reveal()), Some(key.clone()));
        assert!(is_id(key.id()));
        assert!(!format!("{key:?}").contains(&key.reveal()[25..]));
        assert_ne!(Key::new().expect("chance"), key);
    }

    #[test]
    fn what_is_no_key() {
        let key = Key::new().expect("chance");
        let text = key.reveal();
        for bad in
            ["", "rck_", &text[1..], &text[..text.len() - 1], &format!("{text}0"), &text.to_uppercase()]
        {
            assert_eq!(Key::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_hash_knows_its_key_and_no_other() {
        let (key, other) = (Key::new().expect("chance"), Key::new().expect("chance"));
        let hash = Hash::new(&key).expect("chance");
        // What an earlier key has left in the memory makes no difference.
        let mut memory = Memory::new();
        assert!(hash.is_of(&key, &mut memory) && !hash.is_of(&other, &mut memory));
        let again = Hash::parse(&hash.to_string()).expect("a hash");
        assert!(again.is_of(&key, &mut memory));
        assert_ne!(Hash::new(&key).expect("chance").to_string(), hash.to_string());
    }

    #[test]
    fn what_is_no_hash() {
        let hash = Hash::new(&Key::new().expect("chance")).expect("chance").to_string();
        for bad in [
            String::new(),
            hash.replace("argon2id", "argon2i"),
            hash.replace("m=19456", "m=8"),
            hash.replace("t=2", "t=1"),
            hash[..hash.len() - 4].to_owned(),
            hash.rsplit_once('$').map(|(start, _)| start.to_owned()).unwrap_or_default(),
        ] {
            assert!(Hash::parse(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn secrets_are_cut_out_of_texts() {
        let key = Key::new().expect("chance");
        let clean = redact(&format!("/conf/{}/x", key.reveal())).into_owned();
        assert_eq!(clean, format!("/conf/rck_{}_…/x", key.id()));
        assert_eq!(redact("/conf/rck_x"), "/conf/rck_x");
    }
}
