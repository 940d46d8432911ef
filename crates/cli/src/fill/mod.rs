//! `throng fill` as people see it: progress, what happened on the way, and how it ended.
//!
//! [`throng_stores`] does the work on threads of its own; this thread looks at it ten times a second.

pub mod file;
mod line;
pub(crate) mod remote;
pub(crate) mod team;
pub(crate) mod wanted;

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use throng_stores::error::{FillError, Trouble};
use throng_stores::plan::{Begin, Goal, Plan};
use throng_stores::size::Size;
use throng_stores::team::gate;
use throng_stores::{Ended, Fill, Notice, Report, preview};

use self::line::{Line, grouped};
use self::remote::Door;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::logging::Logger;
use crate::progress::Frame;
use crate::signals;
use crate::terminal::{Stream, Terminal};

/// How often a terminal's line is drawn again.
const TERMINAL_PERIOD: Duration = Duration::from_millis(100);
/// How often a file or a CI log gets a line: seldom enough to be read afterwards.
const PLAIN_PERIOD: Duration = Duration::from_secs(5);
/// How long a fill that has ended may go unseen.
const GLANCE: Duration = Duration::from_millis(20);

/// Who makes the records: this process, unless there is somebody else.
#[derive(Debug, Clone, Default)]
pub struct Hands {
    /// So many processes that this one starts and leads.
    pub workers: u32,
    /// Others, that join here.
    pub door: Option<Door>,
}

impl Hands {
    /// Starts the fill, led by this process if others do it.
    fn start(self, plan: Plan, log: &Logger) -> Result<(Fill, Option<team::Team>), Failure> {
        let failed = |error: FillError| Failure::other(error.to_string());
        if self.workers == 0 && self.door.is_none() {
            return Ok((Fill::start(plan).map_err(failed)?, None));
        }
        let (gate, events) = gate();
        let team = team::Team::start(self.workers, &gate)?;
        if let Some(door) = self.door {
            door.open(gate, self.workers as usize + 1, log)?;
        }
        Ok((Fill::lead(plan, events).map_err(failed)?, Some(team)))
    }
}

/// Fills as planned, until the end or a signal.
pub fn run(
    plan: Plan,
    hands: Hands,
    terminal: &Terminal,
    log: &Logger,
    quiet: bool,
) -> Result<Exit, Failure> {
    let mut line = Line::new(&plan);
    let end = End::of(&plan);
    let (fill, _team) = hands.start(plan, log)?;
    let stopper = fill.stopper();
    let _listener = signals::listen(log.clone(), move |_| stopper.stop())
        .map_err(|error| Failure::other(format!("cannot listen for signals: {error}")))?;

    let on_terminal = terminal.is_terminal(Stream::Out);
    let period = if on_terminal { TERMINAL_PERIOD } else { PLAIN_PERIOD };
    let mut next = Instant::now() + if on_terminal { Duration::ZERO } else { period };
    while !fill.is_finished() {
        tell(&fill, &end, log);
        let now = Instant::now();
        if !quiet && now >= next {
            next = now + period;
            let snapshot = fill.snapshot();
            if on_terminal {
                let drawn = line.on_terminal(&snapshot, terminal.size().width, terminal.colours(Stream::Out));
                terminal.draw(&Frame::new(vec![drawn]));
            } else {
                terminal.print(Stream::Out, &format!("{}\n", line.in_file(&snapshot)));
            }
        }
        std::thread::sleep(GLANCE);
    }
    tell(&fill, &end, log);
    if !quiet {
        terminal.clear();
    }
    conclude(&fill.wait(), &end, terminal, log)
}

/// Shows what a fill would write.
pub fn rehearse(terminal: &Terminal, plan: &Plan) {
    const SHOWN: u64 = 3;
    const MEASURED: u64 = 1000;
    let records = plan.kind.records();
    let mut text = String::new();
    for sequence in 0..SHOWN {
        text += &preview(plan.kind, &plan.template, sequence).json;
        text.push('\n');
    }
    let bytes: u64 = (0..MEASURED).map(|sequence| preview(plan.kind, &plan.template, sequence).bytes).sum();
    let mean = bytes / MEASURED;
    let would = match plan.goal {
        Goal::Bytes(size) => format!(
            "would fill {} of {} with about {} {records} of {mean} bytes ({size})",
            plan.collection,
            plan.address,
            grouped(size.0.div_ceil(mean.max(1)))
        ),
        Goal::Records(count) => format!(
            "would fill {} of {} with {} {records} of about {mean} bytes (about {})",
            plan.collection,
            plan.address,
            grouped(count),
            Size(count.saturating_mul(mean))
        ),
        Goal::Time(time) => format!(
            "would fill {} of {} for {} s with {records} of about {mean} bytes",
            plan.collection,
            plan.address,
            time.as_secs_f64()
        ),
    };
    text += &would;
    if plan.begin == Begin::Drop {
        text += ", after dropping what is there";
    }
    text.push('\n');
    terminal.print(Stream::Out, &text);
}

