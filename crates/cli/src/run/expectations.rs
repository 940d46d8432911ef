//! Thresholds beyond k6's own, which may look at a part of the run: `options.ext.throng.thresholds` and `--expect`.
//!
//! `ext` is where k6 has the settings of others, which it does not read: a script that has them runs in k6 as before.
//! In `options.thresholds` themselves windows are refused, as k6 refuses them.

use std::time::Duration;

use throng_metrics::threshold::{Anchor, Source};
use throng_metrics::{Registry, SelectorError, ThresholdError, Thresholds};
use throng_plan::{Options, Plan};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::spec::{Expectation, RunSpec};

/// Where a script has them.
const PLACE: &str = "options.ext.throng";

/// Adds them to those of the options.
pub(super) fn add(
    thresholds: &mut Thresholds,
    spec: &RunSpec,
    options: &Options,
    plan: &Plan,
    registry: &Registry,
) -> Result<(), Failure> {
    let mut sources = of_script(options)?;
    for (metric, expression) in &spec.expectations {
        let source = Source { expression: expression.clone(), abort_on_fail: false, delay_abort_eval: None };
        sources.push((metric.clone(), vec![source]));
    }
    thresholds
        .add_windowed(&sources, registry)
        .map_err(|error| invalid(format!("{error}{}", hint(&error))))?;
    let after = spec.watch.as_ref().map(|watch| watch.after).unwrap_or_default();
    check(thresholds, after, plan.peak().is_some())
}

/// Those of a locustfile, which only what is watched can have.
pub(super) fn of_locustfile(
    expectations: &[Expectation],
    registry: &Registry,
    after: Duration,
) -> Result<Thresholds, Failure> {
    let mut thresholds = Thresholds::default();
    let source = |expression: &String| Source {
        expression: expression.clone(),
        abort_on_fail: false,
        delay_abort_eval: None,
    };
    let sources: Vec<_> =
        expectations.iter().map(|(metric, expression)| (metric.clone(), vec![source(expression)])).collect();
    thresholds
        .add_windowed(&sources, registry)
        .map_err(|error| invalid(format!("--expect: {error}{}", hint(&error))))?;
    for threshold in thresholds.iter() {
        let name = &threshold.target.name;
        if throng_watch::metric::named(name.split('{').next().unwrap_or(name)).is_none() {
            return Err(invalid(format!(
                "--expect: {name} is measured in k6 scripts; of a locustfile only what is watched can be expected \
                 (docs/watch.md has the metrics), and a listener of events.quitting can judge requests"
            )));
        }
    }
    check(&thresholds, after, false)?;
    Ok(thresholds)
}

fn of_script(options: &Options) -> Result<Vec<(String, Vec<Source>)>, Failure> {
    let Some(ours) = options.ext.as_ref().and_then(|ext| ext.get("throng")) else { return Ok(Vec::new()) };
    let Some(fields) = ours.as_object() else {
        return Err(invalid(format!("{PLACE} must be an object")));
    };
    if let Some(unknown) = fields.keys().find(|name| *name != "thresholds") {
        return Err(invalid(format!("there is no option {PLACE}.{unknown}; there is {PLACE}.thresholds")));
    }
    // The shapes are those of k6's own.
    let read =
        Options::from_config(&ours.clone()).map_err(|error| invalid(format!("in {PLACE}: {error}")))?;
    let of = |(metric, list): (String, Vec<throng_plan::value::thresholds::ThresholdSource>)| {
        let source = |one: throng_plan::value::thresholds::ThresholdSource| Source {
            expression: one.source,
            abort_on_fail: one.abort_on_fail,
            delay_abort_eval: one.delay_abort_eval,
        };
        (metric, list.into_iter().map(source).collect())
    };
    Ok(read.thresholds.unwrap_or_default().0.into_iter().map(of).collect())
}

/// That what is looked at can come to be.
fn check(thresholds: &Thresholds, after: Duration, has_peak: bool) -> Result<(), Failure> {
    for threshold in thresholds.iter() {
        let Some(window) = threshold.window else { continue };
        let of = || format!("the threshold '{}' on {}", threshold.source, threshold.target.name);
        let names_peak =
            window.moments().any(|moment| matches!(moment.anchor, Anchor::Peak | Anchor::Descent));
        if names_peak && !has_peak {
            return Err(invalid(format!(
                "{} names the peak, and this test has none that is planned: its load depends on how long iterations \
                 take; use a time since the start, such as 90s",
                of()
            )));
        }
        let needs = window.after_end();
        if needs > after {
            return Err(invalid(format!(
                "{} looks at {} after the end of the load, and nothing is measured then: add --watch and --watch-after {}",
                of(),
                throng_plan::duration::format(needs),
                throng_plan::duration::format(needs),
            )));
        }
    }
    Ok(())
}

/// What to do about a threshold that cannot be read, if it is about something that is ours.
pub(super) fn hint(error: &ThresholdError) -> String {
    match error {
        ThresholdError::Metric(SelectorError::UnknownMetric { base, .. })
            if throng_watch::metric::named(base).is_some() =>
        {
            format!("; {base} is measured where --watch says what to watch")
        }
        ThresholdError::Expression { expression, .. }
            if matches!(throng_metrics::threshold::Window::split(expression), Ok((_, Some(_)))) =>
        {
            format!("; a part of the run can be named in {PLACE}.thresholds or with --expect")
        }
        _ => String::new(),
    }
}

fn invalid(message: impl Into<String>) -> Failure {
    Failure::new(Exit::InvalidConfig, message)
}
