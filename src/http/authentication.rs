//! Reads what a request shows of who asks, and where it comes from.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header::{AUTHORIZATION, HeaderName};
use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use ipnet::IpNet;

use crate::access::credential::Fingerprint;
use crate::access::key::Key;
use crate::access::signature::Signature;
use crate::access::{Caller, Credential, Way};

/// Clients differ in whether they pad.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// In characters: a user's name or address in a proxy's header.
const LONGEST_NAME: usize = 256;

/// Whose word is taken, and where they put it.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    pub proxies: Vec<IpNet>,
    /// The headers with the user, the user's e-mail address, and the network address that a request came from.
    pub user: Option<HeaderName>,
    pub email: Option<HeaderName>,
    pub address: Option<HeaderName>,
}

/// Who asks, as far as that is known by now; kept with the request.
#[derive(Clone)]
pub struct Visitor {
    pub address: IpAddr,
    pub way: Way,
    pub caller: Caller,
}

/// The certificate that a connection's other end has proved to have; kept with the connection.
#[derive(Clone, Copy)]
pub struct PeerCertificate(pub Fingerprint);

/// The address that a request comes from: the proxies' word for it, as far as they are trusted.
pub fn address(request: &HttpRequest, trust: &Trust) -> IpAddr {
    let peer = peer(request);
    let Some(header) = trust.address.as_ref().filter(|_| trust.holds(peer)) else { return peer };
    // Each proxy appends whom it was asked by, so what stands before the first stranger from the right is anybody's word.
    let lines: Vec<_> = request.headers().get_all(header).filter_map(|value| value.to_str().ok()).collect();
    let hops: Vec<_> = lines.iter().flat_map(|line| line.split(',')).map(str::trim).collect();
    let mut nearest = peer;
    for hop in hops.into_iter().rev() {
        let Ok(hop) = hop.parse::<IpAddr>() else { break };
        nearest = hop.to_canonical();
        if !trust.holds(nearest) {
            break;
        }
    }
    nearest
}

/// What a request shows. A proxy's word goes before the request's own, and that before the connection's.
pub fn credential(request: &HttpRequest, trust: &Trust) -> Credential {
    if let Some(header) = trust.user.as_ref().filter(|_| trust.holds(peer(request)))
        && request.headers().contains_key(header)
    {
        return vouched(request, header, trust.email.as_ref());
    }
    let mut lines = request.headers().get_all(AUTHORIZATION);
    match (lines.next(), lines.next()) {
        (Some(line), None) => {
            line.to_str().map_or(Credential::Unreadable(Way::Unknown), |line| authorization(line.trim()))
        }
        (Some(_), Some(_)) => Credential::Unreadable(Way::Unknown),
        (None, _) => match request.conn_data::<PeerCertificate>() {
            Some(PeerCertificate(fingerprint)) => Credential::Certificate(*fingerprint),
            None => Credential::Nothing,
        },
    }
}

fn peer(request: &HttpRequest) -> IpAddr {
    let unknown = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    request.peer_addr().map_or(unknown, |address| address.ip().to_canonical())
}

impl Trust {
    fn holds(&self, address: IpAddr) -> bool {
        self.proxies.iter().any(|network| network.contains(&address))
    }
}

/// The user whom a proxy names: once, and in a way that a commit can tell.
fn vouched(request: &HttpRequest, user: &HeaderName, email: Option<&HeaderName>) -> Credential {
    let one = |header: &HeaderName| {
        let mut values = request.headers().get_all(header);
        let value = values.next().filter(|_| values.next().is_none())?;
        let text = std::str::from_utf8(value.as_bytes()).ok()?.trim();
        let fits = (1..=LONGEST_NAME).contains(&text.chars().count())
            && !text.chars().any(|c| c.is_control() || matches!(c, '<' | '>'));
        fits.then(|| text.to_owned())
    };
    match one(user) {
        Some(user) => Credential::Proxy { user, email: email.and_then(one) },
        None => Credential::Unreadable(Way::Proxy),
    }
}

