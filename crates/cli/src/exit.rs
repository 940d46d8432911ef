//! The exit codes of the k6 face, fixed in this one file.
//!
//! Scripts and CI jobs branch on these numbers, so they are part of the interface and never change.
//! The values were observed on k6 1.1; 97 has the meaning it got in k6 2. Throng's own face uses the
//! same codes, [`Exit::Usage`] for a command that it knows but cannot do, two more each for databases and clusters and one for
//! comparisons.

use std::process::ExitCode;

/// Why the process ends, as a number that others read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Exit {
    /// The run went to its end. Exceptions in iterations and failed checks do not change that.
    Success = 0,
    /// The Locust face: no interpreter that could run the locustfile. All other codes of that face are Python's.
    NoPython = 1,
    /// Throng's own face: the command line asks for something that throng does not do.
    Usage = 2,
    /// A test in k6's cloud failed or was aborted.
    CloudTestFailed = 97,
    /// Progress of a test in k6's cloud could not be read.
    CloudProgress = 98,
    /// A threshold was crossed, at the end or with `abortOnFail`; `throng compare`: the run is worse than the base.
    ThresholdsCrossed = 99,
    /// `setup()` took longer than `setupTimeout`.
    SetupTimeout = 100,
    /// `teardown()` took longer than `teardownTimeout`.
    TeardownTimeout = 101,
    /// Something else took longer than it may.
    Timeout = 102,
    /// The run was stopped through the REST API.
    StoppedByRest = 103,
    /// The options, merged or in one of their layers, are not valid.
    InvalidConfig = 104,
    /// SIGINT or SIGTERM stopped the run.
    Signal = 105,
    /// The REST API could not start on an address that was asked for.
    RestUnavailable = 106,
    /// The script threw in its init code, in `setup()` or in `teardown()`.
    ScriptException = 107,
    /// The script called `exec.test.abort()`.
    ScriptAborted = 108,
    /// A defect of throng itself.
    Panic = 109,
    /// The script called `exec.test.fail()`.
    ScriptMarkedFailed = 110,
    /// `throng fill`: the database refused, and would again: password, rights, database, a record.
    StoreRefused = 111,
    /// `throng fill`: the database cannot be reached, or has no room; the same command may work later.
    StoreUnavailable = 112,
    /// `throng compare`: there are too few requests to say whether the run is worse.
    NotEnough = 113,
    /// `throng k8s`: the cluster refused, or a pod does not start or was taken away.
    ClusterRefused = 114,
    /// `throng k8s`: the cluster cannot be reached; the same command may work later.
    ClusterUnavailable = 115,
    /// Everything else: an unknown flag, a missing file, a script without exports.
    Other = 255,
}

impl Exit {
    /// Every code, in ascending order.
    pub const ALL: [Self; 23] = [
        Self::Success,
        Self::NoPython,
        Self::Usage,
        Self::CloudTestFailed,
        Self::CloudProgress,
        Self::ThresholdsCrossed,
        Self::SetupTimeout,
        Self::TeardownTimeout,
        Self::Timeout,
        Self::StoppedByRest,
        Self::InvalidConfig,
        Self::Signal,
        Self::RestUnavailable,
        Self::ScriptException,
        Self::ScriptAborted,
        Self::Panic,
        Self::ScriptMarkedFailed,
        Self::StoreRefused,
        Self::StoreUnavailable,
        Self::NotEnough,
        Self::ClusterRefused,
        Self::ClusterUnavailable,
        Self::Other,
    ];

    /// The one of this number.
    pub fn of(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|exit| exit.code() == code)
    }

    /// The number that the process returns.
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::Exit;

    #[test]
    fn codes_are_the_published_ones() {
        let codes: Vec<u8> = Exit::ALL.iter().map(|exit| exit.code()).collect();
        assert_eq!(
            codes,
            [
                0, 1, 2, 97, 98, 99, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113,
                114, 115, 255
            ]
        );
    }
}
