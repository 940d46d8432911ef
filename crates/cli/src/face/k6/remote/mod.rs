//! Commands that talk to the REST API of a running test, and those that k6 2 added.

mod client;
mod yaml;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clap::{Arg, ArgMatches, Command, value_parser};
use serde_json::{Value, json};

use super::cloud::swallowing;
use crate::exit::Exit;
use crate::face::Invocation;
use crate::failure::Failure;
use crate::spec::REST_ADDRESS;
use crate::terminal::Stream;

use client::Client;

/// Known by name, and not there.
const REFUSED: [(&str, &str); 3] = [
    ("deps", "List what a script depends on (not supported yet)"),
    ("features", "List features on trial (not supported yet)"),
    ("x", "Run a command of an extension (not supported yet)"),
];

/// The commands.
pub(super) fn commands() -> impl Iterator<Item = Command> {
    let number = |name: &'static str, short: char, help: &'static str| {
        Arg::new(name)
            .long(name)
            .short(short)
            .value_name("number")
            .help(help)
            .value_parser(value_parser!(u64))
    };
    let own = [
        Command::new("pause").about("Pause a running test"),
        Command::new("resume").about("Resume a paused test"),
        Command::new("scale")
            .about("Change the virtual users of a running test")
            .arg(number("vus", 'u', "so many loop"))
            .arg(number("max", 'm', "there are so many at most")),
        Command::new("stats").about("Show the metrics of a running test"),
        Command::new("status").about("Show the state of a running test"),
    ];
    own.into_iter().chain(REFUSED.map(|(name, about)| swallowing(name, about)))
}

/// Runs one of them.
pub(super) fn execute(invocation: &Invocation, name: &str, matches: &ArgMatches) -> Result<Exit, Failure> {
    let address = invocation.values.one("address").filter(|text| !text.is_empty()).unwrap_or(REST_ADDRESS);
    let client = Client(address);
    let text = match name {
        "status" => status(client.get("/v1/status")),
        "pause" => status(change(&client, json!({ "paused": true }))),
        "resume" => status(change(&client, json!({ "paused": false }))),
        "scale" => {
            let number = |name: &str| matches.get_one::<u64>(name).copied();
            let (vus, max) = (number("vus"), number("max"));
            if vus.is_none() && max.is_none() {
                return Err(Failure::other("Specify either -u/--vus or -m/--max"));
            }
            status(change(&client, json!({ "vus": vus, "vus-max": max })))
        }
        "stats" => client.get("/v1/metrics").map(|metrics| stats(&metrics)),
        name => return Err(Failure::other(format!("{} {name} is not supported yet", invocation.program))),
    };
    invocation.terminal.print(Stream::Out, &text.map_err(Failure::other)?);
    Ok(Exit::Success)
}

fn change(client: &Client<'_>, attributes: Value) -> Result<Value, String> {
    let document = json!({ "data": { "type": "status", "id": "default", "attributes": attributes } });
    client.patch("/v1/status", &document)
}

/// The status as k6 prints it: what may be missing there is a text.
fn status(document: Result<Value, String>) -> Result<String, String> {
    let attributes = document?["attributes"].take();
    let optional = |name: &str| match &attributes[name] {
        Value::Null => json!(""),
        value => Value::String(value.to_string()),
    };
    Ok(yaml::mapping(&[
        ("status", attributes["status"].clone()),
        ("paused", optional("paused")),
        ("vus", optional("vus")),
        ("vus-max", optional("vus-max")),
        ("stopped", attributes["stopped"].clone()),
        ("running", attributes["running"].clone()),
        ("tainted", attributes["tainted"].clone()),
    ]))
}

/// All metrics as a list.
fn stats(metrics: &Value) -> String {
    let mut text = String::new();
    for metric in metrics.as_array().into_iter().flatten() {
        let attributes = &metric["attributes"];
        let tainted = match &attributes["tainted"] {
            Value::Null => json!(""),
            value => Value::String(value.to_string()),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "- name: {}", yaml::scalar(&metric["id"]));
        for name in ["type", "contains"] {
            let value = yaml::scalar(&attributes[name]);
            let _ = write!(text, "  {name}:\n    type: {value}\n    valid: true\n");
        }
        let _ = write!(text, "  tainted: {}\n  sample:\n", yaml::scalar(&tainted));
        let sample: BTreeMap<&String, &Value> =
            attributes["sample"].as_object().into_iter().flatten().collect();
        for (name, value) in sample {
            let _ = writeln!(text, "    {name}: {}", yaml::scalar(value));
        }
    }
    text
}
