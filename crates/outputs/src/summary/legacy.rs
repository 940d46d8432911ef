//! The layout of k6 before 1.0, as 1.1 still prints it with `--summary-mode=legacy`.

use throng_metrics::{CheckStats, GroupNode, Summary, SummaryMetric};

use super::generator::GeneratorReport;
use super::metric_lines::{Formatter, Look};
use super::scaling::{self, ScalingReport};
use super::style::Paint;

pub(super) fn render(
    summary: &Summary,
    formatter: &Formatter<'_>,
    generator: Option<&GeneratorReport>,
    scaling: &[ScalingReport],
) -> String {
    let mut lines = Vec::new();
    group(formatter, &summary.root, "     ", &mut lines);
    let metrics: Vec<&SummaryMetric> = summary.metrics.iter().collect();
    for line in formatter.lines(&[metrics], "   ", Look::Legacy).into_iter().flatten() {
        lines.push(line);
    }
    if let Some(text) = scaling::render(scaling, formatter.style, "     ") {
        lines.push(String::new());
        lines.push(text);
    }
    if let Some(report) = generator {
        lines.push(String::new());
        lines.push(report.render(formatter.style, "     "));
    }
    format!("\n{}\n\n", lines.join("\n"))
}

fn group(formatter: &Formatter<'_>, node: &GroupNode, indent: &str, lines: &mut Vec<String>) {
    let is_root = node.path.is_empty();
    let inner = if is_root { indent.to_owned() } else { format!("{indent}  ") };
    if !is_root {
        lines.push(format!("{indent}█ {}", node.name));
        lines.push(String::new());
    }
    lines.extend(node.checks.iter().map(|entry| check(formatter, entry, &inner)));
    if !node.checks.is_empty() {
        lines.push(String::new());
    }
    node.groups.iter().for_each(|child| group(formatter, child, &inner, lines));
}

fn check(formatter: &Formatter<'_>, check: &CheckStats, indent: &str) -> String {
    let counts = check.counts;
    if counts.fails == 0 {
        return formatter.style.paint(Paint::Good, &format!("{indent}✓ {}", check.name));
    }
    let percent = 100 * counts.passes / (counts.passes + counts.fails);
    let text = format!(
        "{indent}✗ {}\n{indent} ↳  {percent}% — ✓ {} / ✗ {}",
        check.name, counts.passes, counts.fails
    );
    formatter.style.paint(Paint::Bad, &text)
}
