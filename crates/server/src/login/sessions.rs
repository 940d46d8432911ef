//! Those who logged in, each known by a random number that only their browser has.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// How long a session lasts.
const LIFE: Duration = Duration::from_hours(12);
/// Sessions at once; the oldest ends for one more.
const MOST: usize = 1_000;

/// What browsers hold, and since when.
#[derive(Default)]
pub(super) struct Sessions(HashMap<String, Instant>);

impl Sessions {
    /// Begins one; nothing if the system has no random numbers.
    pub(super) fn begin(&mut self, now: Instant) -> Option<String> {
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes).ok()?;
        let session = bytes.iter().fold(String::new(), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        });
        self.0.retain(|_, begun| now < *begun + LIFE);
        if self.0.len() >= MOST
            && let Some(oldest) = self.0.iter().min_by_key(|(_, begun)| **begun).map(|(id, _)| id.clone())
        {
            self.0.remove(&oldest);
        }
        self.0.insert(session.clone(), now);
        Some(session)
    }

    /// Whether it is one of them.
    pub(super) fn knows(&self, session: &str, now: Instant) -> bool {
        self.ends_at(session).is_some_and(|end| now < end)
    }

    /// When it ends by itself.
    pub(super) fn ends_at(&self, session: &str) -> Option<Instant> {
        Some(*self.0.get(session)? + LIFE)
    }

    /// Ends one.
    pub(super) fn end(&mut self, session: &str) {
        self.0.remove(session);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_lives_until_it_is_ended_or_old() {
        let (mut sessions, now) = (Sessions::default(), Instant::now());
        let (first, second) = (sessions.begin(now).unwrap(), sessions.begin(now).unwrap());
        assert!(first.len() == 64 && first != second);
        assert!(sessions.knows(&first, now) && !sessions.knows("", now));
        assert!(!sessions.knows(&second, now + LIFE));
        sessions.end(&first);
        assert!(!sessions.knows(&first, now) && sessions.knows(&second, now));
    }

    #[test]
    fn there_is_a_limit() {
        let (mut sessions, now) = (Sessions::default(), Instant::now());
        let first = sessions.begin(now).unwrap();
        for n in 0..MOST as u64 {
            sessions.begin(now + Duration::from_micros(1 + n)).unwrap();
        }
        assert_eq!(sessions.0.len(), MOST);
        assert!(!sessions.knows(&first, now));
    }
}
