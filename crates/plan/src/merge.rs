//! Layers of options, and the order in which they count.

use std::fmt;

use crate::error::Warning;
use crate::options::Options;

/// Where a layer comes from; later ones count more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The configuration file.
    Config,
    /// The script's `options`, or those of an archive.
    Script,
    /// Environment variables.
    Env,
    /// Flags.
    Cli,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Config => "config",
            Self::Script => "script",
            Self::Env => "env",
            Self::Cli => "cli",
        })
    }
}

/// The options of all layers as one.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Merged {
    /// What counts.
    pub options: Options,
    /// What was overridden in a way that may surprise.
    pub warnings: Vec<Warning>,
}

/// Lays layers over each other, in the order of their levels.
pub fn merge(layers: impl IntoIterator<Item = (Level, Options)>) -> Merged {
    let mut layers: Vec<(Level, Options)> = layers.into_iter().collect();
    layers.sort_by_key(|(level, _)| *level);
    let mut merged = Merged::default();
    for (level, layer) in layers {
        if merged.options.scenarios.is_some() && layer.sets_what_runs() {
            merged.warnings.push(Warning::OverrodeScenarios(level));
        }
        merged.options.lay_over(layer);
    }
    merged
}
