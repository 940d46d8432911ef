//! Scenarios as options give them, and their validation into what the engine schedules.
//!
//! Unlike elsewhere a name that does not exist is an error here: a misspelt `vus` would otherwise run a
//! different test than the one that was meant.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use crate::duration::Span;
use crate::reader::Reader;
use crate::scenario::{Executor, Scenario, Stage};
use crate::value::stages::Stages;
use crate::value::tags::Texts;
use crate::value::{Kind, Value};

/// The most virtual users (or starts per time unit) a stage may aim at.
const MAX_TARGET: i64 = 100_000_000;
/// The shortest time that a scenario may be given.
const MIN_DURATION: Duration = Duration::from_secs(1);
const TEN_MINUTES: Duration = Duration::from_secs(600);
const THIRTY_SECONDS: Duration = Duration::from_secs(30);

/// The executors, without settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExecutorKind {
    /// `shared-iterations`
    SharedIterations,
    /// `per-vu-iterations`
    PerVuIterations,
    /// `constant-vus`
    ConstantVus,
    /// `ramping-vus`
    RampingVus,
    /// `constant-arrival-rate`
    ConstantArrivalRate,
    /// `ramping-arrival-rate`
    RampingArrivalRate,
    /// `externally-controlled`
    ExternallyControlled,
}

impl ExecutorKind {
    /// Each with its name and its settings in the order in which k6 prints them.
    const ALL: [(Self, &str, &[&str]); 7] = [
        (Self::SharedIterations, "shared-iterations", &["vus", "iterations", "maxDuration"]),
        (Self::PerVuIterations, "per-vu-iterations", &["vus", "iterations", "maxDuration"]),
        (Self::ConstantVus, "constant-vus", &["vus", "duration"]),
        (Self::RampingVus, "ramping-vus", &["startVUs", "stages", "gracefulRampDown"]),
        (
            Self::ConstantArrivalRate,
            "constant-arrival-rate",
            &["rate", "timeUnit", "duration", "preAllocatedVUs", "maxVUs"],
        ),
        (
            Self::RampingArrivalRate,
            "ramping-arrival-rate",
            &["startRate", "timeUnit", "stages", "preAllocatedVUs", "maxVUs"],
        ),
        (Self::ExternallyControlled, "externally-controlled", &["vus", "duration", "maxVUs"]),
    ];

    fn row(self) -> (Self, &'static str, &'static [&'static str]) {
        Self::ALL[self as usize]
    }

    /// Its name in `options.scenarios`.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    fn settings(self) -> &'static [&'static str] {
        self.row().2
    }
}

impl Value for ExecutorKind {
    const KIND: Kind = Kind::Text;

    fn from_json(json: &Json, at: &mut Reader) -> Option<Self> {
        let text = String::from_json(json, at)?;
        Self::from_text(&text).or_else(|expected| at.invalid(json, expected).ok_or(())).ok()
    }

    fn from_text(text: &str) -> Result<Self, String> {
        let known = Self::ALL.iter().find(|(_, name, _)| *name == text);
        known.map(|row| row.0).ok_or_else(|| format!("one of {}", Self::ALL.map(|row| row.1).join(", ")))
    }

    fn to_json(&self) -> Json {
        self.name().into()
    }
}

