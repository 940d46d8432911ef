//! Everything a summary shows, put together once at the end of the run.
//!
//! The model holds numbers, not text: the text summaries, `--summary-export`, the data of `handleSummary` and
//! reports are all made from it.

use std::sync::Arc;
use std::time::Duration;

use crate::aggregate::{Aggregate, SectionKey};
use crate::checks::{CheckStats, GroupNode, SEPARATOR};
use crate::collation::compare_names;
use crate::kind::{Contains, Kind};
use crate::registry::{MetricId, Registry};
use crate::sink::{Rate, Sink};
use crate::threshold::{Phase, Thresholds};

/// What the summary needs to know beside the metrics.
#[derive(Clone, Debug, Default)]
pub struct SummaryInput {
    /// Since the start of the run phase, setup and teardown included: what rates are related to.
    pub duration: Duration,
    /// What `setup()` returned, as JSON text.
    pub setup_data: Option<String>,
}

/// A threshold with its verdict.
#[derive(Clone, Debug, PartialEq)]
pub struct SummaryThreshold {
    /// The expression as written.
    pub source: String,
    /// The aggregation as written, `p(95)` for instance.
    pub aggregation: String,
    /// The value it was judged by; `None` for the rate of no values.
    pub observed: Option<f64>,
    /// Whether it holds.
    pub ok: bool,
}

/// A metric or a sub-metric with its values.
#[derive(Clone, Debug, PartialEq)]
pub struct SummaryMetric {
    /// The name; of a sub-metric with its selector.
    pub name: String,
    /// The name of the metric that a sub-metric is a part of.
    pub base: Arc<str>,
    /// What a sub-metric's selector says between the braces.
    pub suffix: Option<String>,
    /// Kind of the metric.
    pub kind: Kind,
    /// Unit of the values.
    pub contains: Contains,
    /// The values; without samples if only a threshold names the metric.
    pub sink: Sink,
    /// Its thresholds, in the order of the options.
    pub thresholds: Vec<SummaryThreshold>,
}

/// The metrics and checks of a scenario, or of a group within one, for the full summary.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    /// The scenario's or the group's name.
    pub name: Arc<str>,
    /// Metrics of the samples made directly here, sorted by name.
    pub metrics: Vec<SummaryMetric>,
    /// Checks made directly here (in a scenario: anywhere in it), in first-seen order.
    pub checks: Vec<CheckStats>,
    /// Groups within, in first-seen order.
    pub groups: Vec<Section>,
}

/// The result of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Metrics with samples or thresholds, sorted by name; sub-metrics follow their metric.
    pub metrics: Vec<SummaryMetric>,
    /// All checks by name, in first-seen order.
    pub checks: Vec<CheckStats>,
    /// Groups and checks as a tree.
    pub root: GroupNode,
    /// Groups outside of named scenarios: of the scenario `default`, and of setup and teardown.
    pub groups: Vec<Section>,
    /// The scenarios that are not called `default`, sorted by name.
    pub scenarios: Vec<Section>,
    /// What `setup()` returned, as JSON text.
    pub setup_data: Option<String>,
    /// What rates are related to.
    pub duration: Duration,
    /// Names of the metrics with a crossed threshold, sorted.
    pub crossed: Vec<String>,
}

impl Summary {
    /// The summary of everything merged so far, with the thresholds judged for good.
    pub fn new(aggregate: &Aggregate, thresholds: &Thresholds, input: SummaryInput) -> Self {
        let evaluation = thresholds.evaluate(aggregate, input.duration, Phase::Final);
        let mut metrics = Self::metrics(aggregate, thresholds);
        for (threshold, verdict) in thresholds.iter().zip(&evaluation.verdicts) {
            let metric = metrics.iter_mut().find(|metric| metric.name == threshold.target.name);
            if let Some(metric) = metric {
                metric.thresholds.push(SummaryThreshold {
                    source: threshold.source.clone(),
                    aggregation: threshold.expression.label.clone(),
                    observed: verdict.observed,
                    ok: verdict.ok,
                });
            }
        }
        let (groups, scenarios) = sections(aggregate);
        Self {
            metrics,
            checks: aggregate.checks_by_name(|_| true),
            root: aggregate.tree(),
            groups,
            scenarios,
            setup_data: input.setup_data,
            duration: input.duration,
            crossed: evaluation.crossed,
        }
    }

    /// The metric or sub-metric of this name.
    pub fn metric(&self, name: &str) -> Option<&SummaryMetric> {
        self.metrics.iter().find(|metric| metric.name == name)
    }

    /// All checks together.
    pub fn check_rate(&self) -> Rate {
        check_rate(&self.metrics)
    }

