//! Runs scripts from text: their top level, `setup`, or a whole test.

#![allow(dead_code, reason = "each test file uses some of it")]
#![expect(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use throng_engine::{Config, Engine};
use throng_js::lifecycle::{self, Lifecycle, LifecycleError, LoadConfig, Loaded};
use throng_js::log::{Level, Log};
use throng_js::program::{Reading, Source};
use throng_js::settings::{Control, Member, Settings};
use throng_js::worker::{Shards, ShardsConfig, ThreadEvent};
use throng_metrics::{RawSample, RecorderConfig, Registry, SystemTags, raw_channel};
use throng_plan::{Options, Plan, shortcuts};

/// Keeps what was logged.
#[derive(Default)]
pub(crate) struct Console(Mutex<Vec<Record>>);

/// One log record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) level: Level,
    pub(crate) message: String,
    pub(crate) fields: Vec<(String, String)>,
}

impl Log for Console {
    fn enabled(&self, _: Level) -> bool {
        true
    }
    fn log(&self, level: Level, message: &str, fields: &[(&str, &str)]) {
        let fields = fields.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        self.0.lock().unwrap().push(Record { level, message: message.to_owned(), fields });
    }
}

/// A script to run.
pub(crate) struct Script {
    source: String,
    name: String,
    env: BTreeMap<String, String>,
    memory_limit: usize,
    log: Arc<Console>,
}

impl Script {
    pub(crate) fn new(source: impl Into<String>) -> Self {
        Self {
            source: source.into(),
            name: "file:///test/script.js".into(),
            env: BTreeMap::new(),
            memory_limit: 64 << 20,
            log: Arc::default(),
        }
    }

    pub(crate) fn named(mut self, url: impl Into<String>) -> Self {
        self.name = url.into();
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    pub(crate) fn memory_limit(mut self, bytes: usize) -> Self {
        self.memory_limit = bytes;
        self
    }

    pub(crate) fn load(&self) -> Result<Loaded, LifecycleError> {
        self.load_reading(Reading::Directly)
    }

    /// Loads it with this way to its modules and files.
    pub(crate) fn load_reading(&self, reading: Reading) -> Result<Loaded, LifecycleError> {
        lifecycle::load(LoadConfig {
            reading,
            source: Source {
                url: self.name.parse().unwrap(),
                text: self.source.clone(),
                working_directory: "/test".into(),
            },
            env: self.env.clone(),
            base_mode: false,
            memory_limit: self.memory_limit,
            log: self.log.clone(),
        })
    }

    /// Loads the script, which must succeed, and validates its options.
    pub(crate) fn prepare(&self) -> (Loaded, Arc<Plan>) {
        let loaded = self.load().unwrap_or_else(|error| panic!("the script does not load: {error}"));
        let json = loaded.options.clone().unwrap_or_else(|| serde_json::json!({}));
        let (options, _) = Options::from_script(&json).unwrap();
        let (plan, _) = Plan::new(&options).unwrap();
        let (scenarios, _) = shortcuts::derive(&options).unwrap();
        loaded.program.set_options(options.to_exec_json(&scenarios).to_string());
        (loaded, Arc::new(plan))
    }

    pub(crate) fn settings(&self, plan: Arc<Plan>) -> Settings {
        Settings {
            plan: Some(plan),
            engine: None,
            memory_limit: self.memory_limit,
            control: Arc::new(Control::default()),
            member: None,
        }
    }

    /// Runs `setup` after the top level.
    pub(crate) fn try_setup(&self) -> Result<serde_json::Value, LifecycleError> {
        let (loaded, plan) = self.prepare();
        let settings = Arc::new(self.settings(plan));
        let lifecycle =
            Lifecycle::new(loaded.program, settings, self.log.clone(), RecorderConfig::default()).unwrap();
        let json = lifecycle.setup(Duration::from_secs(10))?;
        Ok(json.map_or(serde_json::Value::Null, |json| serde_json::from_str(&json).unwrap()))
    }

    /// As [`Script::try_setup`], which must succeed.
    pub(crate) fn setup(&self) -> serde_json::Value {
        self.try_setup().unwrap_or_else(|error| panic!("setup failed: {error}"))
    }

    /// Runs the whole test on one thread: `setup`, the scenarios, `teardown`.
    pub(crate) fn run(&self) -> Ran {
        self.run_as(None)
    }

    /// The same as one of several processes, if it is one.
    pub(crate) fn run_as(&self, member: Option<Member>) -> Ran {
        let (loaded, plan) = self.prepare();
        let program = loaded.program;
        let engine = Engine::new(&Config::of(&plan, 1));
        let settings =
            Arc::new(Settings { engine: Some(engine.clone()), member, ..self.settings(plan.clone()) });
        let control = settings.control.clone();
        let (sink, samples) = raw_channel(1 << 20);
        let system_tags: SystemTags =
            plan.options.system_tags.iter().filter_map(|tag| tag.name().parse().ok()).collect();
        let run_tags = plan.options.tags.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        let recorder = RecorderConfig { run_tags, system_tags, raw: Some(sink), ..RecorderConfig::default() };
        let shards = Shards::spawn(ShardsConfig {
            program: program.clone(),
            settings: settings.clone(),
            engine,
            recorders: vec![recorder.clone()],
            log: self.log.clone(),
        })
        .unwrap();
        let controls = shards.controls.clone();
        control.on_abort(move || controls.abort());
        for event in &shards.events {
            match event {
                ThreadEvent::Initialised => break,
                ThreadEvent::InitFailed(text) => panic!("a virtual user cannot be initialised: {text}"),
                _ => {}
            }
        }
        control.start(Instant::now());
        let lifecycle = Lifecycle::new(program.clone(), settings, self.log.clone(), recorder).unwrap();
        let setup = lifecycle.setup(Duration::from_secs(10));
        let data = setup.as_ref().ok().cloned().flatten().map(Arc::from);
        if setup.is_ok() {
            shards.controls.start(Instant::now(), data.clone());
            shards.events.iter().find(|event| matches!(event, ThreadEvent::Done));
            if let Err(error) = lifecycle.teardown(Duration::from_secs(10), data) {
                self.log.log(Level::Error, &error.to_string(), &[]);
            }
        }
        lifecycle.thread().recorder.borrow_mut().take_delta();
        let samples = samples.try_iter().flatten().collect();
        Ran { registry: program.registry.clone(), samples, control, setup: setup.err() }
    }

    /// What was logged so far.
    pub(crate) fn records(&self) -> Vec<Record> {
        self.log.0.lock().unwrap().clone()
    }

    /// What `console` printed so far.
    pub(crate) fn console(&self) -> Vec<String> {
        let is_console = |r: &Record| r.fields.iter().any(|(k, v)| k == "source" && v == "console");
        self.records().into_iter().filter(is_console).map(|r| r.message).collect()
    }
}

/// A directory with these files, removed at the end.
pub(crate) struct Files(std::path::PathBuf);

impl Files {
    pub(crate) fn new(name: &str, files: &[(&str, &[u8])]) -> Self {
        let path = std::env::temp_dir().join(format!("throng-js-{name}-{}", std::process::id()));
        for (file, content) in files {
            let file = path.join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, content).unwrap();
        }
        Self(path)
    }