/// What every executor's scenario may set, and whatever this one's executor takes; `None` is "not set".
/// A setting that the executor does not take is never set.
#[derive(Debug, Clone, PartialEq)]
pub struct ScenarioLayer {
    /// The executor.
    pub executor: ExecutorKind,
    /// See [`Scenario::start_time`].
    pub start_time: Option<Span>,
    /// See [`Scenario::graceful_stop`].
    pub graceful_stop: Option<Span>,
    /// See [`Scenario::env`].
    pub env: Option<Texts>,
    /// See [`Scenario::exec`].
    pub exec: Option<String>,
    /// See [`Scenario::tags`].
    pub tags: Option<Texts>,
    /// `vus`
    pub vus: Option<i64>,
    /// `iterations`
    pub iterations: Option<i64>,
    /// `maxDuration`
    pub max_duration: Option<Span>,
    /// `duration`
    pub duration: Option<Span>,
    /// `startVUs`
    pub start_vus: Option<i64>,
    /// `stages`
    pub stages: Option<Stages>,
    /// `gracefulRampDown`
    pub graceful_ramp_down: Option<Span>,
    /// `rate`
    pub rate: Option<i64>,
    /// `startRate`
    pub start_rate: Option<i64>,
    /// `timeUnit`
    pub time_unit: Option<Span>,
    /// `preAllocatedVUs`
    pub pre_allocated_vus: Option<i64>,
    /// `maxVUs`
    pub max_vus: Option<i64>,
}

impl ScenarioLayer {
    /// With nothing set but the executor.
    pub fn new(executor: ExecutorKind) -> Self {
        Self {
            executor,
            start_time: None,
            graceful_stop: None,
            env: None,
            exec: None,
            tags: None,
            vus: None,
            iterations: None,
            max_duration: None,
            duration: None,
            start_vus: None,
            stages: None,
            graceful_ramp_down: None,
            rate: None,
            start_rate: None,
            time_unit: None,
            pre_allocated_vus: None,
            max_vus: None,
        }
    }

    fn setting(&self, name: &str) -> Json {
        fn json<T: Value>(value: Option<&T>) -> Json {
            value.map_or(Json::Null, Value::to_json)
        }
        match name {
            "vus" => json(self.vus.as_ref()),
            "iterations" => json(self.iterations.as_ref()),
            "maxDuration" => json(self.max_duration.as_ref()),
            "duration" => json(self.duration.as_ref()),
            "startVUs" => json(self.start_vus.as_ref()),
            "stages" => json(self.stages.as_ref()),
            "gracefulRampDown" => json(self.graceful_ramp_down.as_ref()),
            "rate" => json(self.rate.as_ref()),
            "startRate" => json(self.start_rate.as_ref()),
            "timeUnit" => json(self.time_unit.as_ref()),
            "preAllocatedVUs" => json(self.pre_allocated_vus.as_ref()),
            _ => json(self.max_vus.as_ref()),
        }
    }
}

impl Value for ScenarioLayer {
    const KIND: Kind = Kind::Object;

    fn from_json(json: &Json, at: &mut Reader) -> Option<Self> {
        if json.is_null() {
            return at.member("executor", |at| at.missing("the name of an executor"));
        }
        let mut fields = at.object(json)?;
        let Some(executor) = fields.take("executor") else {
            return at.member("executor", |at| at.missing("the name of an executor"));
        };
        let executor = at.member("executor", |at| ExecutorKind::from_json(executor, at))?;
        let mut layer = Self::new(executor);
        layer.start_time = fields.read("startTime", at);
        layer.graceful_stop = fields.read("gracefulStop", at);
        layer.env = fields.read("env", at);
        layer.exec = fields.read("exec", at);
        layer.tags = fields.read("tags", at);
        if let Some(options) = fields.take("options") {
            at.member("options", |at| refuse_options(options, at));
        }
        for setting in executor.settings() {
            match *setting {
                "vus" => layer.vus = fields.read(setting, at),
                "iterations" => layer.iterations = fields.read(setting, at),
                "maxDuration" => layer.max_duration = fields.read(setting, at),
                "duration" => layer.duration = fields.read(setting, at),
                "startVUs" => layer.start_vus = fields.read(setting, at),
                "stages" => {
                    let stages = fields.take(setting);
                    layer.stages = stages.and_then(|json| at.member(setting, |at| Stages::read_strict(json, at)));
                }
                "gracefulRampDown" => layer.graceful_ramp_down = fields.read(setting, at),
                "rate" => layer.rate = fields.read(setting, at),
                "startRate" => layer.start_rate = fields.read(setting, at),
                "timeUnit" => layer.time_unit = fields.read(setting, at),
                "preAllocatedVUs" => layer.pre_allocated_vus = fields.read(setting, at),
                _ => layer.max_vus = fields.read(setting, at),
            }
        }
        let common: &[&str] = &["executor", "startTime", "gracefulStop", "env", "exec", "tags", "options"];
        let known = [executor.settings(), &common[1..]].concat();
        fields.refuse_rest(&format!("the {} executor", executor.name()), &known, at);
        Some(layer)
    }

