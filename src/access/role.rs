//! What a principal may do, and with which configurations.

use std::fmt;
use std::str::FromStr;

/// What may be done with a configuration. Each may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Read documents, versions and differences.
    Reader,
    /// Write documents, go back to versions, try writes.
    Editor,
    /// Create, describe and delete configurations.
    Admin,
}

const ROLES: [(Role, &str); 3] = [(Role::Reader, "reader"), (Role::Editor, "editor"), (Role::Admin, "admin")];

impl Role {
    /// The word for it, in files and answers.
    pub fn name(self) -> &'static str {
        ROLES.iter().find(|(role, _)| *role == self).map_or("", |(_, name)| name)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// A role, and the configurations that it is for: `editor=staging-*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    role: Role,
    /// A name, in which `*` stands for any characters, also none.
    pattern: String,
}

/// A text that is no grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be reader, editor or admin, an equals sign, and a configuration's name, in which * stands for any \
     characters, such as editor=staging-*"
)]
pub struct NoGrant;

impl FromStr for Grant {
    type Err = NoGrant;

    fn from_str(text: &str) -> Result<Self, NoGrant> {
        let (role, pattern) = text.split_once('=').ok_or(NoGrant)?;
        let (role, _) = ROLES.iter().find(|(_, name)| *name == role.trim()).ok_or(NoGrant)?;
        let pattern = pattern.trim();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-*".contains(c);
        if pattern.is_empty() || !pattern.chars().all(plain) {
            return Err(NoGrant);
        }
        Ok(Grant { role: *role, pattern: pattern.to_owned() })
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}={}", self.role, self.pattern)
    }
}

impl Grant {
    /// Whether the grant gives this role, or a higher one, for this configuration; or for all that a pattern is about,
    /// since only a star takes in a star.
    pub fn gives(&self, role: Role, configuration: &str) -> bool {
        self.role >= role && matches(self.pattern.as_bytes(), configuration.as_bytes())
    }
}

/// Whether the whole name is as the pattern has it. The time is at most the product of the lengths.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut place) = (0, 0);
    // Where the last star stands, and how much of the name it has taken so far.
    let mut star: Option<(usize, usize)> = None;
    while place < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, place));
                at += 1;
            }
            Some(wanted) if Some(wanted) == name.get(place) => {
                at += 1;
                place += 1;
            }
            _ => match star {
                Some((star_at, taken)) => {
                    star = Some((star_at, taken + 1));
                    at = star_at + 1;
                    place = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(at).all(|rest| *rest == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(text: &str) -> Grant {
        text.parse().unwrap_or_else(|_| panic!("{text} is a grant"))
    }

    #[test]
    fn a_pattern_is_about_the_whole_name() {
        for (pattern, name, fits) in [
            ("*", "prod", true),
            ("prod", "prod", true),
            ("prod", "prod2", false),
            ("prod", "aprod", false),
            ("staging-*", "staging-", true),
            ("staging-*", "staging-eu-1", true),
            ("staging-*", "staging", false),
            ("*-eu", "a-eu-eu", true),
            ("*-eu", "a-eu-us", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "acb", false),
            ("**", "x", true),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn a_higher_role_may_what_a_lower_one_may() {
        assert!(grant("admin=prod").gives(Role::Reader, "prod"));
        assert!(grant("editor=*").gives(Role::Editor, "prod"));
        assert!(!grant("editor=*").gives(Role::Admin, "prod"));
        assert!(!grant("reader=*").gives(Role::Editor, "prod"));
        assert!(!grant("admin=prod").gives(Role::Reader, "staging"));
    }

    #[test]
    fn what_is_no_grant() {
        for text in ["", "reader", "reader=", "owner=*", "Reader=*", "reader=PROD", "reader=a/b", "=x"] {
            assert_eq!(text.parse::<Grant>(), Err(NoGrant), "{text}");
        }
        assert_eq!(grant(" reader = prod ").to_string(), "reader=prod");
    }
}
