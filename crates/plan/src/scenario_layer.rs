//! Scenarios as options give them, read and written back.
//!
//! Unlike elsewhere a name that does not exist is an error here: a misspelt `vus` would otherwise run a
//! different test than the one that was meant.

mod validate;

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use crate::duration::Span;
use crate::reader::Reader;
use crate::value::stages::Stages;
use crate::value::tags::Texts;
use crate::value::{Kind, Value};
pub(crate) use validate::validate;

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
                    layer.stages =
                        stages.and_then(|json| at.member(setting, |at| Stages::read_strict(json, at)));
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