    /// A script in this directory.
    pub(crate) fn script(&self, source: &str) -> Script {
        Script::new(source).named(format!("file://{}/main.js", self.0.display()))
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A test that was run.
pub(crate) struct Ran {
    registry: Arc<Registry>,
    samples: Vec<RawSample>,
    /// What the script signalled.
    pub(crate) control: Arc<Control>,
    /// The failure of `setup`.
    pub(crate) setup: Option<LifecycleError>,
}

impl Ran {
    /// The samples of a metric, as "value tag=value,…; metadata=value,…".
    pub(crate) fn samples(&self, metric: &str) -> Vec<String> {
        let id = self.registry.get(metric);
        let is_asked_for = |sample: &&RawSample| Some(sample.metric) == id;
        let list = |set: &throng_metrics::TagSet| {
            set.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(",")
        };
        let show = |sample: &RawSample| {
            let metadata = sample.metadata.as_ref().map_or(String::new(), |set| format!("; {}", list(set)));
            format!("{} {}{metadata}", sample.value, list(&sample.tags))
        };
        self.samples.iter().filter(is_asked_for).map(show).collect()
    }

    /// How many samples of a metric there are.
    pub(crate) fn count(&self, metric: &str) -> usize {
        self.samples(metric).len()
    }
}

/// Runs the statements of `body` as `setup`, after `head` at the top level; gives what they return.
pub(crate) fn evaluate(head: &str, body: &str) -> serde_json::Value {
    Script::new(format!("{head}\nexport function setup() {{ {body} }}\nexport default function () {{}}"))
        .setup()
}

/// A function for scripts: `attempt(f)` is what `f` returns, or "Name: message" of what it throws.
pub(crate) const ATTEMPT: &str =
    "const attempt = (f) => { try { return f() } catch (e) { return `${e.name}: ${e.message}` } };";
