//! Who was turned away, told without letting a stranger flood the log.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::Happening;
use crate::moment::Moment;

/// So many refusals are told in each [`WINDOW`]; the next one that is told says how many were not.
const TOLD: u32 = 10;
const WINDOW: Duration = Duration::from_secs(10);
/// How soon the same of the same machine is told again: one whose token is wrong is often started again and again.
const AGAIN: Duration = Duration::from_mins(1);

/// Counts refusals.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    window: Moment,
    told: u32,
    untold: u64,
    /// When something was last told of a machine, and how often it was not since. As few are told, few are remembered.
    known: BTreeMap<(IpAddr, String), (Moment, u64)>,
}

impl Refusals {
    /// Somebody was turned away; what to tell of it, if anything.
    pub(super) fn refuse(&mut self, now: Moment, address: SocketAddr, reason: &str) -> Option<Happening> {
        let key = (address.ip(), reason.to_owned());
        if let Some((at, untold)) = self.known.get_mut(&key)
            && now.since(*at) < AGAIN
        {
            *untold += 1;
            return None;
        }
        if now.since(self.window) >= WINDOW {
            (self.window, self.told) = (now, 0);
        }
        if self.told == TOLD {
            self.untold += 1;
            return None;
        }
        self.told += 1;
        let mut more = std::mem::take(&mut self.untold);
        more += self.known.insert(key, (now, 0)).map_or(0, |(_, untold)| untold);
        self.known.retain(|_, (at, untold)| {
            let stays = now.since(*at) < AGAIN;
            more += if stays { 0 } else { *untold };
            stays
        });
        let reason = match more {
            0 => reason.to_owned(),
            more => format!("{reason} (and {more} more that were not reported)"),
        };
        Some(Happening::Refused { address, reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refuse(refusals: &mut Refusals, secs: u64, from: [u8; 4], reason: &str) -> Option<String> {
        let address = SocketAddr::from((from, 1));
        match refusals.refuse(Moment::from(Duration::from_secs(secs)), address, reason) {
            Some(Happening::Refused { reason, .. }) => Some(reason),
            _ => None,
        }
    }

    #[test]
    fn a_flood_of_strangers_is_told_in_a_few_lines() {
        let mut refusals = Refusals::default();
        let from = |n: u16| [10, 0, (n >> 8) as u8, n as u8];
        let told = (0..1_000).filter_map(|n| refuse(&mut refusals, 1, from(n), "no")).count();
        assert_eq!(told, 10);
        let next = refuse(&mut refusals, 11, from(2_000), "no").unwrap();
        assert_eq!(next, "no (and 990 more that were not reported)");
    }

    #[test]
    fn one_that_comes_again_and_again_is_told_once_a_minute() {
        let (mut refusals, one, other) = (Refusals::default(), [10, 0, 0, 1], [10, 0, 0, 2]);
        let told: Vec<String> = (0..100).filter_map(|secs| refuse(&mut refusals, secs, one, "no")).collect();
        assert_eq!(told, ["no", "no (and 59 more that were not reported)"]);
        // Another machine, and another reason, are news.
        assert_eq!(refuse(&mut refusals, 100, other, "no").as_deref(), Some("no"));
        assert_eq!(refuse(&mut refusals, 100, one, "never").as_deref(), Some("never"));
    }

    #[test]
    fn those_who_do_not_come_again_are_counted_with_the_next() {
        let mut refusals = Refusals::default();
        for _ in 0..5 {
            refuse(&mut refusals, 1, [10, 0, 0, 1], "no");
        }
        assert_eq!(
            refuse(&mut refusals, 30, [10, 0, 0, 2], "no").as_deref(),
            Some("no"),
            "it may come again"
        );
        let next = refuse(&mut refusals, 70, [10, 0, 0, 3], "no").unwrap();
        assert_eq!(next, "no (and 4 more that were not reported)");
    }

    #[test]
    fn what_was_told_is_forgotten() {
        let mut refusals = Refusals::default();
        for secs in 0..10_000 {
            refuse(&mut refusals, secs, [10, 0, (secs >> 8) as u8, secs as u8], "no");
        }
        assert!(refusals.known.len() <= 100, "{}", refusals.known.len());
    }
}
