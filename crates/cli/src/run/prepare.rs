//! Everything before the first virtual user: load the script, merge the options, validate the plan and its thresholds.

use std::sync::Arc;

use serde_json::{Map, Value};
use throng_engine::{Config, Counting, Engine};
use throng_js::lifecycle::{self, LoadConfig, Loaded};
use throng_js::log::Log;
use throng_js::network;
use throng_js::program::{Reading, option_path};
use throng_js::vm::ScriptError;
use throng_metrics::threshold::Source as ThresholdSource;
use throng_metrics::{Selector, Submetric, SystemTags, Thresholds};
use throng_plan::value::summary::TimeUnit;
use throng_plan::{Level, Options, Plan, PlanError, Slots, Warning, merge, shortcuts};

use super::bundle::Unpacked;
use super::expectations;
use super::script_log::{ScriptLog, Silent};
use super::source;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::spec::{Compatibility, RunSpec, Workforce};

/// Bytes of memory that one virtual user's script may hold, unless `THRONG_VU_MEMORY` (in MiB) says otherwise.
const MEMORY_LIMIT_MIB: usize = 1024;

/// A test that is ready to run.
pub(super) struct Prepared {
    pub(super) loaded: Loaded,
    /// Of the script; empty on a worker.
    pub(super) checksum: String,
    pub(super) options: Options,
    pub(super) plan: Arc<Plan>,
    /// What is judged; nothing with `--no-thresholds`.
    pub(super) thresholds: Thresholds,
    /// The sub-metrics that thresholds name, judged or not.
    pub(super) submetrics: Vec<Submetric>,
    /// Their selectors, for the recorders.
    pub(super) selectors: Vec<Selector>,
    pub(super) log: Arc<dyn Log>,
    pub(super) memory_limit: usize,
    /// The engine for this machine's threads; what the plan needs of virtual users is asked of it.
    pub(super) engine: Arc<Engine>,
}

impl Prepared {
    /// Loads and validates what `spec` names.
    pub(super) fn new(spec: &RunSpec) -> Result<Self, Failure> {
        let source = source::read(spec)?;
        let checksum = throng_history::checksum(source.text.as_bytes());
        let log: Arc<dyn Log> = Arc::new(ScriptLog { log: spec.log.clone(), console: spec.console.clone() });
        let memory_limit = memory_limit()?;
        let loaded = load(LoadConfig {
            source,
            reading: match spec.workforce {
                Workforce::Threads => Reading::Directly,
                Workforce::Spawned { .. } | Workforce::Joining { .. } => Reading::Collecting,
            },
            env: spec.env.clone(),
            base_mode: spec.compatibility == Compatibility::Base,
            memory_limit,
            log: log.clone(),
        })?;
        let is_function = |name: &str| loaded.exports.iter().any(|(n, callable)| n == name && *callable);
        if !loaded.exports.iter().any(|(_, callable)| *callable) {
            return Err(Failure::other(
                "the script exports no function; a test needs at least `export default`",
            ));
        }
        for name in ["setup", "teardown"] {
            if loaded.exports.iter().any(|(n, callable)| n == name && !callable) {
                return Err(Failure::other(format!("the script exports {name:?}, which must be a function")));
            }
        }
        let places = Places { spec, loaded: &loaded };
        let invalid = |error: PlanError| Failure::new(Exit::InvalidConfig, places.of_problems(&error));
        let mut layers = spec.layers.clone();
        if let Some(json) = &loaded.options {
            let (options, warnings) = Options::from_script(json).map_err(invalid)?;
            warn(spec, &warnings);
            layers.push((Level::Script, options));
        }
        let merged = merge(layers);
        warn(spec, &merged.warnings);
        let options = merged.options;
        let (plan, warnings) = Plan::new(&options).map_err(invalid)?;
        warn(spec, &warnings);
        plan.check_exports(is_function).map_err(invalid)?;
        // Made again for the run; here it only shows settings that cannot be used, before any load.
        network::client_config(Some(&plan.options), 1)
            .map_err(|error| Failure::new(Exit::InvalidConfig, error.to_string()))?;
        if spec.watch.is_some() {
            observe(&loaded)?;
        }
        let mut thresholds = thresholds(&plan, &loaded, Some(&places))?;
        expectations::add(&mut thresholds, spec, &options, &plan, &loaded.program.registry)?;
        if let Ok((scenarios, _)) = shortcuts::derive(&options) {
            let shown = options.clone().with_shown_defaults();
            loaded.program.set_options(shown.to_exec_json(&scenarios).to_string());
        }
        if let Some(overrides) = overrides(&options, loaded.options.as_ref()) {
            loaded.program.set_overrides(overrides);
        }
        let mut prepared = Self::assemble(loaded, options, plan, thresholds, log, memory_limit, None)?;
        prepared.checksum = checksum;
        if !spec.thresholds {
            prepared.thresholds = Thresholds::default();
        }
        Ok(prepared)
    }

