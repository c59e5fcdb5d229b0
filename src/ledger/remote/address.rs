//! Where another repository is.

use std::fmt;

/// The way that leads there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    Https,
    Http,
    Ssh,
    /// A folder of this machine.
    Path,
}

/// Where another repository is: `https://host/path`, `ssh://user@host/path`, `user@host:path`, `file:///path` or `/path`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    url: String,
    transport: Transport,
}

/// Why a text is no [`Address`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressFault {
    #[error("must look like https://host/path, ssh://user@host/path, user@host:path, file:///path or /path")]
    Form,
    #[error("must not hold a name or a password; that is what user and token_file are for")]
    Secret,
    #[error("must not hold spaces or control characters")]
    Characters,
}

impl Address {
    /// Reads an address. Git would take others as well, some of which are commands.
    ///
    /// # Errors
    /// It has another form, or a secret in it, which would be shown.
    pub fn parse(text: &str) -> Result<Self, AddressFault> {
        if text.chars().any(|c| c.is_control() || c.is_whitespace() && !text.starts_with('/')) {
            return Err(AddressFault::Characters);
        }
        let schemes = [
            ("https://", Transport::Https),
            ("http://", Transport::Http),
            ("ssh://", Transport::Ssh),
            ("file:///", Transport::Path),
        ];
        let found =
            schemes.into_iter().find_map(|(start, transport)| Some((transport, text.strip_prefix(start)?)));
        let transport = match found {
            Some((transport, rest)) => {
                let authority = rest.split('/').next().unwrap_or_default();
                let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
                let web = matches!(transport, Transport::Https | Transport::Http);
                if web && !user.is_empty() || user.contains(':') {
                    return Err(AddressFault::Secret);
                }
                if transport != Transport::Path
                    && (host.is_empty() || host.starts_with('-') || user.starts_with('-'))
                {
                    return Err(AddressFault::Form);
                }
                transport
            }
            None if text.starts_with('/') => Transport::Path,
            None => short(text)?,
        };
        Ok(Address { url: text.to_owned(), transport })
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// Whether nobody on the way can read what is sent.
    pub fn is_private(&self) -> bool {
        self.transport != Transport::Http || self.is_here()
    }

    /// Whether it is on this machine, by HTTP.
    pub fn is_here(&self) -> bool {
        let rest = ["http://", "https://"].into_iter().find_map(|start| self.url.strip_prefix(start));
        let host = rest.unwrap_or_default().split('/').next().unwrap_or_default();
        let bare = if host.starts_with('[') { host.split(']').next() } else { host.split(':').next() };
        matches!(bare, Some("127.0.0.1" | "localhost" | "[::1"))
    }
}

/// `user@host:path`, as `scp` has it.
fn short(text: &str) -> Result<Transport, AddressFault> {
    let (place, path) = text.split_once(':').ok_or(AddressFault::Form)?;
    let (user, host) = place.split_once('@').ok_or(AddressFault::Form)?;
    let plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('-')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
    };
    // Two colons are one of git's ways to name a command.
    if plain(user) && plain(host) && !path.is_empty() && !path.starts_with(':') {
        Ok(Transport::Ssh)
    } else {
        Err(AddressFault::Form)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, transport) in [
            ("https://git.example.org/team/conf.git", Transport::Https),
            ("http://127.0.0.1:8080/git", Transport::Http),
            ("ssh://git@git.example.org:2222/conf.git", Transport::Ssh),
            ("git@git.example.org:team/conf.git", Transport::Ssh),
            ("/srv/conf with a space.git", Transport::Path),
            ("file:///srv/conf.git", Transport::Path),
        ] {
            assert_eq!(Address::parse(text).map(|address| address.transport()), Ok(transport), "{text}");
        }
    }

    #[test]
    fn what_would_be_a_command_or_show_a_secret_is_none() {
        for text in [
            "",
            "conf.git",
            "-oProxyCommand=x",
            "ext::sh -c x",
            "ext::sh",
            "git@host::x",
            "-x@host:path",
            "git@-oX:path",
            "ssh://-oX/path",
            "ssh://git:pass@host/path",
            "https://user:pass@host/path",
            "https://token@host/path",
            "https:///path",
            "ftp://host/path",
            "https://host/a b",
            "/srv/\nconf",
        ] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_can_be_read_on_the_way_is_told() {
        for (text, private) in [
            ("https://h/p", true),
            ("git@h:p", true),
            ("http://127.0.0.1:1/p", true),
            ("http://[::1]:1/p", true),
            ("http://localhost/p", true),
            ("http://127.0.0.1.example.org/p", false),
            ("http://h/p", false),
        ] {
            assert_eq!(Address::parse(text).map(|address| address.is_private()), Ok(private), "{text}");
        }
    }
}
