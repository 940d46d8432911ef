//! `inspect`: the consolidated options as JSON.

use serde_json::{Value, json};
use throng_plan::{duration, shortcuts};

use super::prepare::Prepared;
use crate::spec::RunSpec;
use crate::terminal::Stream;

/// Prints the options; with `requirements`, also how many virtual users and how long the run takes at most.
pub(super) fn print(spec: &RunSpec, prepared: &Prepared, requirements: bool) {
    let mut options = prepared.options.clone();
    if requirements {
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
}
