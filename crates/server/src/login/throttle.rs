//! Slows down whoever guesses: after a few failures an address has to wait, twice as long after each further one.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// Failures that cost nothing: people mistype.
const FREE: u32 = 5;
/// The first wait.
const FIRST: Duration = Duration::from_secs(1);
/// The longest.
const LONGEST: Duration = Duration::from_mins(1);
/// After so long without a failure an address is forgotten.
const FORGOTTEN: Duration = Duration::from_mins(15);
/// Addresses that are remembered.
const MOST: usize = 10_000;

/// What is known of those who failed.
#[derive(Debug, Default)]
pub(super) struct Throttle(HashMap<IpAddr, Failures>);

#[derive(Debug)]
struct Failures {
    count: u32,
    last: Instant,
    until: Instant,
}

impl Throttle {
    /// How long this address has to wait before it may try again, if it has to.
    pub(super) fn wait(&self, from: IpAddr, now: Instant) -> Option<Duration> {
        let failures = self.0.get(&who(from))?;
        Some(failures.until.saturating_duration_since(now)).filter(|left| !left.is_zero())
    }

    /// An attempt failed.
    pub(super) fn failed(&mut self, from: IpAddr, now: Instant) {
        if self.0.len() >= MOST {
            self.0.retain(|_, failures| now < failures.last + FORGOTTEN);
        }
        if self.0.len() >= MOST
            && let Some(oldest) = self.0.iter().min_by_key(|(_, failures)| failures.last).map(|(ip, _)| *ip)
        {
            self.0.remove(&oldest);
        }
        let failures = self.0.entry(who(from)).or_insert(Failures { count: 0, last: now, until: now });
        if now >= failures.last + FORGOTTEN {
            failures.count = 0;
        }
        failures.count += 1;
        failures.last = now;
        if failures.count >= FREE {
            let doublings = (failures.count - FREE).min(6);
            failures.until = now + (FIRST * 2_u32.pow(doublings)).min(LONGEST);
        }
    }

    /// An attempt succeeded.
    pub(super) fn succeeded(&mut self, from: IpAddr) {
        self.0.remove(&who(from));
    }
}

/// Of IPv6 the network: one machine has as many addresses of it as it likes.
fn who(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from(u128::from(ip) & !u128::from(u64::MAX))),
        ip @ IpAddr::V4(_) => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_doubles_and_is_forgotten() {
        let (mut throttle, begun) = (Throttle::default(), Instant::now());
        let ip: IpAddr = "10.0.0.1".parse().unwrap();
        let mut waits = Vec::new();
        let mut now = begun;
        for _ in 0..14 {
            throttle.failed(ip, now);
            let wait = throttle.wait(ip, now).unwrap_or_default();
            waits.push(wait.as_secs());
            now += wait;
        }
        assert_eq!(waits, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]);
        assert!(throttle.wait("10.0.0.2".parse().unwrap(), begun).is_none());
        now += FORGOTTEN;
        throttle.failed(ip, now);
        assert_eq!(throttle.wait(ip, now), None);
    }

    #[test]
    fn a_machine_is_known_by_its_network() {
        let (mut throttle, now) = (Throttle::default(), Instant::now());
        for last in 0..FREE {
            throttle.failed(format!("2001:db8::{last}").parse().unwrap(), now);
        }
        assert!(throttle.wait("2001:db8::ffff".parse().unwrap(), now).is_some());
        assert!(throttle.wait("2001:db8:0:1::1".parse().unwrap(), now).is_none());
        throttle.succeeded("2001:db8::1".parse().unwrap());
        assert!(throttle.wait("2001:db8::1".parse().unwrap(), now).is_none());
    }

    #[test]
    fn those_who_failed_are_bounded() {
        let (mut throttle, now) = (Throttle::default(), Instant::now());
        for n in 0..(MOST as u32 + 10) {
            throttle.failed(IpAddr::from(n.to_be_bytes()), now + Duration::from_micros(u64::from(n)));
        }
        assert_eq!(throttle.0.len(), MOST);
    }
}
