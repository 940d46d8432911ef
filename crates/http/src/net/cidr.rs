//! Address ranges such as `10.0.0.0/8`.

use std::net::IpAddr;
use std::str::FromStr;

/// An address range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    first: IpAddr,
    prefix: u8,
}

/// A text that is no address range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("parse {text:?} as an address range; write it like 10.0.0.0/8 or fd00::/8")]
pub struct CidrError {
    text: String,
}

impl Cidr {
    /// The first address, with the bits after the prefix cleared.
    pub fn first(&self) -> IpAddr {
        self.first
    }

    /// How many addresses there are; saturates.
    pub fn len(&self) -> u128 {
        let bits = width(self.first) - u32::from(self.prefix);
        1u128.checked_shl(bits).unwrap_or(u128::MAX)
    }

    /// Never: a range holds at least one address.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Whether the range holds `ip`. An IPv4 address mapped into IPv6 counts as IPv4.
    pub fn contains(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        ip.is_ipv4() == self.first.is_ipv4() && mask(ip, self.prefix) == self.first
    }
}

fn width(ip: IpAddr) -> u32 {
    if ip.is_ipv4() { 32 } else { 128 }
}

fn mask(ip: IpAddr, prefix: u8) -> IpAddr {
    match ip {
        IpAddr::V4(ip) => {
            let keep = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
            IpAddr::V4((ip.to_bits() & keep).into())
        }
        IpAddr::V6(ip) => {
            let keep = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
            IpAddr::V6((ip.to_bits() & keep).into())
        }
    }
}

impl FromStr for Cidr {
    type Err = CidrError;

    fn from_str(text: &str) -> Result<Self, CidrError> {
        let parse = || {
            let (ip, prefix) = text.split_once('/')?;
            let ip: IpAddr = ip.parse().ok()?;
            let prefix: u8 = prefix.parse().ok().filter(|p| u32::from(*p) <= width(ip))?;
            Some(Self { first: mask(ip, prefix), prefix })
        };
        parse().ok_or_else(|| CidrError { text: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_its_addresses() {
        let range: Cidr = "10.1.2.3/8".parse().unwrap();
        assert_eq!(range.first(), IpAddr::from([10, 0, 0, 0]));
        assert!(range.contains([10, 255, 0, 1].into()) && !range.contains([11, 0, 0, 1].into()));
        assert!(range.contains("::ffff:10.0.0.1".parse().unwrap()));
        assert_eq!("::1/128".parse::<Cidr>().unwrap().len(), 1);
        assert!("0.0.0.0/0".parse::<Cidr>().unwrap().contains([1, 2, 3, 4].into()));
        for text in ["10.0.0.0", "10.0.0.0/33", "x/8", "::/129"] {
            assert!(text.parse::<Cidr>().is_err(), "{text}");
        }
    }
}