    fn from_text(text: &str) -> Result<Self, String> {
        super::value::json_from_text(text)
    }

    fn to_json(&self) -> Json {
        let mut printed = Map::new();
        printed.insert("executor".into(), self.executor.name().into());
        printed.insert("startTime".into(), json!(self.start_time.map(|t| t.to_string())));
        printed.insert("gracefulStop".into(), json!(self.graceful_stop.map(|t| t.to_string())));
        printed.insert("env".into(), json!(self.env));
        printed.insert("exec".into(), json!(self.exec));
        printed.insert("tags".into(), json!(self.tags));
        for name in self.executor.settings() {
            printed.insert((*name).to_owned(), self.setting(name));
        }
        Json::Object(printed)
    }
}

/// `options` of a scenario can only ask for a browser, which we do not have.
fn refuse_options(options: &Json, at: &mut Reader) -> Option<()> {
    let mut fields = at.object(options)?;
    if fields.take("browser").is_some() {
        at.member("browser", |at| at.refused::<()>("running a browser"));
    }
    fields.refuse_rest("options", &["browser"], at);
    Some(())
}

/// Scenarios by name.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scenarios(pub BTreeMap<String, ScenarioLayer>);

impl Value for Scenarios {
    const KIND: Kind = Kind::Object;

    fn from_json(json: &Json, at: &mut Reader) -> Option<Self> {
        let Json::Object(members) = json else { return at.invalid(json, "an object of scenarios") };
        let mut scenarios = BTreeMap::new();
        for (name, scenario) in members {
            if let Some(scenario) = at.member(name, |at| ScenarioLayer::from_json(scenario, at)) {
                scenarios.insert(name.clone(), scenario);
            }
        }
        Some(Self(scenarios))
    }

    fn from_text(text: &str) -> Result<Self, String> {
        super::value::json_from_text(text)
    }

    fn to_json(&self) -> Json {
        self.0.iter().map(|(name, scenario)| (name.clone(), scenario.to_json())).collect()
    }
}

/// Validates scenarios; every problem of every scenario is noted.
pub(crate) fn validate(scenarios: &Scenarios, at: &mut Reader) -> Vec<Scenario> {
    let mut valid: Vec<Scenario> = scenarios
        .0
        .iter()
        .filter_map(|(name, layer)| at.member(name, |at| scenario(name, layer, at)))
        .collect();
    // The map is in order of names already and the sort is stable.
    valid.sort_by_key(|scenario| scenario.start_time);
    valid
}

fn scenario(name: &str, layer: &ScenarioLayer, at: &mut Reader) -> Option<Scenario> {
    let named = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if !named {
        at.invalid::<()>(json!(name), "a name of latin letters, digits, underscores and dashes");
    }
    if layer.exec.as_deref() == Some("") {
        at.member("exec", |at| at.invalid::<()>("\"\"", "the name of an exported function"));
    }
    let start_time = not_negative("startTime", layer.start_time, Duration::ZERO, at);
    let graceful_stop = match (layer.executor, layer.graceful_stop) {
        (ExecutorKind::ExternallyControlled, None) => Some(Duration::ZERO),
        (ExecutorKind::ExternallyControlled, Some(given)) => {
            let expected = "nothing: externally-controlled has no gracefulStop";
            at.member("gracefulStop", |at| at.invalid(given, expected))
        }
        (_, given) => not_negative("gracefulStop", given, THIRTY_SECONDS, at),
    };
    // Read before the question marks, so that its problems are noted in any case.
    let executor = executor(layer, at);
    Some(Scenario {
        name: name.to_owned(),
        start_time: start_time?,
        graceful_stop: graceful_stop?,
        exec: layer.exec.clone().unwrap_or_else(|| "default".to_owned()),
        env: layer.env.clone().unwrap_or_default(),
        tags: layer.tags.clone().unwrap_or_default(),
        executor: executor?,
    })
}

