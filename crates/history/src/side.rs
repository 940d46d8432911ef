//! The runs of a comparison, wherever they are from, and the comparison as programs and the page read it.

use std::path::Path;

use serde_json::{Value, json};

use crate::compare::{Comparison, Tolerance, compare};
use crate::file::{self, FileError};
use crate::{HistoryError, Measured, Run, RunId, Store};

/// One of the two runs.
#[derive(Clone, Debug)]
pub struct Side {
    /// What the history has of it, if it is from one.
    pub run: Option<Run>,
    /// What its page had at the end, as JSON; none if it is from a file that has only numbers.
    pub snapshot: Option<String>,
    /// Its numbers.
    pub measured: Measured,
}

impl Side {
    /// A run of a history.
    pub fn of_store(store: &Store, id: RunId) -> Result<Self, HistoryError> {
        let run = store.run(id)?;
        let snapshot = store.snapshot(id)?;
        let measured = store.read(id, &snapshot)?;
        Ok(Self { run: Some(run), snapshot: Some(snapshot), measured })
    }

    /// A run from a file.
    pub fn of_file(path: &Path) -> Result<Self, FileError> {
        let (measured, snapshot) = file::read(path)?;
        Ok(Self { run: None, snapshot, measured })
    }

    /// A run by its snapshot.
    pub fn of_snapshot(snapshot: String) -> Result<Self, serde_json::Error> {
        let measured = Measured::of_snapshot(&snapshot)?;
        Ok(Self { run: None, snapshot: Some(snapshot), measured })
    }

    /// What people call it.
    pub fn label(&self) -> String {
        match &self.run {
            Some(run) => format!("#{} {}", run.id, run.name),
            None => self.measured.file.clone(),
        }
    }

    /// As the list of a history has it, as far as that is known.
    fn about(&self) -> Value {
        let Measured { kind, file, started_at, elapsed, totals, .. } = &self.measured;
        self.run.as_ref().map_or_else(
            || {
                json!({
                    "id": null, "name": file, "kind": kind, "file": file, "checksum": "", "started_at": started_at,
                    "elapsed": elapsed, "exit_code": null, "verdict": null, "requests": totals.count,
                    "failures": totals.fails, "rps": self.measured.rate(totals.count), "median": totals.median,
                    "p95": totals.p95, "p99": totals.p99, "baseline": false,
                })
            },
            |run| json!(run),
        )
    }
}

/// Both with what is said of them.
#[derive(Clone, Debug)]
pub struct SideBySide {
    /// What is judged against.
    pub base: Side,
    /// What is judged.
    pub run: Side,
    /// The judgement.
    pub comparison: Comparison,
}

impl SideBySide {
    /// Judges `run` against `base`.
    pub fn new(base: Side, run: Side, tolerance: &Tolerance) -> Self {
        let comparison = compare(&base.measured, &run.measured, tolerance);
        Self { base, run, comparison }
    }

    /// As `GET /api/v1/compare` answers it.
    pub fn json(&self) -> Value {
        let mut value = json!(self.comparison);
        value["base"] = self.base.about();
        value["run"] = self.run.about();
        value
    }

    /// What a report of the comparison has in it; none if one of the runs is numbers only.
    pub fn report_data(&self) -> Option<String> {
        let (base, run) = (self.base.snapshot.as_ref()?, self.run.snapshot.as_ref()?);
        Some(format!(r#"{{"comparison":{},"base":{base},"run":{run}}}"#, self.json()))
    }
}