/// What the end of a fill is told with.
struct End {
    place: String,
    address: String,
    records: &'static str,
    begin: Begin,
}

impl End {
    fn of(plan: &Plan) -> Self {
        Self {
            place: format!("{}.{}", plan.database, plan.collection),
            address: plan.address.to_string(),
            records: plan.kind.records(),
            begin: plan.begin,
        }
    }
}

fn tell(fill: &Fill, end: &End, log: &Logger) {
    for notice in fill.notices() {
        match notice {
            Notice::Resumes { records } => {
                log.info(&format!(
                    "{} has {} {} of this fill already",
                    end.place,
                    grouped(records),
                    end.records
                ));
            }
            Notice::Lost { message, patience } => log.warn(&format!(
                "{} cannot be reached, trying again for {} s: {message}",
                end.address,
                patience.as_secs()
            )),
            Notice::MemberLost { member, reason, left } => log.warn(&format!(
                "worker {member} is lost ({reason}); the {left} that are left do what it had been given"
            )),
            Notice::MemberDiffers { member } => log.warn(&format!(
                "worker {member} is not let in: it would make other records, as its template, seed or version of throng is \
                 another one"
            )),
            Notice::Back => log.info(&format!("{} can be reached again", end.address)),
            Notice::Indexes { name } => log.info(&format!("creating the index {name}")),
        }
    }
}

fn conclude(report: &Report, end: &End, terminal: &Terminal, log: &Logger) -> Result<Exit, Failure> {
    let totals = &report.totals;
    let seconds = totals.inserting.as_secs_f64();
    let come = format!(
        "{}: {} in {} {}, {} of them inserted now",
        end.place,
        Size(totals.bytes()),
        grouped(totals.records()),
        end.records,
        grouped(totals.inserted_records)
    );
    let again = match end.begin {
        Begin::Drop => "the same command without --drop goes on from there",
        Begin::Resume => "the same command goes on from there",
    };
    match &report.ended {
        Ended::Reached => {
            let mut text = format!("filled {come}");
            if seconds > 0.0 && totals.inserted_records > 0 {
                let rate = |amount: u64| (amount as f64 / seconds) as u64;
                let _ = write!(
                    text,
                    " in {seconds:.1} s ({} {}/s, {}/s)",
                    grouped(rate(totals.inserted_records)),
                    end.records,
                    Size(rate(totals.inserted_bytes))
                );
            }
            if totals.losses > 0 {
                let _ = write!(
                    text,
                    "\nthe connection was lost {} times; {} {} had arrived although their answer was lost",
                    totals.losses,
                    grouped(totals.recovered_records),
                    end.records
                );
            }
            if let Some(server) = report.server {
                let _ = write!(
                    text,
                    "\nthe server counts {} {} and {} ({})",
                    grouped(server.records),
                    end.records,
                    Size(server.bytes),
                    server.figure
                );
                let ours = totals.present_records + totals.inserted_records;
                if ours > totals.records() {
                    let _ = write!(text, "; this fill was larger before, with {}", grouped(ours));
                }
                if server.records > ours {
                    let _ = write!(text, "; {} of them are not of this fill", grouped(server.records - ours));
                }
            }
            text.push('\n');
            terminal.print(Stream::Out, &text);
            Ok(Exit::Success)
        }
        Ended::Stopped => {
            log.warn(&format!("stopped; {come}"));
            Err(Failure::new(Exit::Signal, format!("the fill was stopped by a signal; {again}")))
        }
        Ended::Failed(error) => {
            if totals.records() > 0 {
                log.warn(&format!("ended early; {come}; {again}"));
            }
            Err(Failure::new(
                exit_of(error),
                format!("cannot fill {} of {}: {error}", end.place, end.address),
            ))
        }
    }
}

fn exit_of(error: &FillError) -> Exit {
    match (error, error.trouble()) {
        (FillError::Start(_) | FillError::Alone | FillError::Differs, _) => Exit::Other,
        (_, Trouble::Unreachable | Trouble::Full) => Exit::StoreUnavailable,
        (_, Trouble::TooLarge) => Exit::InvalidConfig,
        _ => Exit::StoreRefused,
    }
}
