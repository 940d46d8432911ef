//! The page on :8089: what it shows of a run, and what it may ask of it.
//!
//! A host program (the conductor of a k6 run, the runner of a locustfile) pushes an [`Update`] once a second and takes
//! [`Ask`]s. Everything between is here: the [`Model`] makes snapshots and ticks of the updates, [`Page`] serves them on
//! a thread of its own. Nothing here measures or judges; the numbers come ready, so that both kinds of run have one page.
//!
//! Invariant: a virtual user's thread never waits for this crate. Pushing hands over a value; asking is answered when the
//! host looks.

#![forbid(unsafe_code)]

mod door;
mod history;
mod host;
mod login;
mod model;
mod page;
mod serve;

pub use door::Door;
pub use history::{History, Keeps};
pub use host::{
    Answer, Ask, Command, CutOff, Foreign, ForeignHead, Inbox, Part, Refusal, Reply, Start, Verdict,
};
pub use login::{Login, LoginError};
pub use model::{
    Can, Check, Class, Event, Exception, Failure, Form, HistoryKind, Kind, Lag, Late, LogLevel, LogLine,
    Mark, MarkKind, Measured, Metric, Model, Row, RunState, Scaling, ScalingStep, Scenario, ScenarioState,
    Second, Settings, Threshold, Update, Users, Watched, Worker,
};
pub use page::{Access, Config, Entrance, Page, StartError, Tls};

/// Whether the page is built in, of which reports are made.
pub fn has_report() -> bool {
    throng_web_assets::is_built()
}

/// The page with `data` in it as one file: a snapshot, or a comparison of two; none if the page is not built in.
pub fn report(data: &str) -> Option<String> {
    throng_web_assets::report(data)
}
