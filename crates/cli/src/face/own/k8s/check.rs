//! `throng k8s check`: whether a run would work here, point by point.

use clap::{Arg, ArgMatches, Command};
use throng_kube::Connection;
use throng_kube::check::{self, Finding, Target, Verdict};

use super::{failure, settings, unless_interrupted};
use crate::exit::Exit;
use crate::face::Invocation;
use crate::failure::Failure;
use crate::terminal::Stream;

/// The command with its flags.
pub(super) fn command() -> Command {
    Command::new("check")
        .about(
            "Check whether runs work on this cluster: permissions, metrics-server, autoscalers, the target",
        )
        .after_help(
            "Exit code 114 if something is missing that a run cannot do without, 115 if the cluster is away.",
        )
        .arg(
            Arg::new("target")
                .long("target")
                .value_name("svc/NAME[:PORT]")
                .help("look at the service that is to be loaded too")
                .value_parser(|text: &str| text.parse::<Target>()),
        )
        .args(settings::place_args())
}

/// Checks.
pub(super) fn execute(invocation: &Invocation, matches: &ArgMatches) -> Result<Exit, Failure> {
    let place = settings::place(matches, &throng_kube::settings::Settings::default());
    let mut worst = Verdict::Good;
    let done = unless_interrupted(async {
        let connection = Connection::open(&place).await?;
        let tell = |finding: Finding| {
            worst = worst.max(finding.verdict);
            invocation.terminal.print(Stream::Out, &show(&finding));
        };
        Ok(check::check(&connection, matches.get_one::<Target>("target"), tell).await)
    });
    let is_there = done.map_err(failure)?;
    Ok(match worst {
        Verdict::Good | Verdict::Lacking => Exit::Success,
        Verdict::Bad if !is_there => Exit::ClusterUnavailable,
        Verdict::Bad => Exit::ClusterRefused,
    })
}

fn show(finding: &Finding) -> String {
    let mark = match finding.verdict {
        Verdict::Good => "✓",
        Verdict::Lacking => "!",
        Verdict::Bad => "✗",
    };
    let fix = finding.fix.as_ref().map(|fix| format!("    {fix}\n")).unwrap_or_default();
    format!("{mark} {}\n{fix}", finding.text.replace('\n', "\n  "))
}
