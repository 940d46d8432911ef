//! What happens with the numbers at the end of a run.

use std::path::PathBuf;

use crate::failure::Failure;
use crate::flags::Values;

/// What happens with the numbers at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// How the built-in summary looks.
    pub mode: SummaryMode,
    /// Where to write the numbers as JSON.
    pub export: Option<PathBuf>,
}

/// How the built-in summary looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SummaryMode {
    /// Totals.
    Compact,
    /// Totals, then groups and scenarios.
    Full,
    /// The list of k6 before 1.0.
    Legacy,
    /// None, and `handleSummary()` is not called.
    Disabled,
}

impl Summary {
    /// Reads the flags and variables. `--no-summary` is the older name of `--summary-mode=disabled`.
    pub(super) fn new(values: &Values) -> Result<Self, Failure> {
        let mode = match values.one("summary-mode") {
            None | Some("compact") => SummaryMode::Compact,
            Some("full") => SummaryMode::Full,
            Some("legacy") => SummaryMode::Legacy,
            Some("disabled") => SummaryMode::Disabled,
            Some(other) => {
                return Err(Failure::other(format!(
                    "invalid summary mode '{other}'; use compact, full, legacy or disabled"
                )));
            }
        };
        let off = values.switch("no-summary")?.unwrap_or(false);
        let export = values.one("summary-export").filter(|path| !path.is_empty()).map(PathBuf::from);
        Ok(Self { mode: if off { SummaryMode::Disabled } else { mode }, export })
    }
}
