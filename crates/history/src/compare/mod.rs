//! One run judged against another.
//!
//! The rule, for all requests together and for each method and name that both runs have:
//!
//! - A percentile is **worse** if it grew by more than the tolerated percentage and by more than the floor, and better
//!   if it shrank by as much. It is judged only where each run has ten requests beyond it (p50: 20 requests, p95: 200,
//!   p99: 1,000): fewer are an accident.
//! - Failures are worse if their share grew by more than the tolerated points. They are judged from 100 requests on.
//! - The rate, if it is to be judged, is worse if it fell by more than the tolerated percentage; from 100 requests and
//!   ten seconds on.
//!
//! A row is worse if one of its numbers is; unclear if one of those that were to be judged cannot be; else better if one
//! is better. The whole is worse if any row is worse, and otherwise what the row of all requests is.

mod judge;
mod tolerance;

use serde::Serialize;

use crate::{Measured, Request};

pub use tolerance::{Tolerance, ToleranceError};

/// What is said of a number, a row or all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Judgement {
    /// Beyond what is tolerated.
    Worse,
    /// As far beyond it, in the other direction.
    Better,
    /// Neither.
    Same,
    /// There are too few samples to say.
    Unclear,
    /// A row that the base does not have.
    New,
    /// A row that only the base has.
    Gone,
}

/// The numbers of one row in one run; times in ms.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[expect(missing_docs, reason = "each is the number of that name")]
pub struct Figures {
    pub count: u64,
    pub fails: u64,
    pub rps: Option<f64>,
    /// 0 to 1; none without requests.
    pub failed: Option<f64>,
    pub p50: Option<f64>,
    pub p95: Option<f64>,
    pub p99: Option<f64>,
}

impl Figures {
    fn of(run: &Measured, row: &Request) -> Self {
        let Request { count, fails, median, p95, p99, .. } = *row;
        let failed = (count > 0).then(|| fails as f64 / count as f64);
        Self { count, fails, rps: run.rate(count), failed, p50: median, p95, p99 }
    }
}

/// A number of a row that was to be judged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// Which: `p50`, `p95`, `p99`, `failures` or `rps`.
    pub what: &'static str,
    /// What is said of it.
    pub judgement: Judgement,
    /// In words.
    pub text: String,
}

/// A row of both runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Of the request.
    pub method: String,
    /// Of the request.
    pub name: String,
    /// What the base measured.
    pub base: Option<Figures>,
    /// What the run measured.
    pub run: Option<Figures>,
    /// What is said of it.
    pub judgement: Judgement,
    /// And why.
    pub findings: Vec<Finding>,
}

/// Two runs side by side.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// What is said of it all.
    pub judgement: Judgement,
    /// What decided.
    pub reasons: Vec<String>,
    /// By what it was judged.
    pub tolerance: Tolerance,
    /// All requests together.
    pub total: Row,
    /// By method and name, as the run has them, then those that only the base has.
    pub rows: Vec<Row>,
}

/// Judges `run` against `base`.
pub fn compare(base: &Measured, run: &Measured, tolerance: &Tolerance) -> Comparison {
    let total = judge::row(base, run, Some(&base.totals), Some(&run.totals), tolerance);
    let key = |row: &Request| (row.method.clone(), row.name.clone());
    let mut of_base: std::collections::HashMap<_, _> =
        base.requests.iter().map(|row| (key(row), row)).collect();
    let mut rows: Vec<Row> = run
        .requests
        .iter()
        .map(|row| judge::row(base, run, of_base.remove(&key(row)), Some(row), tolerance))
        .collect();
    let gone = base.requests.iter().filter(|row| of_base.contains_key(&key(row)));
    rows.extend(gone.map(|row| judge::row(base, run, Some(row), None, tolerance)));
    let worse = |row: &Row| row.judgement == Judgement::Worse;
    let judgement = if rows.iter().any(worse) { Judgement::Worse } else { total.judgement };
    let mut reasons = Vec::new();
    for (name, row) in std::iter::once((String::new(), &total))
        .chain(rows.iter().filter(|row| worse(row)).map(|row| (label(row), row)))
    {
        let of = if name.is_empty() { "all requests".to_owned() } else { name };
        let deciding = row.findings.iter().filter(|finding| finding.judgement == judgement);
        reasons.extend(deciding.map(|finding| format!("{of}: {}", finding.text)));
    }
    Comparison { judgement, reasons, tolerance: *tolerance, total, rows }
}

/// Method and name of a row.
pub fn label(row: &Row) -> String {
    format!("{} {}", row.method, row.name).trim().to_owned()
}

#[cfg(test)]
mod tests;
