//! From samples to the lines of charts: of a gauge its value, of a counter its rate, of what each pod says the mean and
//! the highest.

use std::collections::BTreeMap;
use std::time::Instant;

use throng_metrics::Kind;
use throng_server::Watched;
use throng_watch::{Metric, Sample};

/// A line of a chart, and what it is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    chart: &'static str,
    label: String,
}

#[derive(Debug)]
struct Line {
    contains: &'static str,
    /// When it was read last.
    at: Option<Instant>,
    /// The highest since it was shown last.
    value: Option<f64>,
}

/// What was read since the charts were told last.
#[derive(Debug, Default)]
pub(super) struct Shown {
    lines: BTreeMap<Key, Line>,
}

impl Shown {
    /// Takes what was read at one moment.
    pub(super) fn take(&mut self, at: Instant, samples: &[Sample]) {
        let mut together: BTreeMap<Key, (&Metric, Vec<f64>)> = BTreeMap::new();
        for sample in samples {
            let Some(chart) = sample.metric.chart else { continue };
            let label = label(sample);
            together.entry(Key { chart, label }).or_insert((sample.metric, Vec::new())).1.push(sample.value);
        }
        for (key, (metric, values)) in together {
            let highest = values.iter().copied().fold(f64::MIN, f64::max);
            match metric.kind {
                Kind::Trend => {
                    let mean = values.iter().sum::<f64>() / values.len() as f64;
                    let with = |what: &str| Key { chart: key.chart, label: format!("{} {what}", key.label) };
                    self.line(with("mean"), metric).put(at, mean);
                    self.line(with("max"), metric).put(at, highest);
                }
                Kind::Counter => {
                    let line = self.line(key, metric);
                    let sum: f64 = values.iter().sum();
                    let since = line.at.map(|before| at.saturating_duration_since(before).as_secs_f64());
                    // The first reading has nothing that it is the difference to.
                    line.put(at, since.map_or(0.0, |seconds| sum / seconds.max(0.001)));
                }
                Kind::Gauge | Kind::Rate => self.line(key, metric).put(at, highest),
            }
        }
    }

    fn line(&mut self, key: Key, metric: &Metric) -> &mut Line {
        self.lines.entry(key).or_insert(Line { contains: metric.contains.as_str(), at: None, value: None })
    }

    /// What was read since this was asked last.
    pub(super) fn series(&mut self) -> Vec<Watched> {
        self.lines
            .iter_mut()
            .filter_map(|(key, line)| {
                Some(Watched {
                    chart: key.chart.to_owned(),
                    label: key.label.clone(),
                    contains: line.contains.to_owned(),
                    value: line.value.take()?,
                })
            })
            .collect()
    }
}

impl Line {
    fn put(&mut self, at: Instant, value: f64) {
        self.at = Some(at);
        self.value = Some(self.value.map_or(value, |before| before.max(value)));
    }
}

/// What it is of, without the pod: those of one workload are shown together.
fn label(sample: &Sample) -> String {
    let of: Vec<&str> = sample
        .tags
        .iter()
        .filter(|(key, _)| *key != "pod" && *key != "namespace")
        .map(|(_, value)| value.as_str())
        .collect();
    let of = of.join(" ");
    if sample.metric.label.is_empty() { of } else { format!("{of} {}", sample.metric.label) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use throng_watch::metric;

    use super::*;

    fn shown(of: &mut Shown) -> Vec<(String, f64)> {
        of.series()
            .into_iter()
            .map(|series| (format!("{}: {}", series.chart, series.label), series.value))
            .collect()
    }

    #[test]
    fn a_counter_is_shown_as_a_rate_and_pods_as_mean_and_highest() {
        let mut series = Shown::default();
        let start = Instant::now();
        let queries = |value| Sample::new(&metric::DB_QUERIES, &[("db", "mysql")], value);
        let cpu = |pod, value| Sample::new(&metric::POD_CPU, &[("workload", "web"), ("pod", pod)], value);
        series.take(start, &[queries(0.0), cpu("a", 1.0), cpu("b", 2.0)]);
        assert_eq!(
            shown(&mut series),
            [
                ("CPU of pods (cores): web max".to_owned(), 2.0),
                ("CPU of pods (cores): web mean".to_owned(), 1.5),
                ("Database queries per second: mysql".to_owned(), 0.0),
            ]
        );
        series.take(start + Duration::from_millis(500), &[queries(100.0)]);
        assert_eq!(shown(&mut series), [("Database queries per second: mysql".to_owned(), 200.0)]);
        assert_eq!(shown(&mut series), [], "what was not read is not shown again");
    }
}