fn executor(layer: &ScenarioLayer, at: &mut Reader) -> Option<Executor> {
    match layer.executor {
        ExecutorKind::SharedIterations => {
            let vus = count("vus", layer.vus.or(Some(1)), 1, at);
            let iterations = count("iterations", layer.iterations.or(Some(1)), 1, at);
            let max_duration = max_duration(layer, at);
            if let (Some(vus), Some(iterations)) = (vus, iterations)
                && iterations < vus
            {
                let expected = format!("at least as many as vus ({vus})");
                at.member("iterations", |at| at.invalid::<()>(iterations, expected));
            }
            Some(Executor::SharedIterations { vus: vus?, iterations: iterations?, max_duration: max_duration? })
        }
        ExecutorKind::PerVuIterations => {
            let vus = count("vus", layer.vus.or(Some(1)), 1, at);
            let iterations = count("iterations", layer.iterations.or(Some(1)), 1, at);
            let max_duration = max_duration(layer, at);
            Some(Executor::PerVuIterations { vus: vus?, iterations: iterations?, max_duration: max_duration? })
        }
        ExecutorKind::ConstantVus => {
            let vus = count("vus", layer.vus.or(Some(1)), 1, at);
            let duration = required_duration(layer, at);
            Some(Executor::ConstantVus { vus: vus?, duration: duration? })
        }
        ExecutorKind::RampingVus => {
            let start_vus = count("startVUs", layer.start_vus.or(Some(1)), 0, at);
            let stages = stages(layer, at);
            let graceful_ramp_down =
                not_negative("gracefulRampDown", layer.graceful_ramp_down, THIRTY_SECONDS, at);
            if let (Some(0), Some(stages)) = (start_vus, &stages)
                && stages.iter().all(|stage| stage.target == 0)
            {
                at.member("stages", |at| {
                    at.invalid::<()>("without virtual users", "startVUs or the target of a stage above 0")
                });
            }
            Some(Executor::RampingVus {
                start_vus: start_vus?,
                stages: stages?,
                graceful_ramp_down: graceful_ramp_down?,
            })
        }
        ExecutorKind::ConstantArrivalRate => {
            let rate = count("rate", layer.rate, 1, at);
            let time_unit = time_unit(layer, at);
            let duration = required_duration(layer, at);
            let vus = pool(layer, at);
            let (pre_allocated_vus, max_vus) = vus?;
            Some(Executor::ConstantArrivalRate {
                rate: rate?,
                time_unit: time_unit?,
                duration: duration?,
                pre_allocated_vus,
                max_vus,
            })
        }
        ExecutorKind::RampingArrivalRate => {
            let start_rate = count("startRate", layer.start_rate.or(Some(0)), 0, at);
            let time_unit = time_unit(layer, at);
            let stages = stages(layer, at);
            let vus = pool(layer, at);
            let (pre_allocated_vus, max_vus) = vus?;
            Some(Executor::RampingArrivalRate {
                start_rate: start_rate?,
                time_unit: time_unit?,
                stages: stages?,
                pre_allocated_vus,
                max_vus,
            })
        }
        ExecutorKind::ExternallyControlled => {
            let vus = count("vus", layer.vus.or(Some(0)), 0, at);
            let max_vus = count("maxVUs", layer.max_vus.or(layer.vus).or(Some(0)), 0, at);
            if let (Some(vus), Some(max_vus)) = (vus, max_vus)
                && max_vus < vus
            {
                at.member("maxVUs", |at| at.invalid::<()>(max_vus, format!("at least as many as vus ({vus})")));
            }
            let duration = match layer.duration {
                None => at.member("duration", |at| at.missing("a duration, or 0 to run until stopped")),
                given => not_negative("duration", given, Duration::ZERO, at),
            };
            let duration = Some(duration?).filter(|duration| !duration.is_zero());
            Some(Executor::ExternallyControlled { vus: vus?, max_vus: max_vus?, duration })
        }
    }
}