    fn metrics(aggregate: &Aggregate, thresholds: &Thresholds) -> Vec<SummaryMetric> {
        let registry = aggregate.registry();
        let mut metrics: Vec<_> =
            aggregate.totals().map(|(metric, sink)| whole(registry, metric, sink.clone())).collect();
        for (submetric, sink) in aggregate.submetrics() {
            let mut metric = whole(
                registry,
                submetric.metric,
                sink.cloned().unwrap_or_else(|| Sink::empty(registry.def(submetric.metric).kind)),
            );
            let wanted = sink.is_some() || thresholds.iter().any(|known| known.target.name == submetric.name);
            if wanted {
                metric.name.clone_from(&submetric.name);
                metric.suffix = Some(submetric.suffix.clone());
                metrics.push(metric);
            }
        }
        // A threshold makes its metric, and the metric of its sub-metric, appear even without samples.
        for threshold in thresholds.iter() {
            let definition = registry.def(threshold.target.metric);
            if !metrics.iter().any(|metric| metric.name == *definition.name) {
                metrics.push(whole(registry, threshold.target.metric, Sink::empty(definition.kind)));
            }
        }
        metrics.sort_by(|a, b| {
            // A metric itself comes before its parts.
            let suffixes = || match (&a.suffix, &b.suffix) {
                (Some(one), Some(other)) => compare_names(one, other),
                (one, other) => one.is_some().cmp(&other.is_some()),
            };
            compare_names(&a.base, &b.base).then_with(suffixes)
        });
        metrics
    }
}

/// The metric's own numbers, as in k6: scripts may add samples to it that belong to no check by name.
fn check_rate(metrics: &[SummaryMetric]) -> Rate {
    let checks = metrics.iter().find(|metric| metric.name == "checks");
    match checks.map(|metric| &metric.sink) {
        Some(Sink::Rate(rate)) => *rate,
        _ => Rate::default(),
    }
}

impl Section {
    /// All checks together.
    pub fn check_rate(&self) -> Rate {
        check_rate(&self.metrics)
    }

    /// The section at this path below, made if it is missing.
    fn at(&mut self, path: &str) -> &mut Self {
        let mut section = self;
        for name in path.strip_prefix(SEPARATOR).unwrap_or(path).split(SEPARATOR) {
            let known = section.groups.iter().position(|group| &*group.name == name);
            let index = known.unwrap_or_else(|| {
                section.groups.push(Self { name: name.into(), ..Self::default() });
                section.groups.len() - 1
            });
            section = &mut section.groups[index];
        }
        section
    }
}

fn whole(registry: &Registry, metric: MetricId, sink: Sink) -> SummaryMetric {
    let definition = registry.def(metric);
    SummaryMetric {
        name: definition.name.to_string(),
        base: definition.name,
        suffix: None,
        kind: definition.kind,
        contains: definition.contains,
        sink,
        thresholds: Vec::new(),
    }
}

/// The groups outside of named scenarios, and the named scenarios.
///
/// As observed on k6 1.1: samples made directly in `setup()` and `teardown()` are in no section (only the
/// groups entered there are), and a group's samples do not count for the groups around it.
fn sections(aggregate: &Aggregate) -> (Vec<Section>, Vec<Section>) {
    let mut default = Section::default();
    let mut scenarios: Vec<Section> = Vec::new();
    let mut keys: Vec<&SectionKey> = aggregate.sections().keys().collect();
    // Groups in first-seen order, a parent before what it holds.
    keys.sort_by_cached_key(|key| {
        let path = key.group.as_deref().unwrap_or_default();
        let first_seen = aggregate.first_seen(path);
        let unknown = key.group.is_some() && first_seen.is_none();
        ((!outside(&key.scenario)).then(|| key.scenario.clone()), unknown, first_seen, path.to_owned())
    });
    for key in keys {
        let scenario_section = if outside(&key.scenario) {
            &mut default
        } else {
            let known = scenarios.iter().position(|section| section.name == key.scenario);
            let index = known.unwrap_or_else(|| {
                scenarios.push(Section { name: Arc::clone(&key.scenario), ..Section::default() });
                scenarios.len() - 1
            });
            &mut scenarios[index]
        };
        let section = match key.group.as_deref() {
            None if outside(&key.scenario) => continue,
            Some("::setup" | "::teardown") => continue,
            None => scenario_section,
            Some(path) => scenario_section.at(path),
        };
        let sinks = &aggregate.sections()[key];
        let metrics: Vec<_> =
            sinks.iter().map(|(metric, sink)| whole(aggregate.registry(), *metric, sink.clone())).collect();
        section.metrics = merged(std::mem::take(&mut section.metrics), metrics);
        section.checks = aggregate.checks_by_name(|check| {
            let same_scenario = if outside(&key.scenario) {
                outside(&check.scenario)
            } else {
                check.scenario == key.scenario
            };
            same_scenario && key.group.as_ref().is_none_or(|group| *group == check.group)
        });
    }
    scenarios.sort_by(|a, b| compare_names(&a.name, &b.name));
    (default.groups, scenarios)
}

/// The scenario `default`, and what is in no scenario, are not split out.
fn outside(scenario: &str) -> bool {
    matches!(scenario, "" | "default")
}

/// Metrics of the same group in the scenario `default` and outside of scenarios, together.
fn merged(mut into: Vec<SummaryMetric>, from: Vec<SummaryMetric>) -> Vec<SummaryMetric> {
    for metric in from {
        match into.iter_mut().find(|known| known.name == metric.name) {
            Some(known) => known.sink.merge(&metric.sink),
            None => into.push(metric),
        }
    }
    into.sort_by(|a, b| compare_names(&a.base, &b.base));
    into
}
