//! Azure API Management's `SharedAccessSignature`: who asks, until when, and a signature over both.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, NaiveDateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha512;

/// `uid=…&ex=…&sn=…`, read but not checked.
#[derive(Clone, PartialEq, Eq)]
pub struct Signature {
    uid: String,
    /// As it was signed.
    ex: String,
    sn: Vec<u8>,
}

impl Signature {
    /// Reads the fields, each of which is there once, in any order. Nothing is decoded as a form's: base64 has `+`.
    pub fn parse(text: &str) -> Option<Self> {
        let (mut uid, mut ex, mut sn) = (None, None, None);
        for field in text.trim().split('&') {
            let (name, value) = field.split_once('=')?;
            let place = match name {
                "uid" => &mut uid,
                "ex" => &mut ex,
                "sn" => &mut sn,
                _ => return None,
            };
            if place.replace(value.to_owned()).is_some() {
                return None;
            }
        }
        let sn = STANDARD.decode(sn?).ok()?;
        Some(Signature { uid: uid?, ex: ex?, sn })
    }

    /// Who asks.
    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// All of it, in one way.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}", self.uid, self.ex, STANDARD.encode(&self.sn))
    }

    /// Whether the signature was made with this key, over these fields. Takes the same time whatever is wrong.
    pub fn is_by(&self, key: &str) -> bool {
        let Ok(mac) = Hmac::<Sha512>::new_from_slice(key.as_bytes()) else { return false };
        mac.chain_update(format!("{}\n{}", self.uid, self.ex)).verify_slice(&self.sn).is_ok()
    }

    /// Until when the signature holds; `None` where that cannot be read.
    pub fn expires(&self) -> Option<DateTime<Utc>> {
        time(&self.ex)
    }
}

/// A time of ISO 8601. One without an offset is in UTC, as Azure's own tools write it.
fn time(text: &str) -> Option<DateTime<Utc>> {
    let with_offset = DateTime::parse_from_rfc3339(text).map(|time| time.to_utc());
    let forms = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"];
    let without = || {
        forms
            .iter()
            .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
            .map(|time| time.and_utc())
    };
    with_offset.ok().or_else(without)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "a key that is used for signing and for nothing else";

    fn signed(text: &str) -> String {
        let mac = Hmac::<Sha512>::new_from_slice(KEY.as_bytes()).expect("any length").chain_update(text);
        STANDARD.encode(mac.finalize().into_bytes())
    }

    #[test]
    fn a_signature_is_over_who_and_until_when() {
        let sn = signed("alice\n2030-01-02T03:04:05.0000000Z");
        let read = |text: &str| Signature::parse(text).unwrap_or_else(|| panic!("{text}"));
        assert!(read(&format!("uid=alice&ex=2030-01-02T03:04:05.0000000Z&sn={sn}")).is_by(KEY));
        assert!(read(&format!("sn={sn}&uid=alice&ex=2030-01-02T03:04:05.0000000Z")).is_by(KEY));
        assert!(!read(&format!("uid=bob&ex=2030-01-02T03:04:05.0000000Z&sn={sn}")).is_by(KEY));
        assert!(!read(&format!("uid=alice&ex=2031-01-02T03:04:05.0000000Z&sn={sn}")).is_by(KEY));
        assert!(!read(&format!("uid=alice&ex=2030-01-02T03:04:05.0000000Z&sn={sn}")).is_by("other"));
        let swapped = signed("2030-01-02T03:04:05.0000000Z\nalice");
        assert!(!read(&format!("uid=alice&ex=2030-01-02T03:04:05.0000000Z&sn={swapped}")).is_by(KEY));
    }

    #[test]
    fn what_is_no_signature() {
        for text in [
            "",
            "uid=a&ex=b",
            "uid=a&ex=b&sn=?",
            "uid=a&ex=b&sn=AA==&x=y",
            "uid=a&uid=b&ex=c&sn=AA==",
            "uid=a&ex=b&sn",
            "uid=a&ex=b&sn=AA==&",
        ] {
            assert!(Signature::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn times_in_the_ways_that_clients_write_them() {
        let wanted = "2030-01-02T03:04:05+00:00";
        for text in [
            "2030-01-02T03:04:05Z",
            "2030-01-02T03:04:05.0000000Z",
            "2030-01-02T05:04:05+02:00",
            "2030-01-02T03:04:05",
            "2030-01-02T03:04:05.0000000",
        ] {
            assert_eq!(time(text).map(|time| time.to_rfc3339()), Some(wanted.to_owned()), "{text}");
        }
        for text in ["", "tomorrow", "2030-13-01T00:00:00Z", "1893553445"] {
            assert_eq!(time(text), None, "{text}");
        }
    }
}
