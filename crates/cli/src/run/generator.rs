//! How the generator itself fares: processor time and the lateness of its event loops.

use std::time::{Duration, Instant};

use throng_metrics::{Aggregate, Distribution, Sink, builtin};
use throng_outputs::summary::GeneratorReport;

/// Above this share of the processors, what is measured may be the generator.
const BUSY: f64 = 0.95;
/// A 99th percentile of loop lag above this, in milliseconds, shows in the measured times.
const LATE_MS: f64 = 20.0;

/// Watches how much of the processors this process uses.
pub(super) struct Processors {
    started: Instant,
    used_before: Duration,
    threads: usize,
}

impl Processors {
    /// Begins to watch a process with so many generator threads, each of which could fill one processor.
    pub(super) fn watch(threads: usize) -> Self {
        Self { started: Instant::now(), used_before: cpu_time().unwrap_or_default(), threads }
    }

    /// The share used since, from 0 to 1.
    pub(super) fn share(&self) -> Option<f64> {
        let wall = self.started.elapsed().as_secs_f64();
        let used = cpu_time()?.saturating_sub(self.used_before).as_secs_f64();
        Some((used / wall.max(1e-9) / self.threads as f64).min(1.0))
    }
}

/// Collects what event loops say about themselves.
pub(super) struct Generator {
    started: Instant,
    lags: Vec<f64>,
}

impl Generator {
    /// Begins to collect.
    pub(super) fn start() -> Self {
        Self { started: Instant::now(), lags: Vec::new() }
    }

    /// One thread's worst lag within a second.
    pub(super) fn lag(&mut self, worst: Duration) {
        self.lags.push(worst.as_secs_f64() * 1000.0);
    }

    /// Why it is the bottleneck so far, if it is; see [`warning`].
    pub(super) fn warning(&self, cpu: Option<f64>, lag: Option<f64>) -> Option<String> {
        warning(self.started.elapsed().as_secs_f64(), cpu, lag)
    }

    /// What to say at the end. `cpu` is the share of the processors that was used.
    pub(super) fn report(mut self, aggregate: &Aggregate, cpu: Option<f64>) -> GeneratorReport {
        let wall = self.started.elapsed().as_secs_f64();
        self.lags.sort_by(f64::total_cmp);
        let at = |share: f64| self.lags[((self.lags.len() - 1) as f64 * share).round() as usize];
        let loop_lag = (!self.lags.is_empty()).then(|| [at(0.5), at(0.99), at(1.0)]);
        let start_lag = match aggregate.total(builtin::ITERATION_START_LAG) {
            Some(Sink::Trend(lag)) if lag.count() > 0 => Some(three(lag)),
            _ => None,
        };
        let warning = warning(wall, cpu, loop_lag.map(|lag| lag[1]));
        let raw_dropped = aggregate.raw_dropped();
        GeneratorReport { loop_lag, start_lag, cpu, raw_dropped, warning, ..GeneratorReport::default() }
    }
}

/// Why the generator is the bottleneck after `wall` seconds, if it is: `cpu` is the share of the processors that it uses,
/// `lag` the 99th percentile of how late its loops are, in ms.
fn warning(wall: f64, cpu: Option<f64>, lag: Option<f64>) -> Option<String> {
    match (cpu, lag) {
        // Starting up is all that so short a run does.
        _ if wall < 3.0 => None,
        (Some(share), _) if share > BUSY => Some(format!(
            "the generator used {:.0} % of its processors: it was the bottleneck, and times may be its own; use more \
             machines, or less load",
            share * 100.0
        )),
        (_, Some(late)) if late > LATE_MS => Some(format!(
            "the generator's event loops were late (99th percentile {late:.1} ms): the machine was busy with something \
             else, and times may be too long by that much"
        )),
        _ => None,
    }
}

fn three(lag: &Distribution) -> [f64; 3] {
    [lag.median(), lag.percentile(99.0), lag.max()]
}

/// Processor time of this process so far, from the operating system.
fn cpu_time() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name in parentheses may hold anything; user and system time are fields 14 and 15 of the line.
    let mut fields = stat.rsplit(')').next()?.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    // The kernel reports in hundredths of a second (USER_HZ), whatever its own clock is.
    Some(Duration::from_millis((user + system) * 10))
}

/// Resident memory of this process in bytes, from the operating system.
pub(super) fn resident_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read() {
        assert!(resident_memory().unwrap() > 1 << 20);
    }

    #[test]
    fn processor_time_is_read_and_grows() {
        let before = cpu_time().unwrap();
        let mut n = 0u64;
        while cpu_time().unwrap() == before {
            n = std::hint::black_box(n + 1);
        }
        assert!(cpu_time().unwrap() > before);
    }
}
