//! `throng k8s status`: the runs of a namespace, and their pods.

use std::fmt::Write;

use clap::{ArgMatches, Command};
use throng_kube::{Connection, RunName, Status};

use super::{failure, run_arg, settings, unless_interrupted};
use crate::exit::Exit;
use crate::face::Invocation;
use crate::failure::Failure;
use crate::terminal::Stream;

/// The command with its flags.
pub(super) fn command() -> Command {
    Command::new("status")
        .about("Show the runs of a namespace, their pods, and what is wrong with them")
        .arg(run_arg(false).help("the name of a run; all without"))
        .args(settings::place_args())
}

/// Shows them.
pub(super) fn execute(invocation: &Invocation, matches: &ArgMatches) -> Result<Exit, Failure> {
    let place = settings::place(matches, &throng_kube::settings::Settings::default());
    let run = matches.get_one::<RunName>("run");
    let done = unless_interrupted(async {
        let connection = Connection::open(&place).await?;
        let all = throng_kube::status(&connection, run).await?;
        Ok((connection.namespace, all))
    });
    let (namespace, all) = done.map_err(failure)?;
    if all.is_empty() {
        invocation.log.info(&format!("there is no run in namespace {namespace}"));
        return Ok(Exit::Success);
    }
    if let Some(run) = run
        && all.iter().all(|status| status.age.is_none() && status.pods.is_empty())
    {
        let message = format!("there is no run {run} in namespace {namespace}");
        return Err(Failure::new(Exit::InvalidConfig, message));
    }
    let text: String = all.iter().map(show).collect();
    invocation.terminal.print(Stream::Out, &text);
    Ok(Exit::Success)
}

fn show(status: &Status) -> String {
    let mut text = format!("{}  {}", status.run, status.state);
    if let Some(script) = &status.script {
        let _ = write!(text, "  {script}");
    }
    let (ready, wanted) = status.workers;
    if wanted > 0 || ready > 0 {
        let _ = write!(text, "  {ready} of {wanted} workers");
    }
    if let Some(age) = status.age {
        let _ = write!(text, "  {} old", duration(age));
    }
    text.push('\n');
    for pod in &status.pods {
        let node = pod.node.as_deref().unwrap_or("no node");
        let _ = write!(text, "  {}  {}  {node}", pod.name, pod.state);
        if pod.restarts > 0 {
            let _ = write!(text, "  started again {} times", pod.restarts);
        }
        text.push('\n');
        if let Some(trouble) = &pod.trouble {
            let _ = writeln!(text, "    {}", trouble.replace('\n', "\n    "));
        }
    }
    if let Some(trouble) = &status.trouble {
        let _ = writeln!(text, "  {}", trouble.replace('\n', "\n  "));
    }
    text
}

fn duration(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        _ => format!("{}h", seconds / 3600),
    }
}
