//! `inspect`: the consolidated options as JSON.

use serde_json::{Value, json};
use throng_plan::{duration, shortcuts};

use super::prepare::Prepared;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::spec::{Face, RunSpec};
use crate::terminal::Stream;

/// Prints the options; with `requirements`, also how many virtual users and how long the run takes at most.
///
/// # Errors
/// As observed on k6 1.1 with `requirements`, where nobody says how many virtual users share the iterations or the time:
/// `run` then takes one, `inspect` refuses.
pub(super) fn print(spec: &RunSpec, prepared: &Prepared, requirements: bool) -> Result<(), Failure> {
    let mut options = prepared.options.clone();
    if requirements {
        let shared = options.iterations.is_some() || options.duration.is_some();
        if spec.face == Face::K6 && shared && options.vus.is_none() {
            let text = "vus is not set: the number of VUs must be more than 0 (`run` takes 1)";
            return Err(Failure::new(Exit::InvalidConfig, text.to_owned()));
        }
        options = options.with_shown_defaults();
        // As k6 does: with the scenario that the shortcuts stand for.
        options.scenarios = shortcuts::derive(&prepared.options).ok().map(|(scenarios, _)| scenarios);
    }
    let mut options = options.to_json();
    if let (true, Value::Object(fields)) = (requirements, &mut options) {
        fields.insert("totalDuration".into(), json!(duration::format(prepared.plan.max_duration())));
        fields.insert("maxVUs".into(), json!(prepared.max_vus()));
    }
    let text = serde_json::to_string_pretty(&options).unwrap_or_default().replace('<', "\\u003c");
    spec.terminal.print(Stream::Out, &(text.replace('>', "\\u003e").replace('&', "\\u0026") + "\n"));
    Ok(())
}
