//! Runs a script's `setup()` as the program does and shows what it returned, logged and recorded.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use throng_js::lifecycle::{Lifecycle, LoadConfig, load};
use throng_js::log::{Level, Log};
use throng_js::program::{Reading, Source};
use throng_js::settings::{Control, Settings};
use throng_metrics::{Delta, RecorderConfig, Sink};
use throng_plan::{Options, Plan};

/// Everything that was logged: `message field=value`.
#[derive(Default)]
pub(crate) struct Records(Mutex<Vec<String>>);

impl Log for Records {
    fn enabled(&self, _: Level) -> bool {
        true
    }

    fn log(&self, level: Level, message: &str, fields: &[(&str, &str)]) {
        let fields: Vec<String> = fields.iter().map(|(name, value)| format!(" {name}={value}")).collect();
        let fields = fields.concat();
        self.0.lock().unwrap().push(format!("{level:?} {message}{fields}"));
    }
}

pub(crate) struct Ran {
    /// What `setup()` returned, or `threw: …`.
    pub(crate) result: Value,
    pub(crate) log: Vec<String>,
    delta: Delta,
}

/// One series: its metric, its tags, and how many samples there were.
pub(crate) type Series = (String, BTreeMap<String, String>, f64);

impl Ran {
    /// The series of a counter or rate.
    pub(crate) fn series(&self, metric: &str) -> Vec<Series> {
        let mut found = Vec::new();
        for series in self.delta.series() {
            for (index, sink) in &series.sinks {
                let name = &self.delta.metrics()[*index as usize].name;
                if **name != *metric {
                    continue;
                }
                let value = match sink {
                    Sink::Counter(sum) => sum.value(),
                    Sink::Rate(rate) => rate.passes as f64,
                    Sink::Trend(_) | Sink::Gauge(_) => f64::NAN,
                };
                let tags = series.tags.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
                found.push((name.to_string(), tags, value));
            }
        }
        found
    }

    /// How many requests there were.
    pub(crate) fn requests(&self) -> f64 {
        self.series("http_reqs").iter().map(|(_, _, n)| n).sum()
    }

    /// The tags of the only series of `http_reqs`.
    pub(crate) fn tags(&self) -> BTreeMap<String, String> {
        let mut series = self.series("http_reqs");
        assert_eq!(series.len(), 1, "{series:?}");
        series.remove(0).1
    }
}

/// Runs `body` as the body of `setup()`; `head` stands at the top level of the script. `B` is the server's address.
pub(crate) fn script(server: &super::server::Server, head: &str, body: &str) -> Ran {
    script_with(server, head, body, RecorderConfig::default())
}

pub(crate) fn script_with(
    server: &super::server::Server,
    head: &str,
    body: &str,
    recorder: RecorderConfig,
) -> Ran {
    let text = format!(
        "import http from 'k6/http';\nconst B = 'http://{}';\n{head}\n\
         function thrown(f) {{ try {{ f(); return 'nothing' }} catch (e) {{ return e.message }} }}\n\
         export async function setup() {{ {body} }}\nexport default function () {{}}\n",
        server.addr()
    );
    let log = Arc::new(Records::default());
    let loaded = load(LoadConfig {
        source: Source {
            url: "file:///test.js".parse().unwrap(),
            text,
            working_directory: PathBuf::from("/"),
        },
        reading: Reading::Directly,
        env: BTreeMap::new(),
        base_mode: false,
        memory_limit: 0,
        log: log.clone(),
    })
    .unwrap_or_else(|error| panic!("{error}"));
    let options = loaded.options.unwrap_or_else(|| serde_json::json!({}));
    let (options, _) = Options::from_script(&options).unwrap();
    let (plan, _) = Plan::new(&options).unwrap();
    let settings = Settings {
        plan: Some(Arc::new(plan)),
        engine: None,
        memory_limit: 0,
        control: Arc::new(Control::default()),
        member: None,
    };
    let lifecycle = Lifecycle::new(loaded.program, Arc::new(settings), log.clone(), recorder).unwrap();
    let result = match lifecycle.setup(Duration::from_secs(20)) {
        Ok(json) => json.map_or(Value::Null, |json| serde_json::from_str(&json).unwrap()),
        Err(error) => Value::String(format!("threw: {error}")),
    };
    let delta = lifecycle.thread().recorder.borrow_mut().take_delta();
    let log = log.0.lock().unwrap().clone();
    Ran { result, log, delta }
}
