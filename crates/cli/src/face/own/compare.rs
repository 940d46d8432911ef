//! `throng compare`: what is better or worse in one run than in another, for people and for CI.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use throng_history::compare::{Comparison, Figures, Judgement, Row, Tolerance, label};
use throng_history::{Side, SideBySide, Store};

use super::history;
use crate::exit::Exit;
use crate::face::Invocation;
use crate::failure::Failure;
use crate::flags::{self, Flag, Scope};
use crate::terminal::Stream;

/// Rows of the table, unless all are asked for.
const ROWS: usize = 40;

/// The command with its flags.
pub(super) fn command(flags: &[Flag]) -> Command {
    let own: Vec<Flag> = flags.iter().filter(|flag| flag.name == "history").cloned().collect();
    let command = Command::new("compare")
        .about("Judge a run against another one, or against the baseline of its script")
        .override_usage("throng compare [OPTIONS] [BASE] RUN")
        .after_help(
            "A run is a number of the history, `last`, or a file: a report or run.json of the page, a file of \
             --summary-export, a …_stats.csv of Locust. Without BASE it is judged against the run that was marked as \
             the baseline of its script.\n\n\
             A percentile is worse if it grew by more than the tolerated percentage and by more than the floor; failures \
             if their share grew by more than the tolerated points. The rule is in docs/history.md.\n\n\
             Exit codes: 0 not worse, 99 worse, 113 too few requests to say, 104 there is no such history, 255 \
             anything else.\n\n\
             Examples:\n  \
             throng compare --history runs 12 last\n  \
             throng compare --history runs last --tolerance p95=20%,failures=0.5\n  \
             throng compare before.html after.html",
        )
        .arg(flags::positional("file", "The base, and the run that is judged against it"))
        .arg(
            Arg::new("baseline")
                .long("baseline")
                .value_name("run")
                .help("the base, where RUN alone is given [default: the marked run of the same script]"),
        )
        .arg(
            Arg::new("tolerance")
                .long("tolerance")
                .value_name("rule")
                .help("how much worse it may be [default: p95=10%,failures=1,floor=1ms]; also p50, p99, rps; off")
                .action(ArgAction::Append),
        )
        .arg(
            Arg::new("json")
                .long("json")
                .help("print the comparison as JSON, as /api/v1/compare has it")
                .action(ArgAction::SetTrue),
        )
        .arg(Arg::new("all").long("all").help("print all rows").action(ArgAction::SetTrue))
        .arg(
            Arg::new("report")
                .long("report")
                .value_name("file")
                .help("write the page with both runs side by side, as one HTML file")
                .value_parser(value_parser!(PathBuf)),
        );
    flags::add(command, &own, Scope::Cluster).mut_arg("history", |arg| {
        arg.help("the folder with the runs that are named by number [env: THRONG_HISTORY]")
    })
}

/// Compares and prints.
pub(super) fn execute(invocation: &Invocation, matches: &ArgMatches) -> Result<Exit, Failure> {
    let named = matches.get_one::<String>("baseline").map(String::as_str);
    let (base, run) = match (invocation.arguments.as_slice(), named) {
        ([base, run], None) => (Some(base.as_str()), run.as_str()),
        ([run], named) => (named, run.as_str()),
        ([_, _], Some(_)) => {
            return Err(usage("the base is given twice: as the first run, and with --baseline"));
        }
        _ => return Err(usage("one or two runs are needed: throng compare [BASE] RUN")),
    };
    let tolerance = matches
        .get_many::<String>("tolerance")
        .unwrap_or_default()
        .try_fold(Tolerance::default(), |tolerance, text| {
            tolerance.with(text).map_err(|error| Failure::other(error.to_string()))
        })?;
    let mut runs = Runs { invocation, store: None };
    let run = runs.find(run)?;
    let base = match base {
        Some(base) => runs.find(base)?,
        None => runs.baseline(&run)?,
    };
    let judged = SideBySide::new(base, run, &tolerance);
    if let Some(path) = matches.get_one::<PathBuf>("report") {
        report(path, &judged)?;
    }
    let text = if matches.get_flag("json") {
        format!("{:#}\n", judged.json())
    } else {
        render(&judged, matches.get_flag("all"))
    };
    invocation.terminal.print(Stream::Out, &text);
    Ok(match judged.comparison.judgement {
        Judgement::Worse => Exit::ThresholdsCrossed,
        Judgement::Unclear => Exit::NotEnough,
        _ => Exit::Success,
    })
}

fn usage(text: &str) -> Failure {
    Failure::new(Exit::Usage, text)
}

fn report(path: &Path, judged: &SideBySide) -> Result<(), Failure> {
    let data = judged.report_data().ok_or_else(|| {
        Failure::other("--report needs runs of a history, reports or run.json files: others have no charts")
    })?;
    let html = throng_server::report(&data)
        .ok_or_else(|| usage("this binary was built without its page, which is the report too: ./x build"))?;
    std::fs::write(path, html)
        .map_err(|error| Failure::other(format!("cannot write {}: {error}", path.display())))
}

