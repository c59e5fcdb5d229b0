//! How this service shows another who asks. Nothing of it is in a command line, in a repository's settings or in a log:
//! files are named to ssh, and a token goes to git through the environment of the call, which only the same user and
//! root can read.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::RemoteError;
use super::address::{Address, Transport};

/// What is shown to the other side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    Nothing,
    /// By ssh: a private key, and the file that says which hosts are the right ones.
    Key {
        key: PathBuf,
        known_hosts: PathBuf,
    },
    /// By HTTP: a user, and the file with their token. It is read at each call, so that it can be changed.
    Token {
        user: String,
        file: PathBuf,
    },
    /// By HTTP: a key of another instance of this service.
    Bearer(Key),
}

/// A key that nothing prints.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    pub fn new(text: String) -> Self {
        Key(text)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

/// Why credentials cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsFault {
    #[error("{name} has one of \" \\ $ or a control character in it, which ssh would read as something else")]
    Path { name: &'static str },
    #[error("user must be 1 to 256 characters without colons and control characters")]
    User,
}

impl Credentials {
    /// A private key and known hosts.
    ///
    /// # Errors
    /// A path cannot be told to ssh.
    pub fn key(key: &Path, known_hosts: &Path) -> Result<Self, CredentialsFault> {
        for (name, path) in [("ssh_key", key), ("known_hosts", known_hosts)] {
            let told = |text: &str| !text.chars().any(|c| c.is_control() || matches!(c, '"' | '\\' | '$'));
            if !path.to_str().is_some_and(told) {
                return Err(CredentialsFault::Path { name });
            }
        }
        Ok(Credentials::Key { key: key.to_owned(), known_hosts: known_hosts.to_owned() })
    }

    /// A user and the file with their token.
    ///
    /// # Errors
    /// The user cannot be told in HTTP (RFC 7617 section 2).
    pub fn token(user: &str, file: &Path) -> Result<Self, CredentialsFault> {
        let fits =
            (1..=256).contains(&user.chars().count()) && !user.chars().any(|c| c.is_control() || c == ':');
        if fits {
            Ok(Credentials::Token { user: user.to_owned(), file: file.to_owned() })
        } else {
            Err(CredentialsFault::User)
        }
    }

    /// Gives them to a call of git.
    ///
    /// # Errors
    /// The token's file cannot be read.
    pub(super) fn give(&self, address: &Address, command: &mut Command) -> Result<(), RemoteError> {
        if address.transport() == Transport::Ssh {
            command.env("GIT_SSH_COMMAND", ssh(self)).env("GIT_SSH_VARIANT", "ssh");
        }
        if let Some(authorization) = self.authorization()? {
            command
                .env("GIT_CONFIG_COUNT", "1")
                .env("GIT_CONFIG_KEY_0", "http.extraHeader")
                .env("GIT_CONFIG_VALUE_0", format!("Authorization: {authorization}"));
        }
        Ok(())
    }

    /// What is said by HTTP.
    fn authorization(&self) -> Result<Option<String>, RemoteError> {
        Ok(match self {
            Credentials::Nothing | Credentials::Key { .. } => None,
            Credentials::Token { user, file } => {
                let token = fs::read_to_string(file)
                    .map_err(|reason| RemoteError::Secret { path: file.clone(), reason })?;
                Some(format!("Basic {}", STANDARD.encode(format!("{user}:{}", token.trim()))))
            }
            Credentials::Bearer(Key(key)) => Some(format!("Bearer {key}")),
        })
    }
}

/// The command that git is to call: no settings of the user's, nobody is asked, and only a known host is talked to.
fn ssh(credentials: &Credentials) -> String {
    let mut words: Vec<String> = ["ssh", "-F", "/dev/null"].map(str::to_owned).to_vec();
    let mut option = |text: String| words.extend(["-o".to_owned(), text]);
    for set in [
        "BatchMode=yes",
        "StrictHostKeyChecking=yes",
        "UpdateHostKeys=no",
        "IdentitiesOnly=yes",
        "IdentityAgent=none",
        "ConnectTimeout=30",
        "ServerAliveInterval=15",
        "ServerAliveCountMax=4",
    ] {
        option(set.to_owned());
    }
    if let Credentials::Key { key, known_hosts } = credentials {
        option("GlobalKnownHostsFile=/dev/null".to_owned());
        option(format!("UserKnownHostsFile={}", ssh_value(known_hosts)));
        option(format!("IdentityFile={}", ssh_value(key)));
    }
    words.iter().map(|word| shell_word(word)).collect::<Vec<_>>().join(" ")
}

/// As ssh_config(5) reads a file's name: in quotes, so that spaces are part of it, and with `%` doubled.
fn ssh_value(path: &Path) -> String {
    format!("\"{}\"", path.to_string_lossy().replace('%', "%%"))
}

/// As the shell reads one word, whatever is in it.
fn shell_word(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_told_to_ssh_as_they_are() {
        let credentials = Credentials::key(Path::new("/a b/it's 5%"), Path::new("/known"));
        let command = ssh(&credentials.expect("such paths can be told"));
        assert!(command.contains(r#"'IdentityFile="/a b/it'\''s 5%%"'"#), "{command}");
        assert!(command.contains("'StrictHostKeyChecking=yes'"), "{command}");
    }

    #[test]
    fn what_cannot_be_told_is_refused() {
        for path in ["/a\"b", "/a\\b", "/a$b", "/a\nb"] {
            assert!(Credentials::key(Path::new(path), Path::new("/known")).is_err(), "{path}");
        }
        for user in ["", "a:b", "a\nb"] {
            assert_eq!(Credentials::token(user, Path::new("/token")), Err(CredentialsFault::User), "{user}");
        }
    }
}
