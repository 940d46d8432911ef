//! What a controller costs that leads many workers: `./x bench cluster`.
//!
//! This process is all the workers: each has its own connection and reports once a second a delta with so many series of
//! so many distinct values. The controller is a process of its own, which does what the binary's does with them: takes
//! them in, writes them to its state directory, merges them into an aggregate. Its processor time and memory are the operating
//! system's numbers (`/proc`), from the start of the run to its end.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a measurement says what it measured")]

use std::error::Error;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use throng_cluster::{
    Bundle, BundleFile, Controller, ControllerConfig, Happening, Instruction, Order, Report, StateDir, Token,
    WorkerClient, WorkerConfig,
};
use throng_metrics::{Aggregate, Breakdown, Recorder, RecorderConfig, Registry, UnixNanos, builtin};

type Failure = Box<dyn Error + Send + Sync>;

const TOKEN: &str = "a token of the benchmark";

/// How much of everything, from the command line: `WORKERS SERIES VALUES SECONDS [STATE_DIR]`.
#[derive(Clone)]
struct Size {
    workers: u32,
    series: usize,
    values: usize,
    seconds: u64,
    state: Option<PathBuf>,
}

impl Size {
    fn read(args: &[String]) -> Result<Self, Failure> {
        let number = |index: usize, default: u64| args.get(index).map_or(Ok(default), |text| text.parse());
        Ok(Self {
            workers: number(0, 200)? as u32,
            series: number(1, 200)? as usize,
            values: number(2, 100)? as usize,
            seconds: number(3, 30)?,
            state: args.get(4).map(PathBuf::from),
        })
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
        match happenings.recv()? {
            Happening::AllJoined => controller.order(Order::Prepare(test.clone())),
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
            Happening::AllDone => break,
            _ => {}
        }
    }
    let (wall, processor) =
        (from.0.elapsed().as_secs_f64(), processor_time()?.saturating_sub(from.1).as_secs_f64());
    controller.order(Order::End);
    while !matches!(happenings.recv()?, Happening::Ended) {}
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
    for worker in workers {
        if let Err(error) = worker.join().map_err(|_| "a worker panicked")? {
            eprintln!("{error}");
        }
    }
    if child.wait()?.success() { Ok(()) } else { Err("the controller failed".into()) }
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
    loop {
        match instructions.recv()? {
            Instruction::Prepare { .. } => client.report(Report::Initialised),
            Instruction::Deal { slots, .. } => client.dealt(slots.version()),
            Instruction::Start { at, .. } => perform(&client, &instructions, at, number, size),
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
) {
    let config = RecorderConfig { source: u64::from(number) << 32, ..RecorderConfig::default() };
    let mut recorder = Recorder::new(Arc::new(Registry::new()), config);
    let root = recorder.root();
    let tags: Vec<_> = (0..size.series)
        .map(|series| recorder.with_tags(root, &[("name", &format!("/page/{series}"))]))
        .collect();
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
        client.report(Report::Delta(recorder.take_delta()));
        while let Ok(Instruction::Deal { slots, .. }) = instructions.try_recv() {
            client.dealt(slots.version());
        }
    }
    client.report(Report::Done);
}
