//! How autoscalers followed the load: a section of our own, below the generator's.

use std::fmt::Write as _;

use super::style::{Paint, Style};

/// The story of one decision, or a line about one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScalingReport {
    /// In one line.
    pub title: String,
    /// Its steps.
    pub rows: Vec<ScalingRow>,
    /// What took longest, and why that may be.
    pub slow: Option<String>,
}

/// A step of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScalingRow {
    /// What happened.
    pub what: String,
    /// When, in seconds since the start; none if it did not, or was not seen.
    pub at: Option<f64>,
    /// Seconds since the last step that was seen.
    pub took: Option<f64>,
    /// More about it.
    pub detail: String,
}

/// The section; nothing if nothing scaled.
pub(super) fn render(reports: &[ScalingReport], style: Style, indent: &str) -> Option<String> {
    if reports.is_empty() {
        return None;
    }
    let mut text = format!("{indent}{}", style.paint(Paint::Bold, "SCALING"));
    for report in reports {
        let _ = write!(text, "\n{indent}{}", report.title);
        let width = report.rows.iter().map(|row| row.what.len()).max().unwrap_or_default() + 3;
        for row in &report.rows {
            let dots = style.paint(Paint::Dots, &format!("{}:", ".".repeat(width - row.what.len())));
            let at = row.at.map_or_else(|| "not seen".to_owned(), clock);
            let took = row.took.map(|took| format!("+{took:.0}s")).unwrap_or_default();
            let value = style.paint(Paint::Value, &format!("{at:>8} {took:>6}"));
            let line =
                format!("{indent}  {}{dots} {value}  {}", row.what, style.paint(Paint::Extra, &row.detail));
            let _ = write!(text, "\n{}", line.trim_end());
        }
        if let Some(slow) = &report.slow {
            let _ = write!(text, "\n{indent}  slow: {slow}");
        }
    }
    Some(text)
}

/// Minutes and seconds since the start.
fn clock(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    format!("{}m{:02}s", whole / 60, whole % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_has_its_seconds() {
        let row = |what: &str, at, took, detail: &str| ScalingRow {
            what: what.to_owned(),
            at,
            took,
            detail: detail.to_owned(),
        };
        let report = ScalingReport {
            title: "web: 2 → 4 replicas, ready 60 s after the load began to rise".to_owned(),
            rows: vec![
                row("load up", Some(20.0), None, "from 10 to 50 virtual users"),
                row("decided", Some(56.4), Some(36.4), ""),
                row("ready", None, None, "1 of 2 new pods were"),
            ],
            slow: Some("36 s from the load's rise".to_owned()),
        };
        let style = Style { colors: false };
        assert_eq!(
            render(&[report], style, "    ").as_deref(),
            Some(
                "    SCALING\n    web: 2 → 4 replicas, ready 60 s after the load began to rise\n      \
                 load up...:    0m20s         from 10 to 50 virtual users\n      \
                 decided...:    0m56s   +36s\n      \
                 ready.....: not seen         1 of 2 new pods were\n      \
                 slow: 36 s from the load's rise"
            )
        );
        assert_eq!(render(&[], style, ""), None);
    }
}
