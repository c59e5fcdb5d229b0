//! What counts as one address.

use std::net::{IpAddr, Ipv6Addr};

/// Whoever shares it is counted together: an IPv4 address, or the 64 bits of an IPv6 address that a site is given, for
/// the other 64 are everybody's own to choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Site(IpAddr);

impl From<IpAddr> for Site {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                Site(IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))))
            }
            address @ IpAddr::V4(_) => Site(address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours() {
        let site = |text: &str| Site::from(text.parse::<IpAddr>().expect("an address"));
        assert_eq!(site("2001:db8::1"), site("2001:db8::ffff:1"));
        assert_ne!(site("2001:db8::1"), site("2001:db8:0:1::1"));
        assert_eq!(site("::ffff:192.0.2.1"), site("192.0.2.1"));
        assert_ne!(site("192.0.2.2"), site("192.0.2.1"));
    }
}
