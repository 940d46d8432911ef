//! What a controller costs that leads many workers: `./x bench cluster`.
//!
//! This process is all the workers: each has its own connection and reports once a second a delta with so many series of
//! so many distinct values. The controller is a process of its own, which does what the binary's does with them: takes
//! them in, writes them to its state directory, merges them into an aggregate. Its processor time and memory are the operating
//! system's numbers (`/proc`), from the start of the run to its end. With `--iterations N` each worker also has N iterations
//! a second that are counted, so that the controller deals them out and keeps the books of them.

#![expect(clippy::print_stdout, reason = "a measurement says what it measured")]

use std::error::Error;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use throng_cluster::{
    Bundle, BundleFile, Controller, ControllerConfig, CountedWork, Happening, Instruction, Order, Report,
    StateDir, Token, WorkerClient, WorkerConfig,
};
use throng_engine::{Counts, Indices, ScenarioIndex};
use throng_metrics::{Aggregate, Breakdown, Recorder, RecorderConfig, Registry, UnixNanos, builtin};

type Failure = Box<dyn Error + Send + Sync>;

const TOKEN: &str = "a token of the benchmark";
/// How long nothing may happen in a run in which every worker reports once a second.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many virtual users of each worker have iterations of their own.
const USERS: u64 = 100;

/// How much of everything, from the command line: `WORKERS SERIES VALUES SECONDS [--iterations N] [STATE_DIR]`.
#[derive(Clone)]
struct Size {
    workers: u32,
    series: usize,
    values: usize,
    seconds: u64,
    /// Iterations that are counted, of each worker in a second.
    iterations: u64,
    state: Option<PathBuf>,
}

impl Size {
    fn read(args: &[String]) -> Result<Self, Failure> {
        let mut args = args.to_vec();
        let iterations = match args.iter().position(|arg| arg == "--iterations") {
            Some(at) => {
                args.drain(at..args.len().min(at + 2)).nth(1).ok_or("--iterations needs a number")?.parse()?
            }
            None => 0,
        };
        let number = |index: usize, default: u64| args.get(index).map_or(Ok(default), |text| text.parse());
        Ok(Self {
            workers: number(0, 200)? as u32,
            series: number(1, 200)? as usize,
            values: number(2, 100)? as usize,
            seconds: number(3, 30)?,
            iterations,
            state: args.get(4).map(PathBuf::from),
        })
    }

    /// The iterations that the controller deals out: those of each virtual user.
    fn counted(&self) -> Vec<CountedWork> {
        let iterations = self.iterations * self.seconds / USERS;
        let work = CountedWork {
            scenario: ScenarioIndex::new(0),
            vus: u64::from(self.workers) * USERS,
            iterations,
            is_each: true,
        };
        if iterations > 0 { vec![work] } else { Vec::new() }
    }
}

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.split_first() {
        Some((first, rest)) if first == "controller" => control(&Size::read(rest)?),
        _ => load(&Size::read(&args)?, &args),
    }
}

// --- the controller's process ------------------------------------------------------------------------

fn control(size: &Size) -> Result<(), Failure> {
    let config = ControllerConfig::loopback(size.workers, Token::new(TOKEN)?);
    let test = Arc::new(Bundle::new("s", vec![BundleFile::new("s", "")], Vec::new(), "{}", Vec::new())?);
    let (controller, happenings) = match &size.state {
        None => Controller::bind(config)?,
        Some(path) => {
            let state = StateDir { path: path.clone(), grace: Duration::from_mins(1) };
            let (controller, happenings, _) = Controller::bind_kept(config, &state, &test)?;
            (controller, happenings)
        }
    };
    println!("{}", controller.address());
    std::io::stdout().flush()?;
    let mut aggregate = Aggregate::new(Arc::new(Registry::new()), Vec::new(), Breakdown::Totals);
    let (mut from, mut deltas) = ((Instant::now(), Duration::ZERO), 0_u64);
    loop {
        let happening = happenings.recv_timeout(PATIENCE).map_err(|error| match error {
            RecvTimeoutError::Timeout => {
                format!("nothing has happened for {PATIENCE:?} after {deltas} deltas")
            }
            RecvTimeoutError::Disconnected => "the controller's thread has ended".to_owned(),
        })?;
        match happening {
            Happening::AllJoined => {
                controller.order(Order::Count(size.counted()));
                controller.order(Order::Prepare(test.clone()));
            }
            Happening::Ready => {
                from = (Instant::now(), processor_time()?);
                controller.order(Order::Start { setup_data: None, elapsed: Duration::ZERO });
            }
            Happening::Delta { delta, .. } => {
                deltas += 1;
                aggregate.merge(&delta)?;
            }
            Happening::Lost(loss) => {
                return Err(format!("worker {} was lost: {}", loss.name, loss.why).into());
            }
            Happening::Failed(text) | Happening::NotKept(text) | Happening::InitFailed { text, .. } => {
                return Err(text.into());
            }
            Happening::Refused { address, reason } => {
                return Err(format!("turned away {address}: {reason}").into());
            }
            Happening::HeldUp { absent } => {
                return Err(format!("the controller was held up for {absent:?}").into());
            }
            Happening::Unsettled { count, total, .. } => {
                return Err(format!("{count} of {total} iterations are missing").into());
            }
            Happening::AllDone => break,
            _ => {}
        }
    }
    let (wall, processor) =
        (from.0.elapsed().as_secs_f64(), processor_time()?.saturating_sub(from.1).as_secs_f64());
    controller.order(Order::End);
    while !matches!(happenings.recv_timeout(PATIENCE)?, Happening::Ended) {}
    let samples = aggregate.total(builtin::HTTP_REQ_DURATION).map_or(0, |sink| match sink {
        throng_metrics::Sink::Trend(values) => values.count(),
        _ => 0,
    });
    let expected = u64::from(size.workers) * size.series as u64 * size.values as u64 * size.seconds;
    println!(
        "{} workers × {} series × {} values a second for {wall:.1} s{}: {:.3} cores, {:.0} MB at most; {deltas} deltas, \
         {samples} of {expected} values",
        size.workers,
        size.series,
        size.values,
        if size.state.is_some() { ", kept in a state directory" } else { "" },
        processor / wall,
        peak_memory()?,
    );
    if samples == expected { Ok(()) } else { Err("values are missing".into()) }
}

