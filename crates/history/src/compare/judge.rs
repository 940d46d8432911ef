//! The rule for one row; it is written down at the module above.

use super::{Figures, Finding, Judgement, Row, Tolerance};
use crate::{Measured, Request};

/// Requests that must lie beyond a percentile.
const BEYOND: f64 = 10.0;
/// Requests from which on shares and rates are judged.
const ENOUGH: u64 = 100;
/// Seconds from which on a rate is judged.
const LONG: f64 = 10.0;

/// One of the rows is there.
pub(super) fn row(
    base: &Measured,
    run: &Measured,
    of_base: Option<&Request>,
    of_run: Option<&Request>,
    tolerance: &Tolerance,
) -> Row {
    let (before, after) =
        (of_base.map(|row| Figures::of(base, row)), of_run.map(|row| Figures::of(run, row)));
    let named = of_run.or(of_base).cloned().unwrap_or_default();
    let (judgement, findings) = match (before, after) {
        (Some(before), Some(after)) => {
            let long = base.elapsed >= LONG && run.elapsed >= LONG;
            let findings = findings(&before, &after, long, tolerance);
            (together(&findings), findings)
        }
        (None, _) => (Judgement::New, Vec::new()),
        (_, None) => (Judgement::Gone, Vec::new()),
    };
    Row { method: named.method, name: named.name, base: before, run: after, judgement, findings }
}

fn together(findings: &[Finding]) -> Judgement {
    let any = |what| findings.iter().any(|finding| finding.judgement == what);
    if any(Judgement::Worse) {
        Judgement::Worse
    } else if any(Judgement::Unclear) || findings.is_empty() {
        Judgement::Unclear
    } else if any(Judgement::Better) {
        Judgement::Better
    } else {
        Judgement::Same
    }
}

fn findings(before: &Figures, after: &Figures, long: bool, tolerance: &Tolerance) -> Vec<Finding> {
    let fewest = before.count.min(after.count);
    let mut all = Vec::new();
    for (what, share, tolerated, before, after) in [
        ("p50", 0.5, tolerance.p50, before.p50, after.p50),
        ("p95", 0.95, tolerance.p95, before.p95, after.p95),
        ("p99", 0.99, tolerance.p99, before.p99, after.p99),
    ] {
        let Some(tolerated) = tolerated else { continue };
        let needed = (BEYOND / (1.0 - share)).round() as u64;
        all.push(match (before, after) {
            (Some(before), Some(after)) if fewest >= needed => {
                percentile(what, before, after, tolerated, tolerance.floor)
            }
            _ => too_few(what, fewest, needed),
        });
    }
    if let Some(tolerated) = tolerance.failures {
        all.push(match (before.failed, after.failed) {
            (Some(before), Some(after)) if fewest >= ENOUGH => failures(before, after, tolerated),
            _ => too_few("failures", fewest, ENOUGH),
        });
    }
    if let Some(tolerated) = tolerance.rps {
        all.push(match (before.rps, after.rps) {
            (Some(before), Some(after)) if fewest >= ENOUGH && long => rate(before, after, tolerated),
            (Some(_), Some(_)) if fewest >= ENOUGH => Finding {
                what: "rps",
                judgement: Judgement::Unclear,
                text: format!("rps: not enough to say: each run must take {LONG} s"),
            },
            _ => too_few("rps", fewest, ENOUGH),
        });
    }
    all
}

fn percentile(what: &'static str, before: f64, after: f64, tolerated: f64, floor: f64) -> Finding {
    let change = percent(before, after);
    let counts = (after - before).abs() > floor;
    let judgement = if change > tolerated && counts {
        Judgement::Worse
    } else if -change > tolerated && counts {
        Judgement::Better
    } else {
        Judgement::Same
    };
    let text = format!(
        "{what} {} ms, {} ms before ({}; +{} % tolerated)",
        short(after),
        short(before),
        signed(change, " %"),
        short(tolerated)
    );
    Finding { what, judgement, text }
}

fn failures(before: f64, after: f64, tolerated: f64) -> Finding {
    let change = (after - before) * 100.0;
    let judgement = if change > tolerated {
        Judgement::Worse
    } else if -change > tolerated {
        Judgement::Better
    } else {
        Judgement::Same
    };
    let text = format!(
        "{} % failed, {} % before ({}; +{} tolerated)",
        short(after * 100.0),
        short(before * 100.0),
        signed(change, " points"),
        short(tolerated)
    );
    Finding { what: "failures", judgement, text }
}

fn rate(before: f64, after: f64, tolerated: f64) -> Finding {
    let change = percent(before, after);
    let judgement = if -change > tolerated {
        Judgement::Worse
    } else if change > tolerated {
        Judgement::Better
    } else {
        Judgement::Same
    };
    let text = format!(
        "{} requests/s, {} before ({}; -{} % tolerated)",
        short(after),
        short(before),
        signed(change, " %"),
        short(tolerated)
    );
    Finding { what: "rps", judgement, text }
}

fn too_few(what: &'static str, fewest: u64, needed: u64) -> Finding {
    let text = format!("{what}: not enough to say: {fewest} requests, and {needed} are needed in each run");
    Finding { what, judgement: Judgement::Unclear, text }
}

/// Growth in percent; without a base, any growth is a hundred.
fn percent(before: f64, after: f64) -> f64 {
    if before > 0.0 {
        (after - before) / before * 100.0
    } else if after > 0.0 {
        100.0
    } else {
        0.0
    }
}

/// Three significant digits or so.
fn short(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 99.95 => 0,
        size if size >= 9.995 => 1,
        _ => 2,
    };
    let text = format!("{value:.digits$}");
    if digits > 0 { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn signed(value: f64, unit: &str) -> String {
    let sign = if value < 0.0 { "-" } else { "+" };
    format!("{sign}{}{unit}", short(value.abs()))
}
