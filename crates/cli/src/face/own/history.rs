//! `throng history`: the page of past runs, where nothing runs; or a list of them.

use std::fmt::Write as _;
use std::sync::Arc;

use clap::{Arg, ArgAction, ArgMatches, Command};
use throng_history::{Run, Store};
use throng_server::{Config, History, Page};

use crate::exit::Exit;
use crate::face::Invocation;
use crate::failure::Failure;
use crate::flags::{self, Flag, Scope};
use crate::signals;
use crate::spec;
use crate::terminal::Stream;

/// The flags of a run that this command has too.
const FLAGS: [&str; 5] = ["history", "ui", "web-base-path", "web-tls-cert", "web-tls-key"];

/// The command with its flags.
pub(super) fn command(flags: &[Flag]) -> Command {
    let own: Vec<Flag> = flags.iter().filter(|flag| FLAGS.contains(&flag.name)).cloned().collect();
    let command = Command::new("history")
        .about("Look at the runs that were kept with --history, and compare them")
        .override_usage("throng history --dir FOLDER [--ui=ADDRESS]")
        .after_help(
            "Examples:\n  \
             # A page with all past runs, until Ctrl-C.\n  \
             throng history --dir runs\n\n  \
             # A list on the terminal.\n  \
             throng history --dir runs --list",
        )
        .arg(
            Arg::new("list")
                .long("list")
                .help("print the runs instead, the newest first")
                .action(ArgAction::SetTrue),
        );
    flags::add(command, &own, Scope::Cluster).mut_arg("history", |arg| {
        arg.help("the folder with the runs [env: THRONG_HISTORY]").visible_alias("dir")
    })
}

/// Serves until a signal comes, or prints.
pub(super) fn execute(invocation: &Invocation, matches: &ArgMatches) -> Result<Exit, Failure> {
    let store = open(invocation)?;
    if matches.get_flag("list") {
        let runs = store.list().map_err(|error| Failure::other(error.to_string()))?;
        invocation.terminal.print(Stream::Out, &table(&runs));
        return Ok(Exit::Success);
    }
    let Some(page) = spec::page(&invocation.values, false, true)? else {
        return Err(Failure::other("there is nothing to do: the page is off; --list prints the runs"));
    };
    let history = History { store: Arc::new(store), keeps: None };
    let config = Config { history: Some(history), ..page.config };
    let page = Page::start(config, Arc::new(drop)).map_err(|error| Failure::other(error.to_string()))?;
    let (sender, receiver) = std::sync::mpsc::channel();
    let _listener = signals::listen(invocation.log.clone(), move |_| {
        let _ = sender.send(());
    })
    .map_err(|error| Failure::other(format!("cannot listen for signals: {error}")))?;
    invocation.terminal.print(Stream::Out, &format!("past runs are at {}; Ctrl-C ends this\n", page.url()));
    let _ = receiver.recv();
    Ok(Exit::Success)
}

/// The history that flag or variable names; it must be there.
pub(super) fn open(invocation: &Invocation) -> Result<Store, Failure> {
    let folder = spec::folder(&invocation.values).ok_or_else(|| {
        Failure::new(Exit::Usage, "a history is needed: --history FOLDER, or THRONG_HISTORY=FOLDER")
    })?;
    Store::open_existing(&folder).map_err(|error| Failure::new(Exit::InvalidConfig, error.to_string()))
}

fn table(runs: &[Run]) -> String {
    if runs.is_empty() {
        return "no run has been kept yet\n".to_owned();
    }
    let mut text = format!(
        "{:>6}  {:<19}  {:>8}  {:<8}  {:>10}  {:>9}  {:>10}  {}\n",
        "run", "began", "took", "verdict", "requests", "failures", "p95", "name"
    );
    for run in runs {
        let began = jiff::Timestamp::from_millisecond(run.started_at).map_or_else(
            |_| String::new(),
            |at| at.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        );
        let p95 = run.p95.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.2} ms"));
        let _ = writeln!(
            text,
            "{:>6}  {began:<19}  {:>7.1}s  {:<8}  {:>10}  {:>9}  {p95:>10}  {}{}",
            run.id,
            run.elapsed,
            run.verdict.map_or("-", throng_history::Verdict::as_str),
            run.requests,
            run.failures,
            plain(&run.name),
            if run.baseline { " (baseline)" } else { "" },
        );
    }
    text
}

/// Without what a terminal would take for commands.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|one| if one.is_control() { '\u{fffd}' } else { one }).collect()
}
