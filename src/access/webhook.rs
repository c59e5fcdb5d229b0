//! Secrets that other servers share with this one, to show that a notice is theirs.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// In bytes: a shorter secret could be guessed from one notice.
const SHORTEST: usize = 16;

/// A secret.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

/// The secrets by what they are for.
pub type Secrets = BTreeMap<String, Secret>;

/// A text that is no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have {SHORTEST} bytes or more, such as `openssl rand -hex 32` prints")]
pub struct TooShort;

impl Secret {
    /// Reads a secret, without the white space around it.
    ///
    /// # Errors
    /// It is too short.
    pub fn parse(text: &str) -> Result<Self, TooShort> {
        let bytes = text.trim().as_bytes();
        if bytes.len() < SHORTEST { Err(TooShort) } else { Ok(Secret(bytes.to_vec())) }
    }

    /// Whether this is the secret itself. Takes the same time whatever is wrong.
    pub fn is(&self, shown: &[u8]) -> bool {
        self.0.ct_eq(shown).into()
    }

    /// Begins to look at what was signed with it.
    pub fn notice(&self) -> Notice {
        Notice(Hmac::<Sha256>::new_from_slice(&self.0).ok())
    }
}

/// A notice that is being read, bit by bit.
pub struct Notice(Option<Hmac<Sha256>>);

impl Notice {
    pub fn read(&mut self, bytes: &[u8]) {
        if let Some(mac) = &mut self.0 {
            mac.update(bytes);
        }
    }

    /// Whether this is the signature of all that was read: an HMAC with SHA-256, in hex digits. Takes the same time
    /// whatever is wrong.
    pub fn has(self, hex: &str) -> bool {
        let Some(signature) = bytes(hex) else { return false };
        self.0.is_some_and(|mac| mac.verify_slice(&signature).is_ok())
    }
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = hex.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_github() {
        // The example of its documentation ("Validating webhook deliveries").
        let secret = Secret::parse("It's a Secret to Everybody").expect("long enough");
        let signature = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let is_signed = |parts: &[&str], signature: &str| {
            let mut notice = secret.notice();
            parts.iter().for_each(|part| notice.read(part.as_bytes()));
            notice.has(signature)
        };
        assert!(is_signed(&["Hello, World!"], signature));
        assert!(is_signed(&["Hello, ", "World!"], signature));
        assert!(!is_signed(&["Hello, World"], signature));
        for wrong in ["", "7", "zz", &signature[2..], &signature.replace('7', "8")] {
            assert!(!is_signed(&["Hello, World!"], wrong), "{wrong}");
        }
    }

    #[test]
    fn a_secret_is_not_short() {
        assert!(Secret::parse("  fifteen bytes.  ").is_err());
        let secret = Secret::parse("sixteen bytes...\n").expect("long enough");
        assert!(secret.is(b"sixteen bytes..."));
        assert!(!secret.is(b"sixteen bytes.."));
    }
}