    /// Loads what a controller sent: everything was validated there. Of the test, `slots` are this worker's.
    pub(super) fn of_worker(
        unpacked: Unpacked,
        slots: Slots,
        threads: Option<usize>,
        log: Arc<dyn Log>,
    ) -> Result<Self, Failure> {
        let memory_limit = memory_limit()?;
        let loaded = load(LoadConfig {
            source: unpacked.source,
            reading: unpacked.reading,
            env: unpacked.env,
            base_mode: unpacked.base_mode,
            memory_limit,
            // What the top level prints was printed when the controller loaded it.
            log: Arc::new(Silent),
        })?;
        let options = Options::from_config(&unpacked.options).map_err(invalid)?;
        let (mut plan, _) = Plan::new(&options).map_err(invalid)?;
        plan.slots = slots;
        network::client_config(Some(&plan.options), 1)
            .map_err(|error| Failure::new(Exit::InvalidConfig, error.to_string()))?;
        loaded.program.set_options(unpacked.options.to_string());
        if let Some(overrides) = unpacked.overrides {
            loaded.program.set_overrides(overrides);
        }
        // Thresholds may name what the controller watches; here their selectors are all that is needed.
        let _ = observe(&loaded);
        let thresholds = thresholds(&plan, &loaded, None)?;
        Self::assemble(loaded, options, plan, thresholds, log, memory_limit, threads)
    }

    fn assemble(
        loaded: Loaded,
        options: Options,
        plan: Plan,
        thresholds: Thresholds,
        log: Arc<dyn Log>,
        memory_limit: usize,
        threads: Option<usize>,
    ) -> Result<Self, Failure> {
        let (submetrics, selectors) = (thresholds.submetrics(), thresholds.selectors());
        let engine = engine(&plan, threads)?;
        let plan = Arc::new(plan);
        Ok(Self {
            loaded,
            checksum: String::new(),
            options,
            plan,
            thresholds,
            submetrics,
            selectors,
            log,
            memory_limit,
            engine,
        })
    }

    /// The system tags that samples carry.
    pub(super) fn system_tags(&self) -> SystemTags {
        self.plan.options.system_tags.iter().filter_map(|tag| tag.name().parse().ok()).collect()
    }

    /// How many virtual users there can be at most.
    pub(super) fn max_vus(&self) -> u64 {
        u64::from(self.engine.placement().max_vus())
    }

    /// How many virtual users the whole test can have at most, at least 1: of more workers than that some have none.
    pub(super) fn vus_of_whole_test(&self) -> u32 {
        let slots = Slots::whole();
        let whole = Engine::new(&Config { slots: &slots, ..Config::of(&self.plan, 1) });
        whole.placement().max_vus().max(1)
    }

    /// `summaryTimeUnit` as the user wrote it.
    pub(super) fn time_unit(&self) -> Option<&'static str> {
        self.plan.options.summary_time_unit.map(|unit| match unit {
            TimeUnit::Seconds => "s",
            TimeUnit::Milliseconds => "ms",
            TimeUnit::Microseconds => "us",
        })
    }

    /// Whether the script exports this function.
    pub(super) fn has(&self, name: &str) -> bool {
        self.loaded.exports.iter().any(|(n, callable)| n == name && *callable)
    }
}

/// The consolidated options that the script does not export with the same value.
fn overrides(options: &Options, exported: Option<&Value>) -> Option<String> {
    let Value::Object(fields) = options.to_json() else { return None };
    let differs =
        |name: &str, value: &Value| !value.is_null() && exported.and_then(|e| e.get(name)) != Some(value);
    let fields: Map<String, Value> =
        fields.into_iter().filter(|(name, value)| differs(name, value)).collect();
    (!fields.is_empty() && exported.is_some()).then(|| Value::Object(fields).to_string())
}

/// So many threads as asked for, but no more than there can be virtual users.
fn engine(plan: &Plan, threads: Option<usize>) -> Result<Arc<Engine>, Failure> {
    let is_worker = threads.is_some();
    let threads = threads.map_or_else(processors, Ok)?;
    // A worker (for which threads are always given) may come to run more of the test than its first part.
    let whole = Slots::whole();
    let slots = if is_worker { &whole } else { &plan.slots };
    let vus = Engine::new(&Config { slots, ..Config::of(plan, 1) }).placement().max_vus().max(1) as usize;
    let counting = if is_worker { Counting::Dealt } else { Counting::Here };
    Ok(Engine::new(&Config { counting, ..Config::of(plan, threads.min(vus)) }))
}

/// How many threads generate load on this machine: one a processor, or as many as `THRONG_THREADS` says.
pub(super) fn processors() -> Result<usize, Failure> {
    let asked = number_from_environment("THRONG_THREADS")?.filter(|threads| *threads > 0);
    Ok(asked.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)))
}

