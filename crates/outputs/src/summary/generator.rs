//! What the load generator says about itself: numbers that do not flatter.
//!
//! A generator that is out of breath measures itself, not the target. This block says how late it was and
//! how busy, and says plainly when it was the bottleneck.

use super::format::{percent, value};
use super::style::{Paint, Style};
use throng_metrics::Contains;

/// How the generator itself fared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GeneratorReport {
    /// How late the event loops were, in milliseconds: median, 99th percentile and worst.
    pub loop_lag: Option<[f64; 3]>,
    /// How late iterations of arrival-rate scenarios started, in milliseconds: median, 99th percentile, worst.
    pub start_lag: Option<[f64; 3]>,
    /// Processor time used, as a share of the processors available (0 to 1).
    pub cpu: Option<f64>,
    /// Raw samples that an output could not take.
    pub raw_dropped: u64,
    /// How many workers generated the load; 0 for the threads of one process.
    pub workers: usize,
    /// What is missing from the numbers as workers were lost, a sentence for each.
    pub losses: Vec<String>,
    /// Why the numbers above should not be trusted, if so, as a sentence.
    pub warning: Option<String>,
}

impl GeneratorReport {
    pub(super) fn render(&self, style: Style, indent: &str) -> String {
        let lag = |[median, high, worst]: [f64; 3]| {
            let show = |millis| style.paint(Paint::Value, &value(millis, Contains::Time, None));
            format!("med={} p(99)={} max={}", show(median), show(high), show(worst))
        };
        let mut rows = Vec::new();
        if self.workers > 0 {
            rows.push(("workers", style.paint(Paint::Value, &self.workers.to_string())));
        }
        rows.extend(self.cpu.map(|share| ("cpu", style.paint(Paint::Value, &percent(share)))));
        rows.extend(self.loop_lag.map(|values| ("loop_lag", lag(values))));
        rows.extend(self.start_lag.map(|values| ("iteration_start_lag", lag(values))));
        if self.raw_dropped > 0 {
            rows.push(("raw_samples_dropped", style.paint(Paint::Bad, &self.raw_dropped.to_string())));
        }
        let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default() + 3;
        let mut lines = vec![format!("{indent}{}", style.paint(Paint::Bold, "GENERATOR"))];
        for (name, text) in rows {
            let dots = style.paint(Paint::Dots, &format!("{}:", ".".repeat(width - name.len())));
            lines.push(format!("{indent}{name}{dots} {text}"));
        }
        for sentence in self.losses.iter().chain(&self.warning) {
            lines.push(format!("{indent}{}", style.paint(Paint::Bad, &format!("✗ {sentence}"))));
        }
        lines.join("\n")
    }
}