/// A number of things that has to be given and be at least `least`.
fn count(name: &str, given: Option<i64>, least: u64, at: &mut Reader) -> Option<u64> {
    at.member(name, |at| {
        let Some(given) = given else { return at.missing(format!("a whole number, at least {least}")) };
        let number = u64::try_from(given).ok().filter(|number| *number >= least);
        number.or_else(|| at.invalid(given, format!("at least {least}")))
    })
}

fn not_negative(name: &str, given: Option<Span>, default: Duration, at: &mut Reader) -> Option<Duration> {
    let Some(given) = given else { return Some(default) };
    let valid = given.to_duration();
    valid.or_else(|| at.member(name, |at| at.invalid(given, "a duration that is not negative")))
}

fn at_least_a_second(name: &str, given: Span, at: &mut Reader) -> Option<Duration> {
    let valid = given.to_duration().filter(|duration| *duration >= MIN_DURATION);
    valid.or_else(|| at.member(name, |at| at.invalid(given, "at least 1s")))
}

fn max_duration(layer: &ScenarioLayer, at: &mut Reader) -> Option<Duration> {
    at_least_a_second("maxDuration", layer.max_duration.unwrap_or(TEN_MINUTES.into()), at)
}

fn required_duration(layer: &ScenarioLayer, at: &mut Reader) -> Option<Duration> {
    match layer.duration {
        None => at.member("duration", |at| at.missing("a duration, at least 1s")),
        Some(duration) => at_least_a_second("duration", duration, at),
    }
}

fn time_unit(layer: &ScenarioLayer, at: &mut Reader) -> Option<Duration> {
    let given = layer.time_unit.unwrap_or(MIN_DURATION.into());
    let valid = given.to_duration().filter(|unit| !unit.is_zero());
    valid.or_else(|| at.member("timeUnit", |at| at.invalid(given, "a duration above 0")))
}

fn pool(layer: &ScenarioLayer, at: &mut Reader) -> Option<(u64, u64)> {
    let pre_allocated = count("preAllocatedVUs", layer.pre_allocated_vus, 0, at)?;
    let Some(max) = layer.max_vus else { return Some((pre_allocated, pre_allocated)) };
    let max = count("maxVUs", Some(max), 0, at)?;
    if max < pre_allocated {
        let expected = format!("at least as many as preAllocatedVUs ({pre_allocated})");
        return at.member("maxVUs", |at| at.invalid(max, expected));
    }
    Some((pre_allocated, max))
}

fn stages(layer: &ScenarioLayer, at: &mut Reader) -> Option<Vec<Stage>> {
    at.member("stages", |at| {
        let given = layer.stages.as_ref().map_or(&[][..], |stages| stages.0.as_slice());
        if given.is_empty() {
            return at.missing("at least one stage {duration, target}");
        }
        let stage = |at: &mut Reader, given: &crate::value::stages::StageLayer| {
            let duration = match given.duration {
                None => at.member("duration", |at| at.missing("a duration")),
                given => not_negative("duration", given, Duration::ZERO, at),
            };
            let target = count("target", given.target, 0, at);
            if target.is_some_and(|target| target > MAX_TARGET as u64) {
                at.member("target", |at| at.invalid::<()>(json!(target), format!("at most {MAX_TARGET}")));
            }
            Some(Stage { duration: duration?, target: target? })
        };
        let stages: Vec<Option<Stage>> =
            given.iter().enumerate().map(|(i, given)| at.element(i, |at| stage(at, given))).collect();
        stages.into_iter().collect()
    })
}
