//! Who was turned away, told without letting a stranger flood the log.

use std::net::SocketAddr;
use std::time::Duration;

use super::Happening;
use crate::moment::Moment;

/// So many refusals are told in each [`WINDOW`]; the next one that is told says how many were not.
const TOLD: u32 = 10;
const WINDOW: Duration = Duration::from_secs(10);

/// Counts refusals.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    window: Moment,
    told: u32,
    untold: u64,
}

impl Refusals {
    /// Somebody was turned away; what to tell of it, if anything.
    pub(super) fn refuse(&mut self, now: Moment, address: SocketAddr, reason: &str) -> Option<Happening> {
        if now.since(self.window) >= WINDOW {
            (self.window, self.told) = (now, 0);
        }
        if self.told == TOLD {
            self.untold += 1;
            return None;
        }
        self.told += 1;
        let reason = match std::mem::take(&mut self.untold) {
            0 => reason.to_owned(),
            more => format!("{reason} (and {more} more that were not reported)"),
        };
        Some(Happening::Refused { address, reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_strangers_is_told_in_a_few_lines() {
        let mut refusals = Refusals::default();
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        let mut refuse = |secs| refusals.refuse(Moment::from(Duration::from_secs(secs)), address, "no");
        assert_eq!((0..1_000).filter_map(|_| refuse(1)).count(), 10);
        let Some(Happening::Refused { reason, .. }) = refuse(11) else { panic!("the next window is told") };
        assert_eq!(reason, "no (and 990 more that were not reported)");
    }
}
