//! Watching a database: asks it every interval, and tells the differences.

use std::time::{Duration, Instant};

use throng_stores::error::{StoreError, Trouble};
use throng_stores::secret::Address;
use throng_stores::vitals::{Probe, Size, Vitals};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::backoff::Backoff;
use crate::metric::{self, Metric};
use crate::told::{EventKind, Sample};
use crate::watcher::{Settings, Teller};

/// A server that takes longer does not answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The size changes slowly, and some servers count it by looking at everything.
const SIZE_EVERY: Duration = Duration::from_secs(30);
/// Of what goes on for longer there is one event.
const QUIET: Duration = Duration::from_secs(10);

/// One number of what a server said, where it says it.
type Reading = fn(&Vitals) -> Option<f64>;

pub(crate) async fn watch(address: Address, settings: Settings, mut teller: Teller) {
    let mut backoff = Backoff::default();
    let mut history = History::new(teller.name());
    loop {
        let error = match patiently(Probe::connect(&address, settings.slow)).await {
            Ok(probe) => read(probe, &settings, &mut teller, &mut history, &mut backoff).await,
            Err(error) => error,
        };
        teller.failed(&error.message, fix(&error));
        sleep(backoff.next()).await;
    }
}

/// Reads until it cannot be done any more; says why.
async fn read(
    mut probe: Probe,
    settings: &Settings,
    teller: &mut Teller,
    history: &mut History,
    backoff: &mut Backoff,
) -> StoreError {
    let mut ticks = interval(settings.interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut sized: Option<Instant> = None;
    loop {
        ticks.tick().await;
        let size = if sized.is_none_or(|at| at.elapsed() >= SIZE_EVERY) { Size::Wanted } else { Size::Left };
        let vitals = match patiently(probe.read(size)).await {
            Ok(vitals) => vitals,
            Err(error) => return error,
        };
        backoff.reset();
        teller.worked();
        if size == Size::Wanted {
            sized = Some(Instant::now());
        }
        for text in history.missing(&vitals) {
            teller.event(EventKind::Watch, true, text);
        }
        let (samples, happened) = history.take(&vitals, Instant::now());
        teller.samples(samples);
        for (grave, text) in happened {
            teller.event(EventKind::Database, grave, text);
        }
    }
}

async fn patiently<T>(asking: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    timeout(PATIENCE, asking).await.unwrap_or_else(|_| {
        let message = format!("it does not answer within {} s", PATIENCE.as_secs());
        Err(StoreError { kind: Trouble::Unreachable, message })
    })
}

fn fix(error: &StoreError) -> &'static str {
    match error.kind {
        Trouble::Credentials => "check user and password in the URL",
        Trouble::Forbidden => "grant the user that watches what docs/watch.md lists",
        Trouble::NoDatabase => "check the name of the database in the URL",
        _ => "check that the server runs, is reachable from here and has a connection left",
    }
}