fn authorization(line: &str) -> Credential {
    let (scheme, rest) = line.split_once(' ').unwrap_or((line, ""));
    let rest = rest.trim();
    let key = |way: Way, user: Option<String>, text: &str| match Key::parse(text) {
        Some(key) => Credential::Key { way, key, user },
        None => Credential::Unreadable(way),
    };
    if scheme.eq_ignore_ascii_case("Bearer") {
        key(Way::Bearer, None, rest)
    } else if scheme.eq_ignore_ascii_case("Basic") {
        match user_and_password(rest) {
            Some((user, password)) => key(Way::Basic, Some(user), &password),
            // Clients of Reblaze's API send the key as it is.
            None => key(Way::Basic, None, rest),
        }
    } else if scheme.eq_ignore_ascii_case("SharedAccessSignature") {
        Signature::parse(rest).map_or(Credential::Unreadable(Way::Signature), Credential::Signature)
    } else {
        Credential::Unreadable(Way::Unknown)
    }
}

/// RFC 7617 section 2.
fn user_and_password(text: &str) -> Option<(String, String)> {
    let decoded = String::from_utf8(BASE64.decode(text).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

impl Visitor {
    /// Somebody of whom nothing is known but the address.
    pub fn stranger(address: IpAddr) -> Self {
        Visitor { address, way: Way::Nothing, caller: Caller::Nobody }
    }

    /// The principal's name.
    pub fn name(&self) -> Option<Arc<str>> {
        self.caller.principal().map(|principal| principal.name.as_str().into())
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn shown(line: &str) -> Credential {
        let request = TestRequest::default().insert_header(("authorization", line)).to_http_request();
        credential(&request, &Trust::default())
    }

    #[test]
    fn a_key_in_three_ways() {
        let key = Key::new().expect("chance");
        let text = key.reveal();
        let is = |way: Way, user: Option<&str>| Credential::Key {
            way,
            key: key.clone(),
            user: user.map(str::to_owned),
        };
        assert!(shown(&format!("Bearer {text}")) == is(Way::Bearer, None));
        assert!(shown(&format!("bearer  {text} ")) == is(Way::Bearer, None));
        assert!(shown(&format!("Basic {text}")) == is(Way::Basic, None));
        let pair = BASE64.encode(format!("ada:{text}"));
        assert!(shown(&format!("Basic {pair}")) == is(Way::Basic, Some("ada")));
        assert!(shown(&format!("Basic {}", pair.trim_end_matches('='))) == is(Way::Basic, Some("ada")));
    }

    #[test]
    fn what_cannot_be_read() {
        for (line, way) in [
            ("", Way::Unknown),
            ("Digest x", Way::Unknown),
            ("Bearer", Way::Bearer),
            ("Bearer secret", Way::Bearer),
            ("Basic secret", Way::Basic),
            ("Basic YTpi", Way::Basic),
            ("SharedAccessSignature uid=a", Way::Signature),
        ] {
            assert!(shown(line) == Credential::Unreadable(way), "{line}");
        }
    }

    #[test]
    fn a_proxy_is_believed_only_from_its_address() {
        let trust = Trust {
            proxies: vec!["192.0.2.0/24".parse().expect("a network")],
            user: Some(HeaderName::from_static("x-user")),
            email: Some(HeaderName::from_static("x-mail")),
            address: Some(HeaderName::from_static("x-forwarded-for")),
        };
        let from = |peer: &str| {
            let request = TestRequest::default()
                .peer_addr(format!("{peer}:1").parse().expect("an address"))
                .insert_header(("x-user", "ada"))
                .insert_header(("x-mail", "ada@example.org"))
                .insert_header(("x-forwarded-for", "10.0.0.9, 203.0.113.5, 192.0.2.8"))
                .to_http_request();
            (credential(&request, &trust), address(&request, &trust).to_string())
        };
        let ada = Credential::Proxy { user: "ada".to_owned(), email: Some("ada@example.org".to_owned()) };
        assert!(from("192.0.2.7") == (ada, "203.0.113.5".to_owned()));
        assert!(from("198.51.100.1") == (Credential::Nothing, "198.51.100.1".to_owned()));
    }
}