/// User and system time of this process, which Linux counts in hundredths of a second.
fn processor_time() -> Result<Duration, Failure> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The name, in parentheses, may hold blanks; the times are the 12th and 13th field after it.
    let (_, fields) = stat.rsplit_once(')').ok_or("no name in /proc/self/stat")?;
    let ticks: u64 = fields.split_whitespace().skip(11).take(2).map(|text| text.parse().unwrap_or(0)).sum();
    Ok(Duration::from_millis(ticks * 10))
}

/// The largest resident memory so far, in MB.
fn peak_memory() -> Result<f64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib * 1_024.0 / 1e6)
}

// --- the workers' process ----------------------------------------------------------------------------

fn load(size: &Size, args: &[String]) -> Result<(), Failure> {
    let mut child =
        Command::new(std::env::current_exe()?).arg("controller").args(args).stdout(Stdio::piped()).spawn()?;
    let mut said = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
    let address: SocketAddr = said.next().ok_or("the controller did not begin")??.parse()?;
    let workers: Vec<_> = (0..size.workers)
        .map(|number| {
            let size = size.clone();
            std::thread::Builder::new().stack_size(256 << 10).spawn(move || work(address, number, &size))
        })
        .collect::<Result<_, _>>()?;
    for line in said {
        println!("{}", line?);
    }
    if !child.wait()?.success() {
        // What it was has been said. Workers would look for a controller for a minute.
        std::process::exit(1);
    }
    for worker in workers {
        worker.join().map_err(|_| "a worker panicked")??;
    }
    Ok(())
}

fn work(address: SocketAddr, number: u32, size: &Size) -> Result<(), Failure> {
    let config = WorkerConfig {
        controller: address.to_string(),
        token: Some(Token::new(TOKEN)?),
        tls: None,
        name: format!("w{number}"),
        threads: 1,
        join_timeout: Duration::from_mins(1),
    };
    let (client, instructions) = WorkerClient::connect(config)?;
    let mut granted = Vec::new();
    loop {
        match instructions.recv()? {
            Instruction::Prepare { .. } => client.report(Report::Initialised),
            Instruction::Deal { slots, .. } => client.dealt(slots.version()),
            Instruction::Count { grants, .. } => granted.extend(grants),
            Instruction::Start { at, .. } => perform(&client, &instructions, at, number, size, &mut granted)?,
            Instruction::End => return Ok(()),
            Instruction::Disconnected(why) => return Err(why.into()),
            _ => {}
        }
    }
}

fn perform(
    client: &WorkerClient,
    instructions: &Receiver<Instruction>,
    at: Instant,
    number: u32,
    size: &Size,
    granted: &mut Vec<(ScenarioIndex, Indices)>,
) -> Result<(), Failure> {
    let config = RecorderConfig { source: u64::from(number) << 32, ..RecorderConfig::default() };
    let mut recorder = Recorder::new(Arc::new(Registry::new()), config);
    let root = recorder.root();
    let tags: Vec<_> = (0..size.series)
        .map(|series| recorder.with_tags(root, &[("name", &format!("/page/{series}"))]))
        .collect();
    let mut own = Indices::default();
    let mut random = u64::from(number) << 32 | 1;
    // Seconds of workers do not begin together.
    let offset = Duration::from_secs(1) * number / size.workers;
    for second in 0..size.seconds {
        let due = at + offset + Duration::from_secs(second);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        for tags in &tags {
            for _ in 0..size.values {
                // xorshift (Marsaglia, 2003); spread over 1 to 1,000 ms.
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                let value = 1.0 + (random % 999_000) as f64 / 1_000.0;
                recorder.add(builtin::HTTP_REQ_DURATION, *tags, value, UnixNanos(1));
            }
        }
        while let Ok(instruction) = instructions.try_recv() {
            match instruction {
                Instruction::Deal { slots, .. } => client.dealt(slots.version()),
                Instruction::Count { grants, .. } => granted.extend(grants),
                Instruction::Disconnected(why) => return Err(why.into()),
                _ => {}
            }
        }
        for (_, indices) in granted.drain(..) {
            own.extend(&indices);
        }
        let mut counts = Counts::default();
        if size.iterations > 0 {
            // Of each virtual user its next ones, as they come about.
            let each = if second + 1 == size.seconds { u64::MAX } else { size.iterations / USERS };
            let next =
                |range: std::ops::Range<u64>| range.start..range.end.min(range.start.saturating_add(each));
            let settled: Indices = own.ranges().map(next).collect();
            own.remove_all(&settled);
            counts.scenarios.entry(ScenarioIndex::new(0)).or_default().settled = settled;
        }
        client.report(Report::Counted(recorder.take_delta(), counts));
    }
    client.report(Report::Done);
    Ok(())
}
