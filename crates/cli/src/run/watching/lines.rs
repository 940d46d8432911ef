//! What is watched, in a few lines below the progress of the scenarios.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Instant;

use throng_metrics::{Distribution, Kind};
use throng_watch::Sample;

use super::LINES_EVERY;

/// Lines at most: the terminal is for the scenarios.
const MOST: usize = 8;

/// The last value of each metric of each thing that is watched.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// By what it is of, and the metric's name.
    now: BTreeMap<String, BTreeMap<&'static str, f64>>,
    /// The name of the metric that an autoscaler goes by.
    by: BTreeMap<String, String>,
    shown: Vec<String>,
    made: Option<Instant>,
}

impl Lines {
    /// Takes what was read at one moment.
    pub(super) fn take(&mut self, samples: &[Sample]) {
        for sample in samples {
            let Some((key, of)) = sample.tags.first().filter(|(key, _)| *key != "target") else { continue };
            let name = if *key == "db" { of.clone() } else { format!("{key}/{of}") };
            if let Some((_, metric)) = sample.tags.iter().find(|(key, _)| *key == "metric") {
                self.by.insert(name.clone(), metric.clone());
            }
            let values = self.now.entry(name).or_default();
            let value = values.entry(sample.metric.name).or_default();
            match sample.metric.kind {
                Kind::Counter if sample.metric.name != "db_queries" => *value += sample.value,
                _ => *value = sample.value,
            }
        }
    }

    /// The lines, made anew once a second; `latency` is what was measured since, and is used up.
    pub(super) fn show(&mut self, now: Instant, latency: &mut Distribution) -> &[String] {
        if self.made.is_some_and(|made| now.saturating_duration_since(made) < LINES_EVERY) {
            return &self.shown;
        }
        self.made = Some(now);
        let latency = std::mem::take(latency);
        let width = self.now.keys().map(|name| name.chars().count()).max().unwrap_or_default();
        self.shown = self
            .now
            .iter()
            .take(MOST)
            .map(|(name, values)| {
                let by = self.by.get(name).map_or("metric", String::as_str);
                format!("{name:<width$}  {}", line(values, by))
            })
            .collect();
        if let Some(first) = self.shown.first_mut()
            && latency.count() > 0
        {
            let _ = write!(first, ", while p(95)={:.0}ms", latency.percentile(95.0));
        }
        &self.shown
    }
}

/// What is known of one thing, the important first.
fn line(values: &BTreeMap<&'static str, f64>, by: &str) -> String {
    let of = |name: &str| values.get(name).copied();
    let mut parts: Vec<String> = Vec::new();
    if let Some(replicas) = of("k8s_hpa_replicas") {
        match of("k8s_hpa_desired_replicas") {
            Some(desired) if desired != replicas => {
                parts.push(format!("{replicas} replicas → {desired} wanted"));
            }
            _ => parts.push(format!("{replicas} replicas")),
        }
    }
    if let Some(current) = of("k8s_hpa_metric_current") {
        let target = of("k8s_hpa_metric_target").map(|target| format!(" of {}", short(target)));
        parts.push(format!("{by} {}{}", short(current), target.unwrap_or_default()));
    }
    if let Some(ready) = of("k8s_pods_ready") {
        parts.push(match of("k8s_pods") {
            Some(all) => format!("{ready} of {all} pods ready"),
            None => format!("{ready} pods ready"),
        });
    }
    if let Some(connections) = of("db_connections") {
        let max = of("db_connections_max").map(|max| format!("/{max}")).unwrap_or_default();
        parts.push(format!("{connections}{max} connections"));
    }
    let counted = [
        ("db_queries", "queries"),
        ("db_lock_waiting", "waiting for locks"),
        ("db_deadlocks", "deadlocks"),
        ("db_slow_queries", "slow queries"),
        ("k8s_pod_restarts", "restarts"),
        ("log_matches", "lines match"),
    ];
    for (name, what) in counted {
        // All but the first are only worth a word when there are any.
        if let Some(count) =
            of(name).filter(|count| *count > 0.0 || name == "db_queries" || name == "log_matches")
        {
            parts.push(format!("{} {what}", short(count)));
        }
    }
    if let Some(rate) = of("db_cache_hit_rate") {
        parts.push(format!("{:.1} % from cache", rate * 100.0));
    }
    parts.join(", ")
}

fn short(value: f64) -> String {
    if value.fract() == 0.0 || value.abs() >= 100.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}

#[cfg(test)]
mod tests {
    use throng_watch::metric;

    use super::*;

    #[test]
    fn replicas_stand_beside_latency() {
        let mut lines = Lines::default();
        let of = [("hpa", "web")];
        lines.take(&[
            Sample::new(&metric::HPA_REPLICAS, &of, 2.0),
            Sample::new(&metric::HPA_DESIRED, &of, 4.0),
            Sample::new(&metric::HPA_CURRENT, &[("hpa", "web"), ("metric", "cpu")], 85.0),
            Sample::new(&metric::HPA_TARGET, &[("hpa", "web"), ("metric", "cpu")], 70.0),
        ]);
        let mut latency = Distribution::default();
        latency.extend(&[120.0]);
        let now = Instant::now();
        assert_eq!(
            lines.show(now, &mut latency),
            ["hpa/web  2 replicas → 4 wanted, cpu 85 of 70, while p(95)=120ms"]
        );
        // Within a second it stays.
        lines.take(&[Sample::new(&metric::HPA_REPLICAS, &of, 4.0)]);
        assert!(lines.show(now, &mut latency)[0].contains("2 replicas"));
    }
}
