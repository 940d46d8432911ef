//! The watcher of a locustfile: a process beside Python's, which is told of the load line by line and tells what it sees.
//!
//! Python has the load, this process the cluster's API and the databases' drivers. Each line of standard input is an
//! [`Order`], each line of standard output a [`Telling`]; the end of the input is the end of it all. A test begins and ends
//! with an order of its own, as many may follow each other on one page.

use std::io::{BufRead, Write};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use throng_metrics::threshold::{Evaluation, Phase as Judge};
use throng_metrics::{Aggregate, Breakdown, RecorderConfig, Registry, Summary, SummaryInput, Thresholds};
use throng_outputs::summary::{self, ScalingReport};
use throng_server::{Mark, Scaling, Threshold, Watched};

use super::{Watching, for_page, for_summary, mark};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::flags::{self, Values};
use crate::run::expectations;
use crate::run::page::thresholds as rows;
use crate::spec::{self, Expectation, Watch};

/// What the load of a locustfile is counted in.
const UNIT: &str = "users";
/// How long nothing is looked at, at most.
const LOOK_UP: Duration = Duration::from_millis(100);
/// How often it is told what was seen.
const PERIOD: Duration = Duration::from_millis(500);

/// What Python says.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Order {
    /// A test begins.
    Begin {
        /// Its number, by which its end is told.
        test: u64,
    },
    /// A second of it is over.
    Second {
        /// Users that ran.
        load: f64,
        /// The 95th percentile of the response times, in ms; none where nothing was answered.
        p95: Option<f64>,
    },
    /// Its load is over.
    End,
}

/// What Python is told.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Telling<'a> {
    /// What was seen since it was told last, as the page takes it.
    Seen {
        watched: Vec<Watched>,
        marks: Vec<Mark>,
        scaling: Vec<Scaling>,
        thresholds: Vec<Threshold>,
        lines: &'a [String],
    },
    /// A line for the log.
    Log { grave: bool, text: &'a str },
    /// A test is over, and what may be watched after it.
    Ended { test: u64, summary: String, crossed: Vec<String> },
}

/// What is asked for by the environment: Locust's command line has no such flags. `None` if nothing is.
pub(crate) fn wanted(
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<Option<Wanted>, Failure> {
    let values = Values::of_environment_alone(&flags::all(), variables.into_iter().collect());
    let (watch, expectations) = (spec::watch(&values)?, spec::expectations(&values)?);
    let Some(watch) = watch else {
        let needs = |_: &Expectation| {
            Failure::new(Exit::InvalidConfig, "--expect needs --watch, which says what to watch")
        };
        return expectations.first().map_or(Ok(None), |one| Err(needs(one)));
    };
    let registry = Arc::new(Registry::new());
    for metric in throng_watch::metric::ALL {
        let declared = registry.observe(metric.name, metric.kind, metric.contains);
        declared.map_err(|error| Failure::new(Exit::InvalidConfig, error.to_string()))?;
    }
    let thresholds = expectations::of_locustfile(&expectations, &registry, watch.after)?;
    Ok(Some(Wanted { watch, registry, thresholds }))
}

/// See [`wanted`].
pub(crate) struct Wanted {
    watch: Watch,
    registry: Arc<Registry>,
    thresholds: Thresholds,
}

impl Wanted {
    /// Watches until the input ends.
    pub(crate) fn run(self, input: impl BufRead + Send + 'static, output: impl Write) -> Exit {
        let (sender, orders) = mpsc::channel();
        std::thread::spawn(move || {
            for line in input.lines().map_while(Result::ok) {
                if sender.send(serde_json::from_str::<Order>(&line)).is_err() {
                    return;
                }
            }
        });
        let mut companion = match Companion::start(self, output) {
            Ok(companion) => companion,
            Err(text) => {
                let terminal = crate::terminal::Terminal::of_stderr(crate::terminal::Colour::Auto);
                if let Ok(log) = crate::logging::LogSetup::default().open(&terminal) {
                    log.error(&text);
                }
                return Exit::InvalidConfig;
            }
        };
        loop {
            let done = match orders.recv_timeout(LOOK_UP) {
                Ok(Ok(order)) => companion.follow(&order),
                Ok(Err(error)) => {
                    let text = format!("the watcher was told something that it cannot read: {error}");
                    companion.tell(&Telling::Log { grave: true, text: &text })
                }
                Err(RecvTimeoutError::Timeout) => Ok(()),
                Err(RecvTimeoutError::Disconnected) => {
                    // Whoever hangs up waits for nothing more than what is known.
                    let _ = companion.conclude();
                    return Exit::Success;
                }
            };
            if done.and_then(|()| companion.look()).is_err() {
                // Nobody listens any more.
                return Exit::Success;
            }
        }
    }
}

/// How far the test is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// There is none yet.
    Waiting,
    Running,
    /// Its load is over; until when it is watched at most.
    After(Instant),
    /// Its end was told.
    Told,
}

