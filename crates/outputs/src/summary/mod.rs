//! The text printed at the end of a run: k6's compact, full and legacy summaries.
//!
//! The layout is k6's, observed on 1.1 with the name column of 1.2 and later, so that eyes and scripts that
//! know the one can read the other.

mod compact;
mod format;
mod generator;
mod legacy;
mod metric_lines;
mod scaling;
mod style;

use throng_metrics::Summary;

use crate::trend_stat::TrendStat;
pub use format::{TimeUnit, TimeUnitError};
pub use generator::GeneratorReport;
use metric_lines::Formatter;
pub use scaling::{ScalingReport, ScalingRow};
use style::Style;

/// How much the summary shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Thresholds, checks, the main metrics.
    #[default]
    Compact,
    /// Also all request phases, and each scenario and group.
    Full,
    /// The layout before k6 1.0.
    Legacy,
}

/// How the summary is written.
#[derive(Clone, Debug)]
pub struct Options {
    /// How much it shows.
    pub mode: Mode,
    /// Whether to write escape codes for colours.
    pub colors: bool,
    /// A fixed unit for times; `None`: each time in the unit that suits it.
    pub time_unit: Option<TimeUnit>,
    /// Which statistics of trends to show, in order.
    pub trend_stats: Vec<TrendStat>,
    /// What the generator says about itself: a section of our own, not shown in the face of k6.
    pub generator: Option<GeneratorReport>,
    /// How autoscalers followed the load, where they were watched.
    pub scaling: Vec<ScalingReport>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            colors: false,
            time_unit: None,
            trend_stats: TrendStat::defaults(),
            generator: None,
            scaling: Vec::new(),
        }
    }
}

/// The text of the summary, with the blank lines around it.
pub fn render(summary: &Summary, options: &Options) -> String {
    let style = Style { colors: options.colors };
    let formatter = Formatter {
        style,
        time_unit: options.time_unit,
        stats: &options.trend_stats,
        seconds: summary.duration.as_secs_f64(),
    };
    match options.mode {
        Mode::Legacy => legacy::render(summary, &formatter, options.generator.as_ref(), &options.scaling),
        mode => compact::render(summary, &formatter, mode, options.generator.as_ref(), &options.scaling),
    }
}
