//! Runs scripts from text: their top level, `setup`, or a whole test.

#![allow(dead_code, reason = "each test file uses some of it")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use throng_js::lifecycle::{self, Lifecycle, LifecycleError, LoadConfig, Loaded};
use throng_js::log::{Level, Log};
use throng_js::program::Source;
use throng_js::settings::{Control, Settings};
use throng_metrics::RecorderConfig;
use throng_plan::{Options, Plan, shortcuts};

/// Keeps what was logged.
#[derive(Default)]
pub struct Console(Mutex<Vec<Record>>);

/// One log record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub level: Level,
    pub message: String,
    pub fields: Vec<(String, String)>,
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
pub struct Script {
    source: String,
    name: String,
    env: BTreeMap<String, String>,
    memory_limit: usize,
    log: Arc<Console>,
}

impl Script {
    pub fn new(source: impl Into<String>) -> Self {
        Self {
            source: source.into(),
            name: "file:///test/script.js".into(),
            env: BTreeMap::new(),
            memory_limit: 64 << 20,
            log: Arc::default(),
        }
    }

    pub fn named(mut self, url: impl Into<String>) -> Self {
        self.name = url.into();
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    pub fn memory_limit(mut self, bytes: usize) -> Self {
        self.memory_limit = bytes;
        self
    }

    pub fn load(&self) -> Result<Loaded, LifecycleError> {
        lifecycle::load(LoadConfig {
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
    pub fn prepare(&self) -> (Loaded, Arc<Plan>) {
        let loaded = self.load().unwrap_or_else(|error| panic!("the script does not load: {error}"));
        let json = loaded.options.clone().unwrap_or_else(|| serde_json::json!({}));
        let (options, _) = Options::from_script(&json).unwrap();
        let (plan, _) = Plan::new(&options).unwrap();
        let (scenarios, _) = shortcuts::derive(&options).unwrap();
        loaded.program.set_options(options.to_exec_json(&scenarios).to_string());
        (loaded, Arc::new(plan))
    }

    pub fn settings(&self, plan: Arc<Plan>) -> Settings {
        Settings {
            plan: Some(plan),
            engine: None,
            memory_limit: self.memory_limit,
            control: Arc::new(Control::default()),
        }
    }

    /// Runs `setup` after the top level.
    pub fn try_setup(&self) -> Result<serde_json::Value, LifecycleError> {
        let (loaded, plan) = self.prepare();
        let settings = Arc::new(self.settings(plan));
        let lifecycle =
            Lifecycle::new(loaded.program, settings, self.log.clone(), RecorderConfig::default()).unwrap();
        let json = lifecycle.setup(Duration::from_secs(10))?;
        Ok(json.map_or(serde_json::Value::Null, |json| serde_json::from_str(&json).unwrap()))
    }

    /// As [`Script::try_setup`], which must succeed.
    pub fn setup(&self) -> serde_json::Value {
        self.try_setup().unwrap_or_else(|error| panic!("setup failed: {error}"))
    }

    /// What was logged so far.
    pub fn records(&self) -> Vec<Record> {
        self.log.0.lock().unwrap().clone()
    }

    /// What `console` printed so far.
    pub fn console(&self) -> Vec<String> {
        let is_console = |r: &Record| r.fields.iter().any(|(k, v)| k == "source" && v == "console");
        self.records().into_iter().filter(is_console).map(|r| r.message).collect()
    }
}

/// Runs the statements of `body` as `setup`, after `head` at the top level; gives what they return.
pub fn evaluate(head: &str, body: &str) -> serde_json::Value {
    Script::new(format!("{head}\nexport function setup() {{ {body} }}\nexport default function () {{}}"))
        .setup()
}

/// A function for scripts: `attempt(f)` is what `f` returns, or "Name: message" of what it throws.
pub const ATTEMPT: &str =
    "const attempt = (f) => { try { return f() } catch (e) { return `${e.name}: ${e.message}` } };";