struct Companion<W> {
    wanted: Wanted,
    output: W,
    watching: Watching,
    aggregate: Aggregate,
    /// The number of the test that began last.
    test: u64,
    begun: Option<Instant>,
    /// How long its load went on, once that is over.
    load: Option<Duration>,
    step: Step,
    marks: Vec<Mark>,
    told: Instant,
    /// When the run began, in ms since the Unix epoch.
    started_at: u64,
}

impl<W: Write> Companion<W> {
    fn start(wanted: Wanted, output: W) -> Result<Self, String> {
        let watching = watching(&wanted)?;
        let aggregate = aggregate(&wanted);
        let (step, told) = (Step::Waiting, Instant::now());
        Ok(Self {
            wanted,
            output,
            watching,
            aggregate,
            test: 0,
            begun: None,
            load: None,
            step,
            marks: Vec::new(),
            told,
            started_at: 0,
        })
    }

    fn follow(&mut self, order: &Order) -> std::io::Result<()> {
        match *order {
            Order::Begin { test } => {
                if self.begun.is_some() {
                    self.conclude()?;
                    // Everything is seen anew: what is known of the cluster is part of the next test's story.
                    match watching(&self.wanted) {
                        Ok(watching) => self.watching = watching,
                        Err(text) => self.tell(&Telling::Log { grave: true, text: &text })?,
                    }
                    self.aggregate = aggregate(&self.wanted);
                }
                self.test = test;
                (self.begun, self.load) = (Some(Instant::now()), None);
                self.started_at = unix_ms();
                self.step = Step::Running;
            }
            Order::Second { load, p95 } => {
                if let (Some(begun), Step::Running) = (self.begun, self.step) {
                    self.watching.second_of_others(begun.elapsed(), load, p95);
                }
            }
            Order::End => {
                if self.step == Step::Running {
                    self.look()?;
                    self.load_is_over();
                    self.step = Step::After(Instant::now() + self.wanted.watch.after);
                    if !self.wanted.watch.after.is_zero() {
                        let after = throng_plan::duration::format(self.wanted.watch.after);
                        let text =
                            format!("the load is over; watching for up to {after}, as --watch-after asks");
                        self.tell(&Telling::Log { grave: false, text: &text })?;
                    }
                }
            }
        }
        Ok(())
    }

    fn load_is_over(&mut self) {
        let elapsed = self.begun.map(|begun| begun.elapsed()).unwrap_or_default();
        self.load = Some(elapsed);
        self.aggregate.moments().end = Some(elapsed);
        self.watching.end(elapsed);
    }

    /// What is expected, judged by what is known; rates are those of the load, not of the time after it.
    fn judge(&self) -> Evaluation {
        let Some(begun) = self.begun else { return Evaluation::default() };
        let phase = if self.step == Step::Told { Judge::Final } else { Judge::Running };
        self.wanted.thresholds.evaluate(&self.aggregate, self.load.unwrap_or_else(|| begun.elapsed()), phase)
    }

    /// Takes what the watcher saw, and tells it when it is time.
    fn look(&mut self) -> std::io::Result<()> {
        let news = self.watching.news(self.begun);
        for event in news.events {
            let text = event.text.clone();
            self.tell(&Telling::Log { grave: event.grave, text: &text })?;
            let at = unix_ms().saturating_sub(event.at.elapsed().as_millis() as u64);
            self.marks.push(Mark { at, kind: mark(event.kind), text: event.text });
        }
        if let Some(begun) = self.begun
            && self.step != Step::Told
        {
            for reading in news.readings {
                self.aggregate.at(reading.at.saturating_duration_since(begun));
                if let Err(error) = self.aggregate.merge(&reading.delta) {
                    let text = format!("what was watched is lost: {error}");
                    self.tell(&Telling::Log { grave: true, text: &text })?;
                }
            }
            self.aggregate.at(begun.elapsed());
        }
        if self.told.elapsed() >= PERIOD {
            self.tell_seen()?;
        }
        if let Step::After(until) = self.step {
            let thresholds = &self.wanted.thresholds;
            if thresholds.look_after_end() && thresholds.are_decided(&self.aggregate) {
                let text = "all that is expected after the end is decided; watching no longer";
                self.tell(&Telling::Log { grave: false, text })?;
                self.conclude()?;
            } else if Instant::now() >= until {
                self.conclude()?;
            }
        }
        Ok(())
    }

    fn tell_seen(&mut self) -> std::io::Result<()> {
        self.told = Instant::now();
        let thresholds = rows(&self.wanted.thresholds, &self.judge());
        let watched = self.watching.series();
        let scaling = for_page(self.watching.tracker(), self.started_at);
        let lines = self.watching.lines(Instant::now());
        let telling =
            Telling::Seen { watched, marks: std::mem::take(&mut self.marks), scaling, thresholds, lines };
        write(&mut self.output, &telling)
    }

