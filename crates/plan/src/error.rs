//! What can be wrong with options, and what is worth a warning.
//!
//! Validation goes on after the first problem: a script with three mistakes is told of three.

use std::fmt;

use crate::segment::SegmentError;

/// The exit code of a run whose options do not make a plan, as k6 has it.
pub const EXIT_CODE: u8 = 104;

/// The options do not make a plan; [`EXIT_CODE`] is the exit code it stands for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct PlanError {
    /// At least one.
    pub problems: Vec<Problem>,
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [problem] = self.problems.as_slice() {
            return problem.fmt(f);
        }
        write!(f, "there are {} problems in the options:", self.problems.len())?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n  - {problem}"))
    }
}

impl From<Problem> for PlanError {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem] }
    }
}

/// One thing that is wrong. `path` is where the user wrote it: `scenarios.reads.vus`, `K6_VUS`, `--vus`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A value of the wrong type or outside its range.
    #[error("{path} is {value}: expected {expected}")]
    Invalid {
        /// Where it is.
        path: String,
        /// What was found, as JSON.
        value: String,
        /// What would do.
        expected: String,
    },
    /// Something that has to be given is not.
    #[error("{path} is missing: expected {expected}")]
    Missing {
        /// Where it should be.
        path: String,
        /// What would do.
        expected: String,
    },
    /// A name that does not exist here, where names are checked strictly.
    #[error("{path} does not exist: {owner} takes {known}")]
    Unknown {
        /// The name's path.
        path: String,
        /// Whose settings are checked (`the constant-vus executor`).
        owner: String,
        /// The names there are.
        known: String,
    },
    /// Two options of one layer that cannot be together.
    #[error("{first} and {second} are both set: keep one of them")]
    Conflict {
        /// The one option.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// Known, but this program does not do it.
    #[error("{path}: {what} is not supported yet")]
    Refused {
        /// Where it was asked for.
        path: String,
        /// What is not supported.
        what: String,
    },
    /// Segment and sequence do not fit together.
    #[error("executionSegment: {0}")]
    Segment(#[from] SegmentError),
}

impl Problem {
    /// Where the problem is, for finding its place in a file.
    pub fn path(&self) -> &str {
        match self {
            Self::Invalid { path, .. }
            | Self::Missing { path, .. }
            | Self::Unknown { path, .. }
            | Self::Refused { path, .. } => path,
            Self::Conflict { first, .. } => first,
            Self::Segment(_) => "executionSegment",
        }
    }
}

/// Worth saying, but the run goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// Names that are no options; they have no effect.
    UnknownOptions(Vec<String>),
    /// A higher level set `duration`, `iterations`, `stages` or `scenarios` and so replaced `scenarios`.
    OverrodeScenarios(crate::Level),
    /// `vus` without anything it could apply to.
    VusIgnored(i64),
    /// `stages` or `scenarios` is there but empty: one iteration runs.
    NothingToRun(&'static str),
    /// A scenario that can never start an iteration, and why.
    IdleScenario(String, &'static str),
    /// A value that has no effect, and why.
    NoEffect {
        /// Where it is.
        path: String,
        /// The value.
        value: String,
        /// Why it has none.
        why: &'static str,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownOptions(names) => {
                write!(f, "the options have names that do not exist and have no effect: {}", names.join(", "))
            }
            Self::OverrodeScenarios(level) => {
                write!(f, "\"{level}\" level configuration overrode scenarios configuration entirely")
            }
            Self::VusIgnored(vus) => {
                write!(f, "vus={vus} has no effect by itself: set duration, iterations or stages as well")
            }
            Self::NothingToRun(option) => write!(f, "{option} is empty: one virtual user runs one iteration"),
            Self::IdleScenario(name, why) => write!(f, "scenario {name} will not start any iteration: {why}"),
            Self::NoEffect { path, value, why } => write!(f, "{path}: {value} has no effect: {why}"),
        }
    }
}
