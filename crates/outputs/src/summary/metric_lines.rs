//! Lines of metrics in aligned columns, shared by all layouts.

use throng_metrics::{Contains, Kind, Sink, SummaryMetric};

use super::TimeUnit;
use super::format::{percent, value};
use super::style::{Paint, Style};
use crate::number::trimmed;
use crate::trend_stat::TrendStat;
use crate::values::per_second;

/// What all lines share.
pub(super) struct Formatter<'a> {
    pub(super) style: Style,
    pub(super) time_unit: Option<TimeUnit>,
    pub(super) stats: &'a [TrendStat],
    pub(super) seconds: f64,
}

/// The two flavours of metric lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Modern,
    /// Before k6 1.0: with the thresholds' verdict before the name.
    Legacy,
}

/// A metric's values as text, not aligned yet.
enum Cells {
    /// One per statistic.
    Trend(Vec<String>),
    /// The value, and what stands beside it.
    Plain(String, Vec<String>),
}

/// A metric that is ready to be aligned with others.
struct Row {
    /// What stands before the name: spaces, or a verdict.
    lead: String,
    name: String,
    cells: Cells,
}

impl Formatter<'_> {
    pub(super) fn value(&self, number: f64, contains: Contains) -> String {
        value(number, contains, self.time_unit)
    }

    /// A number per second.
    pub(super) fn rate(&self, count: f64, contains: Contains) -> String {
        format!("{}/s", self.value(per_second(count, self.seconds), contains))
    }

    /// The value of one aggregation, for the list of thresholds.
    pub(super) fn observed(
        &self,
        metric: &SummaryMetric,
        aggregation: &str,
        observed: Option<f64>,
    ) -> String {
        let number = observed.unwrap_or_default();
        match (metric.kind, aggregation) {
            (Kind::Rate, _) => percent(number),
            (Kind::Counter, "rate") => format!("{}/s", self.value(number, metric.contains)),
            _ => self.value(number, metric.contains),
        }
    }

    fn cells(&self, metric: &SummaryMetric) -> Cells {
        let contains = metric.contains;
        match &metric.sink {
            Sink::Trend(distribution) => {
                let values = TrendStat::values(self.stats, distribution);
                let text = |(stat, number): (&TrendStat, f64)| {
                    if stat.is_count() { trimmed(number, 0) } else { self.value(number, contains) }
                };
                Cells::Trend(self.stats.iter().zip(values).map(text).collect())
            }
            Sink::Counter(sum) => {
                let count = sum.value();
                Cells::Plain(self.value(count, contains), vec![self.rate(count, contains)])
            }
            Sink::Gauge(gauge) => Cells::Plain(
                self.value(gauge.value(), contains),
                vec![
                    format!("min={}", self.value(gauge.min(), contains)),
                    format!("max={}", self.value(gauge.max(), contains)),
                ],
            ),
            Sink::Rate(rate) => {
                Cells::Plain(percent(rate.rate()), vec![format!("{} out of {}", rate.passes, rate.total)])
            }
        }
    }

    fn row(&self, metric: &SummaryMetric, look: Look) -> Row {
        let name =
            metric.suffix.as_ref().map_or_else(|| metric.name.clone(), |suffix| format!("{{ {suffix} }}"));
        let nesting = if metric.suffix.is_some() { "  " } else { "" };
        let verdict = match look {
            Look::Modern => String::new(),
            Look::Legacy if metric.thresholds.is_empty() => "  ".to_owned(),
            Look::Legacy => {
                let ok = metric.thresholds.iter().all(|threshold| threshold.ok);
                let (paint, mark) = if ok { (Paint::Good, "✓") } else { (Paint::Bad, "✗") };
                format!("{} ", self.style.paint(paint, mark))
            }
        };
        Row { lead: format!("{nesting}{verdict}"), name, cells: self.cells(metric) }
    }

    /// The lines of these metrics, aligned with each other. Groups of metrics stay apart in the result.
    pub(super) fn lines(&self, groups: &[Vec<&SummaryMetric>], indent: &str, look: Look) -> Vec<Vec<String>> {
        let rows: Vec<Vec<Row>> =
            groups.iter().map(|group| group.iter().map(|metric| self.row(metric, look)).collect()).collect();
        let widths = Widths::of(rows.iter().flatten(), groups.iter().flatten());
        let line = |(row, metric): (&Row, &&SummaryMetric)| {
            let nesting = if metric.suffix.is_some() { 2 } else { 0 };
            let dots = ".".repeat(widths.name - nesting - row.name.chars().count() + 3);
            let paint = if look == Look::Legacy { Paint::LegacyDots } else { Paint::Dots };
            let dots = self.style.paint(paint, &format!("{dots}:"));
            format!("{indent}{}{}{dots} {}", row.lead, row.name, self.aligned(&row.cells, &widths, look))
        };
        rows.iter().zip(groups).map(|(rows, metrics)| rows.iter().zip(metrics).map(line).collect()).collect()
    }

    fn aligned(&self, cells: &Cells, widths: &Widths, look: Look) -> String {
        let paint = |paint, text: &str, width: usize| {
            let missing = width.saturating_sub(text.chars().count());
            format!("{}{}", self.style.paint(paint, text), " ".repeat(missing))
        };
        let extra = if look == Look::Legacy { Paint::LegacyExtra } else { Paint::Extra };
        match cells {
            Cells::Trend(values) => {
                let columns = values.iter().zip(&widths.trend).zip(self.stats);
                let columns: Vec<String> = columns
                    .map(|((text, width), stat)| format!("{stat}={}", paint(Paint::Value, text, *width)))
                    .collect();
                columns.join(" ")
            }
            Cells::Plain(value, extras) => {
                let value = paint(Paint::Value, value, widths.value);
                let extras: Vec<String> = match &extras[..] {
                    // A single one ends the line and is not padded.
                    [only] => vec![paint(extra, only, 0)],
                    several => several
                        .iter()
                        .zip(&widths.extras)
                        .map(|(text, width)| paint(extra, text, *width))
                        .collect(),
                };
                format!("{value} {}", extras.join(" "))
            }
        }
    }
}

/// How wide each column is.
#[derive(Default)]
struct Widths {
    name: usize,
    trend: Vec<usize>,
    value: usize,
    extras: Vec<usize>,
}

impl Widths {
    fn of<'a>(
        rows: impl Iterator<Item = &'a Row>,
        metrics: impl Iterator<Item = &'a &'a SummaryMetric>,
    ) -> Self {
        let mut widths = Self::default();
        for (row, metric) in rows.zip(metrics) {
            let nesting = if metric.suffix.is_some() { 2 } else { 0 };
            widths.name = widths.name.max(row.name.chars().count() + nesting);
            match &row.cells {
                Cells::Trend(values) => widen(&mut widths.trend, values),
                Cells::Plain(value, extras) => {
                    widths.value = widths.value.max(value.chars().count());
                    widen(&mut widths.extras, extras);
                }
            }
        }
        widths
    }
}

fn widen(widths: &mut Vec<usize>, cells: &[String]) {
    widths.resize(widths.len().max(cells.len()), 0);
    for (width, cell) in widths.iter_mut().zip(cells) {
        *width = (*width).max(cell.chars().count());
    }
}