    /// Judges the test and tells its end, once.
    fn conclude(&mut self) -> std::io::Result<()> {
        match self.step {
            Step::Waiting | Step::Told => return Ok(()),
            Step::Running => self.load_is_over(),
            Step::After(_) => {}
        }
        self.step = Step::Told;
        self.tell_seen()?;
        let duration = self.load.unwrap_or_default();
        let summary = Summary::new(
            &self.aggregate,
            &self.wanted.thresholds,
            SummaryInput { duration, setup_data: None },
        );
        let scaling: Vec<ScalingReport> = for_summary(self.watching.tracker());
        let options = summary::Options { scaling, ..summary::Options::default() };
        let summary = summary::render(&summary, &options);
        self.tell(&Telling::Ended { test: self.test, summary, crossed: self.judge().crossed })
    }

    fn tell(&mut self, telling: &Telling<'_>) -> std::io::Result<()> {
        write(&mut self.output, telling)
    }
}

fn write(output: &mut impl Write, telling: &Telling<'_>) -> std::io::Result<()> {
    serde_json::to_writer(&mut *output, telling)?;
    output.write_all(b"\n")?;
    output.flush()
}

fn watching(wanted: &Wanted) -> Result<Watching, String> {
    let recorder = RecorderConfig { selectors: wanted.thresholds.selectors(), ..RecorderConfig::default() };
    Watching::start(&wanted.watch, &wanted.registry, recorder, UNIT)
}

fn aggregate(wanted: &Wanted) -> Aggregate {
    Aggregate::new(wanted.registry.clone(), wanted.thresholds.submetrics(), Breakdown::Totals)
        .track(wanted.thresholds.windowed())
}

fn unix_ms() -> u64 {
    (throng_js::worker::unix_now().0 / 1_000_000) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(of: &[(&str, &str)]) -> Vec<(String, String)> {
        of.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn refused(of: &[(&str, &str)]) -> String {
        match wanted(variables(of)) {
            Ok(_) => String::new(),
            Err(failure) => failure.message,
        }
    }

    #[test]
    fn the_environment_asks() {
        assert!(wanted(variables(&[])).unwrap().is_none());
        let wants = wanted(variables(&[
            ("THRONG_WATCH", "hpa/web orders=mysql://u:p@127.0.0.1/db"),
            ("THRONG_EXPECT", "k8s_pod_restarts: count==0; db_deadlocks: count<2"),
        ]));
        let wants = wants.unwrap().unwrap();
        assert_eq!((wants.watch.settings.targets.len(), wants.thresholds.iter().len()), (2, 2));
    }

    #[test]
    fn what_cannot_be_expected_of_a_locustfile_is_refused() {
        assert!(refused(&[("THRONG_EXPECT", "db_deadlocks: count==0")]).contains("needs --watch"));
        let watch = ("THRONG_WATCH", "hpa/web");
        assert!(
            refused(&[watch, ("THRONG_EXPECT", "http_req_duration: p(95)<300")])
                .contains("is measured in k6 scripts")
        );
        assert!(
            refused(&[watch, ("THRONG_EXPECT", "k8s_hpa_replicas: max>=4 by peak")])
                .contains("names the peak")
        );
        assert!(
            refused(&[watch, ("THRONG_EXPECT", "k8s_hpa_replicas: value==2 within 10m of end")])
                .contains("--watch-after 10m")
        );
    }

    /// A test on nobody's cluster: nothing can be seen, which an expectation does not forgive.
    #[test]
    fn a_test_is_judged_when_the_input_ends() {
        let wants = wanted(variables(&[
            ("THRONG_WATCH", "mysql://nobody@127.0.0.1:1/none"),
            ("THRONG_EXPECT", "db_deadlocks: count==0"),
        ]));
        let input = "{\"begin\":{\"test\":7}}\n{\"second\":{\"load\":3,\"p95\":12.5}}\n?\n\"end\"\n";
        let mut output = Vec::new();
        assert_eq!(wants.unwrap().unwrap().run(std::io::Cursor::new(input), &mut output), Exit::Success);
        let text = String::from_utf8(output).unwrap();
        let told: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let last = told.last().unwrap();
        assert_eq!(last["ended"]["test"], 7);
        assert_eq!(last["ended"]["crossed"], serde_json::json!(["db_deadlocks"]));
        assert!(last["ended"]["summary"].as_str().unwrap().contains("db_deadlocks"), "{last}");
        assert!(told.iter().any(|one| one["log"]["text"].to_string().contains("cannot read")), "{told:?}");
        // The page has the same verdict.
        let seen = told.iter().rev().find(|one| one.get("seen").is_some()).unwrap();
        assert_eq!(seen["seen"]["thresholds"][0]["ok"], false, "{seen}");
    }
}
