//! IP networks that must not be called, and pools of local addresses to call from.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde_json::Value as Json;

use super::{Kind, Value, comma_separated};
use crate::reader::Reader;

/// An IP network such as `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IpNet {
    first: IpAddr,
    prefix: u8,
}

impl IpNet {
    /// Whether the address belongs to it. An IPv4 address written as IPv6 (`::ffff:…`) counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.first.is_ipv4() && masked(address, self.prefix) == number(self.first)
    }
}

impl FromStr for IpNet {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || "an IP network such as 10.0.0.0/8 or fd00::/8".to_owned();
        let (address, prefix) = text.split_once('/').ok_or_else(expected)?;
        let address: IpAddr = address.parse().map_err(|_| expected())?;
        let prefix: u8 = prefix.parse().map_err(|_| expected())?;
        if prefix > bits(address) {
            return Err(expected());
        }
        Ok(Self { first: address_like(address, masked(address, prefix)), prefix })
    }
}

impl fmt::Display for IpNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

impl Value for IpNet {
    const KIND: Kind = Kind::Text;

    fn from_json(json: &Json, at: &mut Reader) -> Option<Self> {
        let text = String::from_json(json, at)?;
        text.parse().or_else(|expected: String| at.invalid(json, expected).ok_or(())).ok()
    }

    fn from_text(text: &str) -> Result<Self, String> {
        text.parse()
    }

    fn to_json(&self) -> Json {
        self.to_string().into()
    }
}

impl Value for Vec<IpNet> {
    const KIND: Kind = Kind::List;

    fn from_json(json: &Json, at: &mut Reader) -> Option<Self> {
        at.list(json)
    }

    fn from_text(text: &str) -> Result<Self, String> {
        comma_separated(text).map(str::parse).collect()
    }

    fn to_json(&self) -> Json {
        self.iter().map(Value::to_json).collect()
    }

    fn repeat(&mut self, next: Self) {
        self.extend(next);
    }
}

/// Local addresses; virtual user `n` (counted from 1) calls from the `n`-th, round and round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalIps {
    text: String,
    /// First address and number of addresses of each part.
    blocks: Vec<(IpAddr, u128)>,
}

impl LocalIps {
    /// The addresses as they were given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The address of a virtual user.
    pub fn address_of(&self, vu: u64) -> IpAddr {
        let mut nth = u128::from(vu.saturating_sub(1)) % self.count();
        for (first, count) in &self.blocks {
            if nth < *count {
                return address_like(*first, number(*first) + nth);
            }
            nth -= count;
        }
        unreachable!("the remainder is below the sum of the blocks")
    }

    fn count(&self) -> u128 {
        // Saturates only for pools of all IPv6 addresses, of which the first 2^64 are used.
        self.blocks.iter().fold(0, |sum: u128, (_, count)| sum.saturating_add(*count))
    }
}

/// Reads `10.0.0.5`, `10.0.0.5-10.0.0.9` or `10.0.0.0/24`. Of an IPv4 network with room for them, the
/// network's own and its broadcast address are left out (observed on k6 1.1).
fn block(text: &str) -> Option<(IpAddr, u128)> {
    if let Some((first, last)) = text.split_once('-') {
        let (first, last): (IpAddr, IpAddr) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        let ascending = first.is_ipv4() == last.is_ipv4() && first <= last;
        return ascending.then(|| (first, (number(last) - number(first)).saturating_add(1)));
    }
    if let Ok(address) = text.parse() {
        return Some((address, 1));
    }
    let net: IpNet = text.parse().ok()?;
    let count = 1_u128.checked_shl(u32::from(bits(net.first) - net.prefix)).unwrap_or(u128::MAX);
    if net.first.is_ipv4() && count > 2 {
        return Some((address_like(net.first, number(net.first) + 1), count - 2));
    }
    Some((net.first, count))
}

impl Value for LocalIps {
    const KIND: Kind = Kind::List;

    fn from_json(json: &Json, at: &mut Reader) -> Option<Self> {
        let text = String::from_json(json, at)?;
        Self::from_text(&text).or_else(|expected| at.invalid(json, expected).ok_or(())).ok()
    }

    fn from_text(text: &str) -> Result<Self, String> {
        let blocks: Option<Vec<_>> = comma_separated(text).map(block).collect();
        let blocks = blocks.filter(|blocks| !blocks.is_empty());
        let blocks = blocks.ok_or("addresses, ranges (10.0.0.5-10.0.0.9) or networks (fd:1::/120)")?;
        Ok(Self { text: text.to_owned(), blocks })
    }

    fn to_json(&self) -> Json {
        self.text.as_str().into()
    }
}

fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

/// The address with this number, of the same family as `like`.
fn address_like(like: IpAddr, number: u128) -> IpAddr {
    if like.is_ipv4() { Ipv4Addr::from(number as u32).into() } else { Ipv6Addr::from(number).into() }
}

/// The number of the first address of the network that `address` is in.
fn masked(address: IpAddr, prefix: u8) -> u128 {
    let host_bits = u32::from(bits(address) - prefix);
    let host = 1_u128.checked_shl(host_bits).map_or(u128::MAX, |size| size - 1);
    number(address) & !host
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> IpNet {
        text.parse().expect(text)
    }

    fn pool(text: &str) -> Vec<String> {
        let pool = LocalIps::from_text(text).expect(text);
        (1..=6).map(|vu| pool.address_of(vu).to_string()).collect()
    }

    #[test]
    fn a_network_is_its_first_address() {
        assert_eq!(net("10.1.2.3/8").to_string(), "10.0.0.0/8");
        assert!(net("10.0.0.0/8").contains("10.9.9.9".parse().expect("address")));
        assert!(net("10.0.0.0/8").contains("::ffff:10.9.9.9".parse().expect("address")));
        assert!(!net("10.0.0.0/8").contains("11.0.0.1".parse().expect("address")));
        assert!(net("0.0.0.0/0").contains("8.8.8.8".parse().expect("address")));
        assert!(!net("0.0.0.0/0").contains("::1".parse().expect("address")));
        assert!(net("::/0").contains("::1".parse().expect("address")));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["10.0.0.1", "10.0.0.0/33", "::/129", "x/8", "10.0.0.0/", "/8"] {
            assert!(text.parse::<IpNet>().is_err(), "{text}");
        }
    }

    /// The first six virtual users, as a server saw those of k6 1.1.
    #[test]
    fn virtual_users_take_local_addresses_in_turn() {
        assert_eq!(pool("127.0.1.0/30")[..3], ["127.0.1.1", "127.0.1.2", "127.0.1.1"]);
        assert_eq!(pool("127.0.2.7/31")[..3], ["127.0.2.6", "127.0.2.7", "127.0.2.6"]);
        assert_eq!(pool("127.0.3.5/32")[..2], ["127.0.3.5", "127.0.3.5"]);
        assert_eq!(pool("127.0.4.5/29")[5], "127.0.4.6");
        assert_eq!(
            pool("127.0.5.2-127.0.5.4,127.0.6.0/30"),
            ["127.0.5.2", "127.0.5.3", "127.0.5.4", "127.0.6.1", "127.0.6.2", "127.0.5.2"]
        );
        assert_eq!(pool("fd:1::/127")[..3], ["fd:1::", "fd:1::1", "fd:1::"]);
        assert_eq!(pool("::/0")[0], "::");
    }

    #[test]
    fn what_is_no_pool_is_refused() {
        for text in ["", "x", "10.0.0.5-10.0.0.1", "10.0.0.1-::1", "10.0.0.0/30|2"] {
            assert!(LocalIps::from_text(text).is_err(), "{text}");
        }
    }
}
