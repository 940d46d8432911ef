//! The compact and the full layout of k6 since 1.0.

use throng_metrics::{CheckStats, Rate, Section, Summary, SummaryMetric};

use super::Mode;
use super::format::percent;
use super::generator::GeneratorReport;
use super::metric_lines::{Formatter, Look};
use super::scaling::{self, ScalingReport};
use super::style::Paint;

/// A title and the beginnings of the names it lists.
type Category = (&'static str, &'static [&'static str]);

/// The categories of metrics in their order. What fits none is listed as custom.
///
/// As observed on k6 1.1 the beginning of a name decides: a custom metric called `http_reqs_slow` is listed
/// with HTTP, and one called `checks_slow` is not listed at all.
const CATEGORIES: [Category; 8] = [
    ("CUSTOM", &[]),
    (
        "HTTP",
        &[
            "http_req_blocked",
            "http_req_connecting",
            "http_req_duration",
            "http_req_failed",
            "http_req_receiving",
            "http_req_sending",
            "http_req_tls_handshaking",
            "http_req_waiting",
            "http_reqs",
        ],
    ),
    (
        "EXECUTION",
        &[
            "dropped_iterations",
            "iteration_duration",
            // Our own two, of arrival-rate scenarios.
            "iteration_response_time",
            "iteration_start_lag",
            "iterations",
            "vus",
        ],
    ),
    ("NETWORK", &["data_received", "data_sent"]),
    ("BROWSER", &["browser_"]),
    ("WEB_VITALS", &["browser_web_vital_"]),
    ("GRPC", &["grpc_"]),
    ("WEBSOCKET", &["ws_"]),
];

/// Metrics that no section lists: checks have lines of their own.
const NEVER_SHOWN: &[&str] = &["checks", "group_duration"];
/// The phases of a request, which only the full mode lists.
const PHASES: &[&str] = &[
    "http_req_blocked",
    "http_req_connecting",
    "http_req_tls_handshaking",
    "http_req_sending",
    "http_req_waiting",
    "http_req_receiving",
];

fn begins_with(name: &str, beginnings: &[&str]) -> bool {
    beginnings.iter().any(|beginning| name.starts_with(beginning))
}

/// The title a metric is listed under: that of the longest beginning, or the first.
fn category(name: &str) -> &'static str {
    let fitting =
        CATEGORIES.iter().flat_map(|(title, beginnings)| beginnings.iter().map(move |known| (title, known)));
    let longest = fitting.filter(|(_, known)| name.starts_with(**known)).max_by_key(|(_, known)| known.len());
    longest.map_or(CATEGORIES[0].0, |(title, _)| title)
}

pub(super) fn render(
    summary: &Summary,
    formatter: &Formatter<'_>,
    mode: Mode,
    generator: Option<&GeneratorReport>,
    scaling: &[ScalingReport],
) -> String {
    let mut sections = Vec::new();
    sections.extend(thresholds(summary, formatter));
    let mut total = vec![title(formatter, "  █ ", "TOTAL RESULTS")];
    total.extend(body(formatter, mode, &summary.metrics, summary.check_rate(), &summary.checks, 0));
    total.extend(scaling::render(scaling, formatter.style, "    "));
    total.extend(generator.map(|report| report.render(formatter.style, "    ")));
    sections.push(total.join("\n\n"));
    if mode == Mode::Full {
        for group in &summary.groups {
            sections.push(split_out(formatter, group, &format!("GROUP: {}", group.name)));
        }
        for scenario in &summary.scenarios {
            sections.push(split_out(formatter, scenario, &format!("SCENARIO: {}", scenario.name)));
        }
    }
    format!("\n\n{}\n\n\n\n", sections.join("\n\n\n"))
}

/// A bold title; k6 leaves a space behind it.
fn title(formatter: &Formatter<'_>, lead: &str, text: &str) -> String {
    format!("{lead}{} ", formatter.style.paint(Paint::Bold, text))
}

fn thresholds(summary: &Summary, formatter: &Formatter<'_>) -> Option<String> {
    let style = formatter.style;
    let judged: Vec<&SummaryMetric> =
        summary.metrics.iter().filter(|metric| !metric.thresholds.is_empty()).collect();
    if judged.is_empty() {
        return None;
    }
    let mut blocks = vec![title(formatter, "  █ ", "THRESHOLDS")];
    for metric in &judged {
        let parent = judged.iter().any(|other| other.suffix.is_none() && *other.name == *metric.base);
        let (indent, name) = match &metric.suffix {
            Some(suffix) if parent => ("      ", format!("{{{suffix}}}")),
            _ => ("    ", metric.name.clone()),
        };
        let mut lines = vec![format!("{indent}{name}")];
        for threshold in &metric.thresholds {
            let mark =
                if threshold.ok { style.paint(Paint::Good, "✓") } else { style.paint(Paint::Bad, "✗") };
            let source = style.paint(Paint::Plain, &format!("'{}'", threshold.source));
            let label = style.paint(Paint::Plain, &threshold.aggregation);
            let observed = formatter.observed(metric, &threshold.aggregation, threshold.observed);
            lines.push(format!("{indent}{mark} {source} {label}={}", style.paint(Paint::Value, &observed)));
        }
        blocks.push(lines.join("\n"));
    }
    Some(blocks.join("\n\n"))
}

/// The blocks below a title: totals of checks, each check, the categories of metrics.
fn body(
    formatter: &Formatter<'_>,
    mode: Mode,
    metrics: &[SummaryMetric],
    rate: Rate,
    checks: &[CheckStats],
    depth: usize,
) -> Vec<String> {
    let indent = "  ".repeat(depth + 2);
    let mut blocks = Vec::new();
    if rate.total > 0 || metrics.iter().any(|metric| metric.name == "checks") {
        let mut totals = check_totals(formatter, rate, &indent);
        if checks.is_empty() {
            // Samples that belong to no check leave a list without lines: observed on k6 1.1.
            totals.push('\n');
        }
        blocks.push(totals);
        if !checks.is_empty() {
            blocks.push(check_list(formatter, checks, depth));
        }
    }
    let shown = |metric: &SummaryMetric| {
        let phase = mode == Mode::Compact && begins_with(&metric.base, PHASES);
        !phase && !begins_with(&metric.base, NEVER_SHOWN)
    };
    let categories: Vec<(&str, Vec<&SummaryMetric>)> = CATEGORIES
        .iter()
        .map(|(title, _)| {
            let listed = metrics.iter().filter(|metric| category(&metric.base) == *title && shown(metric));
            (*title, listed.collect())
        })
        .filter(|(_, metrics): &(&str, Vec<&SummaryMetric>)| !metrics.is_empty())
        .collect();
    let groups: Vec<Vec<&SummaryMetric>> = categories.iter().map(|(_, metrics)| metrics.clone()).collect();
    for ((name, _), lines) in categories.iter().zip(formatter.lines(&groups, &indent, Look::Modern)) {
        let heading = format!("{indent}{}", formatter.style.paint(Paint::Bold, name));
        blocks.push(format!("{heading}\n{}", lines.join("\n")));
    }
    blocks
}

fn check_totals(formatter: &Formatter<'_>, rate: Rate, indent: &str) -> String {
    let style = formatter.style;
    let total = rate.total as f64;
    let fails = rate.total - rate.passes;
    // No checks: 0.00 %, as k6 since 1.2 (1.1 printed NaN%).
    let share = |part: u64| if rate.total == 0 { 0.0 } else { part as f64 / total };
    let entry = |part: u64| (percent(share(part)), format!("{part} out of {}", rate.total));
    let per_second = formatter.rate(total, throng_metrics::Contains::Default);
    let rows = [
        ("checks_total.......:", (rate.total.to_string(), per_second)),
        ("checks_succeeded...:", entry(rate.passes)),
        ("checks_failed......:", entry(fails)),
    ];
    let width = rows.iter().map(|(_, (value, _))| value.len()).max().unwrap_or_default();
    let lines: Vec<String> = rows
        .iter()
        .map(|(name, (value, extra))| {
            let (name, dots) = name.split_at(name.find('.').unwrap_or(name.len()));
            let padding = " ".repeat(width - value.len());
            let (dots, value) = (style.paint(Paint::Dots, dots), style.paint(Paint::Value, value));
            format!("{indent}{name}{dots} {value}{padding} {}", style.paint(Paint::Extra, extra))
        })
        .collect();
    lines.join("\n")
}

fn check_list(formatter: &Formatter<'_>, checks: &[CheckStats], depth: usize) -> String {
    let style = formatter.style;
    let indent = "  ".repeat(depth + 2);
    // Twice the nesting: observed on k6 1.1.
    let detail_indent = "  ".repeat(2 * depth + 3);
    let line = |check: &CheckStats| {
        let counts = check.counts;
        if counts.fails == 0 {
            return format!("{indent}{}", style.paint(Paint::Good, &format!("✓ {}", check.name)));
        }
        let percent = 100 * counts.passes / (counts.passes + counts.fails);
        let detail = format!("↳  {percent}% — ✓ {} / ✗ {}", counts.passes, counts.fails);
        let name = style.paint(Paint::Bad, &format!("✗ {}", check.name));
        format!("{indent}{name}\n{detail_indent}{}", style.paint(Paint::Bad, &detail))
    };
    checks.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A scenario or a group with a title of its own.
fn split_out(formatter: &Formatter<'_>, section: &Section, heading: &str) -> String {
    let mut blocks = vec![title(formatter, "  █ ", heading)];
    section_blocks(formatter, section, 0, &mut blocks);
    blocks.join("\n\n")
}

fn section_blocks(formatter: &Formatter<'_>, section: &Section, depth: usize, blocks: &mut Vec<String>) {
    let rate = section.check_rate();
    let metrics: Vec<SummaryMetric> =
        section.metrics.iter().filter(|metric| metric.name != "checks").cloned().collect();
    blocks.extend(body(formatter, Mode::Full, &metrics, rate, &section.checks, depth));
    for group in &section.groups {
        let lead = format!("{}↳ ", "  ".repeat(depth + 2));
        blocks.push(title(formatter, &lead, &format!("GROUP: {}", group.name)));
        section_blocks(formatter, group, depth + 1, blocks);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_a_name_decides_where_it_is_listed() {
        let cases = [
            ("data_x", "CUSTOM"),
            ("http_req_x", "CUSTOM"),
            ("iteration_x", "CUSTOM"),
            ("http_reqs_x", "HTTP"),
            ("vusx", "EXECUTION"),
            ("dropped_iterations_x", "EXECUTION"),
            ("data_sent", "NETWORK"),
            ("browser_x", "BROWSER"),
            ("browser_web_vital_x", "WEB_VITALS"),
            ("grpc_x", "GRPC"),
            ("ws_x", "WEBSOCKET"),
        ];
        for (name, title) in cases {
            assert_eq!(category(name), title, "{name}");
        }
    }
}
