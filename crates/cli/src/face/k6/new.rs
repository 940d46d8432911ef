//! `k6 new [FILE]`: a first script to edit.

use std::path::Path;

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::exit::Exit;
use crate::face::Invocation;
use crate::failure::Failure;
use crate::flags::{self, FlagError};
use crate::terminal::Stream;

const MINIMAL: &str = include_str!("templates/minimal.js");
const PROTOCOL: &str = include_str!("templates/protocol.js");

/// Where a template says that the cloud project goes; the line is dropped when there is none.
const PROJECT_LINE: &str = "  cloud: { projectID: {{ .ProjectID }} },\n";

/// The command with its flags.
pub(super) fn command() -> Command {
    Command::new("new")
        .about("Write a first script from a template")
        .arg(flags::positional("file", "The script to write [default: script.js]"))
        .arg(
            Arg::new("force")
                .long("force")
                .short('f')
                .help("overwrite a file that exists")
                .action(ArgAction::SetTrue),
        )
        .arg(
            Arg::new("template")
                .long("template")
                .value_name("template")
                .help("minimal, protocol, or the path of a template of yours")
                .default_value("minimal")
                .num_args(1),
        )
        .arg(
            Arg::new("project-id")
                .long("project-id")
                .value_name("id")
                .help("name this project of Grafana Cloud in the script's options")
                .num_args(1),
        )
}

/// Writes the script.
pub(super) fn execute(invocation: &Invocation, matches: &ArgMatches) -> Result<Exit, Failure> {
    let name = match invocation.arguments.as_slice() {
        [] => "script.js",
        [name] => name,
        more => {
            let given = more.len();
            return Err(FlagError::Arguments { command: "new", takes: "at most one file", given }.into());
        }
    };
    let path = Path::new(name);
    if path.exists() && !matches.get_flag("force") {
        return Err(Failure::other(format!("'{name}' exists; overwrite it with --force")));
    }
    let template = matches.get_one::<String>("template").map_or("minimal", String::as_str);
    let project = matches.get_one::<String>("project-id").map_or("", String::as_str);
    if !project.chars().all(|c| c.is_ascii_digit()) {
        return Err(Failure::other(format!("--project-id cannot be '{project}'; use digits")));
    }
    let script = fill(&source(template)?, name, project);
    std::fs::write(path, script)
        .map_err(|error| Failure::other(format!("failed to write '{name}': {error}")))?;
    invocation.terminal.print(Stream::Out, &format!("New script created: {name} ({template} template).\n"));
    Ok(Exit::Success)
}

fn source(template: &str) -> Result<String, Failure> {
    match template {
        "minimal" => Ok(MINIMAL.to_owned()),
        "protocol" => Ok(PROTOCOL.to_owned()),
        "browser" => Err(Failure::other("the browser template is not supported yet, as k6/browser is not")),
        path if path.contains(std::path::MAIN_SEPARATOR) => std::fs::read_to_string(path)
            .map_err(|error| Failure::other(format!("failed to read the template '{path}': {error}"))),
        other => Err(Failure::other(format!(
            "unknown template '{other}'; use minimal, protocol or a path such as ./{other}"
        ))),
    }
}

/// Fills in the two names that k6's templates know.
fn fill(template: &str, name: &str, project: &str) -> String {
    let template = if project.is_empty() { template.replace(PROJECT_LINE, "") } else { template.to_owned() };
    template.replace("{{ .ScriptName }}", name).replace("{{ .ProjectID }}", project)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_leave_no_placeholder_behind() {
        for template in [MINIMAL, PROTOCOL] {
            assert!(template.contains(PROJECT_LINE));
            for project in ["", "123"] {
                let script = fill(template, "a.js", project);
                assert!(!script.contains("{{"), "{script}");
                assert_eq!(script.contains("projectID: 123"), !project.is_empty());
            }
        }
    }
}