fn memory_limit() -> Result<usize, Failure> {
    let mebibytes = number_from_environment("THRONG_VU_MEMORY")?.unwrap_or(MEMORY_LIMIT_MIB);
    Ok(mebibytes.saturating_mul(1 << 20))
}

fn load(config: LoadConfig) -> Result<Loaded, Failure> {
    lifecycle::load(config).map_err(|error| match error {
        lifecycle::LifecycleError::Script(ScriptError::Thrown(text)) => {
            Failure::new(Exit::ScriptException, text)
        }
        lifecycle::LifecycleError::TestAborted(text) => Failure::new(Exit::ScriptAborted, text),
        other => Failure::other(other.to_string()),
    })
}

fn invalid(error: PlanError) -> Failure {
    Failure::new(Exit::InvalidConfig, error.to_string())
}

/// Where in the script options are written.
struct Places<'a> {
    spec: &'a RunSpec,
    loaded: &'a Loaded,
}

impl Places<'_> {
    /// The place of an option, if it is the script that sets it: neither a flag nor the environment or the
    /// configuration file.
    fn of(&self, path: &[String]) -> Option<String> {
        let name = path.first()?;
        let is_set = |options: &Value| options.get(name).is_some_and(|value| !value.is_null());
        let above = |level: Level| matches!(level, Level::Env | Level::Cli);
        if self.spec.layers.iter().any(|(level, options)| above(*level) && is_set(&options.to_json())) {
            return None;
        }
        let by_script =
            self.loaded.options.as_ref().is_some_and(|options| !options.is_object() || is_set(options));
        by_script.then(|| self.loaded.program.option_place(path))?
    }

    /// What is wrong, each problem with its place.
    fn of_problems(&self, error: &PlanError) -> String {
        let texts = error.problems.iter().map(|problem| match self.of(&option_path(problem.path())) {
            Some(place) => format!("{problem}\n\tat {place}"),
            None => problem.to_string(),
        });
        match texts.collect::<Vec<_>>().as_slice() {
            [one] => one.clone(),
            many => format!("there are {} problems in the options:\n  - {}", many.len(), many.join("\n  - ")),
        }
    }

    /// The place of the first threshold that cannot be read.
    fn of_threshold(&self, sources: &[(String, Vec<ThresholdSource>)]) -> Option<String> {
        let readable = |metric: &String, list: &[ThresholdSource]| {
            Thresholds::parse(&[(metric.clone(), list.to_vec())], &self.loaded.program.registry).is_ok()
        };
        let (metric, list) = sources.iter().find(|(metric, list)| !readable(metric, list))?;
        let mut path = vec!["thresholds".to_owned(), metric.clone()];
        if readable(metric, &[]) {
            path.push(list.iter().position(|one| !readable(metric, std::slice::from_ref(one)))?.to_string());
        }
        self.of(&path)
    }
}

fn thresholds(plan: &Plan, loaded: &Loaded, places: Option<&Places<'_>>) -> Result<Thresholds, Failure> {
    let sources: Vec<(String, Vec<ThresholdSource>)> = plan
        .options
        .thresholds
        .iter()
        .map(|(selector, list)| {
            let list = list
                .iter()
                .map(|one| ThresholdSource {
                    expression: one.source.clone(),
                    abort_on_fail: one.abort_on_fail,
                    delay_abort_eval: one.delay_abort_eval,
                })
                .collect();
            (selector.clone(), list)
        })
        .collect();
    Thresholds::parse(&sources, &loaded.program.registry).map_err(|error| {
        let place =
            places.and_then(|places| places.of_threshold(&sources)).map(|place| format!("\n\tat {place}"));
        Failure::new(
            Exit::InvalidConfig,
            format!("{error}{}{}", expectations::hint(&error), place.unwrap_or_default()),
        )
    })
}

/// Declares the metrics of what is watched.
fn observe(loaded: &Loaded) -> Result<(), Failure> {
    for metric in throng_watch::metric::ALL {
        loaded.program.registry.observe(metric.name, metric.kind, metric.contains).map_err(|error| {
            let message = format!("the script's metric {} cannot be watched beside: {error}", metric.name);
            Failure::new(Exit::InvalidConfig, message)
        })?;
    }
    Ok(())
}

fn warn(spec: &RunSpec, warnings: &[Warning]) {
    for warning in warnings {
        spec.log.warn(&warning.to_string());
    }
}

/// A number that a variable of ours holds, if it is set.
fn number_from_environment(name: &str) -> Result<Option<usize>, Failure> {
    let Ok(text) = std::env::var(name) else { return Ok(None) };
    let number = text.parse().map_err(|_| {
        Failure::new(
            Exit::InvalidConfig,
            format!("{name} is {text:?}; it takes a whole number, not negative"),
        )
    })?;
    Ok(Some(number))
}
