//! k6's `localIPs`: source addresses, dealt to the virtual users in turn.

use std::net::IpAddr;
use std::str::FromStr;

use super::cidr::Cidr;

/// A text that names no source addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("parse {text:?} as source addresses; write an address, a range (a-b) or a network (10.0.0.0/24)")]
pub struct LocalIpsError {
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Block {
    first: IpAddr,
    len: u128,
}

/// The source addresses of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalIps {
    blocks: Vec<Block>,
    total: u128,
}

impl LocalIps {
    /// The source address of a virtual user, by its number from 0.
    pub fn for_vu(&self, vu: u64) -> IpAddr {
        let mut index = u128::from(vu) % self.total;
        for block in &self.blocks {
            if index < block.len {
                return add(block.first, index);
            }
            index -= block.len;
        }
        self.blocks[0].first
    }
}

fn bits(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => u128::from(ip.to_bits()),
        IpAddr::V6(ip) => ip.to_bits(),
    }
}

fn add(ip: IpAddr, n: u128) -> IpAddr {
    match ip {
        IpAddr::V4(ip) => IpAddr::V4(ip.to_bits().wrapping_add(n as u32).into()),
        IpAddr::V6(ip) => IpAddr::V6(ip.to_bits().wrapping_add(n).into()),
    }
}

fn parse_block(text: &str) -> Option<Block> {
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Some(Block { first: ip, len: 1 });
    }
    if let Some((a, b)) = text.split_once('-') {
        let (a, b): (IpAddr, IpAddr) = (a.trim().parse().ok()?, b.trim().parse().ok()?);
        if a.is_ipv4() != b.is_ipv4() {
            return None;
        }
        return Some(Block { first: a, len: bits(b).checked_sub(bits(a))?.checked_add(1)? });
    }
    let range: Cidr = text.parse().ok()?;
    let (first, len) = (range.first(), range.len());
    // A network's own address and its broadcast address are no source addresses.
    if first.is_ipv4() && len > 2 {
        return Some(Block { first: add(first, 1), len: len - 2 });
    }
    Some(Block { first, len })
}

impl FromStr for LocalIps {
    type Err = LocalIpsError;

    fn from_str(text: &str) -> Result<Self, LocalIpsError> {
        let wrong = || LocalIpsError { text: text.to_owned() };
        let blocks: Vec<Block> =
            text.split(',').map(|part| parse_block(part.trim())).collect::<Option<_>>().ok_or_else(wrong)?;
        let total = blocks.iter().fold(0u128, |sum, block| sum.saturating_add(block.len));
        Ok(Self { blocks, total })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_ranges_and_networks_are_dealt_in_turn() {
        let ips: LocalIps = "10.0.0.1,10.0.1.5-10.0.1.6,10.0.2.0/30".parse().unwrap();
        let dealt: Vec<String> = (0..6).map(|vu| ips.for_vu(vu).to_string()).collect();
        assert_eq!(dealt, ["10.0.0.1", "10.0.1.5", "10.0.1.6", "10.0.2.1", "10.0.2.2", "10.0.0.1"]);
        for text in ["", "x", "10.0.0.2-10.0.0.1", "10.0.0.1-::1", "10.0.0.1-"] {
            assert!(text.parse::<LocalIps>().is_err(), "{text}");
        }
    }
}