/// What a server said before, to tell differences from.
struct History {
    name: String,
    last: Option<Vitals>,
    said: Vec<String>,
    /// When the last event of each kind was.
    events: Vec<(&'static str, Instant)>,
}

impl History {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned(), last: None, said: Vec::new(), events: Vec::new() }
    }

    /// What is missing and was not said before.
    fn missing(&mut self, vitals: &Vitals) -> Vec<String> {
        let new: Vec<String> =
            vitals.missing.iter().filter(|text| !self.said.contains(text)).cloned().collect();
        self.said.extend(new.iter().cloned());
        new.into_iter().map(|text| format!("of {} {text}", self.name)).collect()
    }

    /// Samples and events of a reading.
    fn take(&mut self, vitals: &Vitals, now: Instant) -> (Vec<Sample>, Vec<(bool, String)>) {
        let last = self.last.replace(vitals.clone());
        let mut samples = Vec::new();
        let mut events = Vec::new();
        let name = self.name.clone();
        let mut put = |metric: &'static Metric, value: Option<f64>| {
            samples.extend(value.map(|value| Sample::new(metric, &[("db", &name)], value)));
        };
        put(&metric::DB_CONNECTIONS, vitals.connections);
        put(&metric::DB_CONNECTIONS_MAX, vitals.connections_max);
        put(&metric::DB_LOCK_WAITING, vitals.waiting);
        put(&metric::DB_REPLICATION_LAG, vitals.lag.map(|seconds| seconds * 1_000.0));
        put(&metric::DB_SIZE, vitals.size);
        let since = |of: Reading| -> Option<f64> {
            let now = of(vitals)?;
            // What a server counted before the first reading is not of this test.
            let before = last.as_ref().map_or(Some(now), of)?;
            // A server that was restarted counts from nothing.
            Some(if now < before { now } else { now - before })
        };
        put(&metric::DB_QUERIES, since(|vitals| vitals.queries));
        let counted: [(&'static Metric, Reading, [&'static str; 2]); 4] = [
            (&metric::DB_LOCK_WAITS, |vitals| vitals.lock_waits, ["wait for a lock", "waits for locks"]),
            (&metric::DB_DEADLOCKS, |vitals| vitals.deadlocks, ["deadlock", "deadlocks"]),
            (&metric::DB_SLOW_QUERIES, |vitals| vitals.slow_queries, ["slow query", "slow queries"]),
            (
                &metric::DB_CONNECTIONS_REFUSED,
                |vitals| vitals.refused,
                ["connection refused as there are too many", "connections refused as there are too many"],
            ),
        ];
        for (metric, of, [one, many]) in counted {
            let new = since(of);
            put(metric, new);
            if let Some(new) = new.filter(|new| *new > 0.0)
                && self.is_news(metric.name, now)
            {
                events.push((true, format!("{name}: {new} {}", if new == 1.0 { one } else { many })));
            }
        }
        let hits = since(|vitals| vitals.cache_hits).zip(since(|vitals| vitals.cache_misses));
        let rate = hits.and_then(|(hits, misses)| {
            let all = hits + misses;
            // Nothing was read.
            (all > 0.0).then(|| hits / all)
        });
        put(&metric::DB_CACHE_HIT_RATE, rate);
        let full = vitals.connections.zip(vitals.connections_max).filter(|(now, max)| now >= max);
        if let Some((_, max)) = full
            && self.is_news("full", now)
        {
            events.push((true, format!("{name}: all {max} connections are in use")));
        }
        (samples, events)
    }

    /// Whether an event of this kind is the first for a while.
    fn is_news(&mut self, kind: &'static str, now: Instant) -> bool {
        if let Some((_, at)) = self.events.iter_mut().find(|(known, _)| *known == kind) {
            return now.saturating_duration_since(std::mem::replace(at, now)) > QUIET;
        }
        self.events.push((kind, now));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(samples: &[Sample], metric: &Metric) -> Option<f64> {
        samples.iter().find(|sample| sample.metric == metric).map(|sample| sample.value)
    }

    #[test]
    fn only_what_happens_during_the_test_counts() {
        let mut history = History::new("mysql");
        let now = Instant::now();
        let at = |deadlocks: f64, hits: f64| Vitals {
            deadlocks: Some(deadlocks),
            cache_hits: Some(hits),
            cache_misses: Some(10.0),
            ..Vitals::default()
        };
        let (samples, events) = history.take(&at(7.0, 100.0), now);
        assert_eq!(value(&samples, &metric::DB_DEADLOCKS), Some(0.0));
        assert_eq!(value(&samples, &metric::DB_CACHE_HIT_RATE), None);
        assert_eq!(events, []);
        let (samples, events) = history.take(&at(9.0, 130.0), now + Duration::from_secs(1));
        assert_eq!(value(&samples, &metric::DB_DEADLOCKS), Some(2.0));
        assert_eq!(value(&samples, &metric::DB_CACHE_HIT_RATE), Some(1.0));
        assert_eq!(events, [(true, "mysql: 2 deadlocks".to_owned())]);
        // The server was restarted and has seen one since.
        let (samples, _) = history.take(&at(1.0, 0.0), now + Duration::from_secs(2));
        assert_eq!(value(&samples, &metric::DB_DEADLOCKS), Some(1.0));
    }

    #[test]
    fn what_goes_on_is_one_event() {
        let mut history = History::new("mysql");
        let start = Instant::now();
        let mut events = Vec::new();
        for second in 0..40 {
            let full = if second < 20 { 100.0 } else { 50.0 + f64::from(u8::from(second == 35)) * 50.0 };
            let vitals =
                Vitals { connections: Some(full), connections_max: Some(100.0), ..Vitals::default() };
            events.extend(history.take(&vitals, start + Duration::from_secs(second)).1);
        }
        assert_eq!(events.len(), 2, "{events:?}");
        assert_eq!(events[0].1, "mysql: all 100 connections are in use");
    }
}