/// Finds runs; the history is opened when one of them is there.
struct Runs<'a> {
    invocation: &'a Invocation,
    store: Option<Store>,
}

impl Runs<'_> {
    fn store(&mut self) -> Result<&Store, Failure> {
        if self.store.is_none() {
            self.store = Some(history::open(self.invocation)?);
        }
        self.store.as_ref().ok_or_else(|| Failure::other("the history is not open"))
    }

    fn find(&mut self, name: &str) -> Result<Side, Failure> {
        let failed = |error: throng_history::HistoryError| Failure::other(error.to_string());
        if let Ok(id) = name.trim_start_matches('#').parse() {
            return Side::of_store(self.store()?, id).map_err(failed);
        }
        if name == "last" && !Path::new(name).exists() {
            let store = self.store()?;
            let newest = store.list().map_err(failed)?.first().map(|run| run.id);
            let id = newest.ok_or_else(|| Failure::other("no run has been kept in the history yet"))?;
            return Side::of_store(store, id).map_err(failed);
        }
        Side::of_file(name.as_ref()).map_err(|error| Failure::other(error.to_string()))
    }

    fn baseline(&mut self, run: &Side) -> Result<Side, Failure> {
        let failed = |error: throng_history::HistoryError| Failure::other(error.to_string());
        let store = self.store()?;
        let file = &run.measured.file;
        let found = store.baseline(&run.measured.kind, file).map_err(failed)?.ok_or_else(|| {
            Failure::other(format!(
                "no run of {file} is marked as the baseline: mark one on the page, or name the base"
            ))
        })?;
        Side::of_store(store, found.id).map_err(failed)
    }
}

fn render(judged: &SideBySide, all: bool) -> String {
    let Comparison { judgement, reasons, total, rows, .. } = &judged.comparison;
    let mut text = format!(
        "base  {}\nrun   {}\n\n",
        history::plain(&judged.base.label()),
        history::plain(&judged.run.label())
    );
    let _ = writeln!(
        text,
        "{:<34} {:>19} {:>19} {:>17} {:>25} {:>25} {:>25}",
        "", "requests", "requests/s", "failed", "p50 ms", "p95 ms", "p99 ms"
    );
    let mut shown: Vec<&Row> = rows.iter().collect();
    // What is worse first; the order of the run otherwise.
    shown.sort_by_key(|row| row.judgement != Judgement::Worse);
    let most = if all { shown.len() } else { ROWS };
    for row in std::iter::once(total).chain(shown.iter().copied().take(most)) {
        line(&mut text, row, std::ptr::eq(row, total));
    }
    if shown.len() > most {
        let _ = writeln!(text, "… and {} more rows; --all prints them", shown.len() - most);
    }
    text.push('\n');
    for reason in reasons {
        let _ = writeln!(text, "  {}", history::plain(reason));
    }
    let verdict = match judgement {
        Judgement::Worse => "worse than the base",
        Judgement::Better => "better than the base",
        Judgement::Unclear => "not enough to say",
        _ => "as the base, within what is tolerated",
    };
    let _ = writeln!(text, "verdict: {verdict}");
    text
}

fn line(text: &mut String, row: &Row, is_total: bool) {
    let name = if is_total { "all requests".to_owned() } else { history::plain(&label(row)) };
    let name: String =
        if name.chars().count() > 34 { name.chars().take(33).chain(['…']).collect() } else { name };
    let of = |value: fn(&Figures) -> Option<f64>, digits: usize| {
        let (base, run) = (row.base.as_ref().and_then(value), row.run.as_ref().and_then(value));
        let one =
            |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"));
        let change = match (base, run) {
            (Some(base), Some(run)) if base > 0.0 => format!(" {:+.1}%", (run - base) / base * 100.0),
            _ => String::new(),
        };
        format!("{} > {}{change}", one(base), one(run))
    };
    let failed = |value: &Option<Figures>| {
        value
            .as_ref()
            .and_then(|figures| figures.failed)
            .map_or_else(|| "-".to_owned(), |share| format!("{:.2}%", share * 100.0))
    };
    let count = |value: &Option<Figures>| {
        value.as_ref().map_or_else(|| "-".to_owned(), |figures| figures.count.to_string())
    };
    let judgement = match row.judgement {
        Judgement::Worse => "  worse",
        Judgement::Better => "  better",
        Judgement::New => "  new",
        Judgement::Gone => "  gone",
        Judgement::Same | Judgement::Unclear => "",
    };
    let _ = writeln!(
        text,
        "{name:<34} {:>19} {:>19} {:>17} {:>25} {:>25} {:>25}{judgement}",
        format!("{} > {}", count(&row.base), count(&row.run)),
        of(|figures| figures.rps, 1),
        format!("{} > {}", failed(&row.base), failed(&row.run)),
        of(|figures| figures.p50, 2),
        of(|figures| figures.p95, 2),
        of(|figures| figures.p99, 2),
    );
}
