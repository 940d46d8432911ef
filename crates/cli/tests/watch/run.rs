//! A run with something watched, and what it left behind.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::support::THRONG;

/// A run that goes on beside the test.
pub(crate) struct Run {
    child: Child,
    folder: tempfile::TempDir,
}

/// What it left behind.
pub(crate) struct Left {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    samples: Vec<(String, f64, Value, f64)>,
}

/// Wall time in seconds.
pub(crate) fn now() -> f64 {
    #[expect(clippy::disallowed_methods, reason = "compared with the times of samples, which are wall times")]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

impl Run {
    /// Runs `script` with these arguments; samples are written and come back with [`Run::end`].
    pub(crate) fn start(script: &str, args: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::of("script.js", script, &[args, &["--out=json=samples"]].concat(), environment)
    }

    /// Runs a locustfile, which leaves no samples.
    pub(crate) fn locustfile(text: &str, args: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut environment: Vec<_> =
            environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        for name in ["PATH", "HOME", "THRONG_PYTHON", "VIRTUAL_ENV", "XDG_CACHE_HOME"] {
            environment.extend(std::env::var(name).map(|value| (name.to_owned(), value)));
        }
        let environment: Vec<_> =
            environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Self::of("locustfile.py", text, args, &environment)
    }

    fn of(name: &str, text: &str, args: &[&str], environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(name), text).unwrap();
        let child = Command::new(THRONG.link())
            .arg("run")
            .args(args)
            .arg(name)
            .current_dir(folder.path())
            .env_clear()
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(folder.path().join("out")).unwrap())
            .stderr(std::fs::File::create(folder.path().join("err")).unwrap())
            .spawn()
            .expect("the binary starts");
        Self { child, folder }
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }

    /// Whether a sample of a metric is written that `wanted` says yes to.
    pub(crate) fn has_seen(&self, metric: &str, wanted: impl Fn(f64) -> bool) -> bool {
        let samples = samples(&self.folder.path().join("samples"));
        samples.iter().any(|(name, value, ..)| name == metric && wanted(*value))
    }

    /// Waits until the samples of a metric are written that `wanted` says yes to.
    #[track_caller]
    pub(crate) fn until(&mut self, metric: &str, wanted: impl Fn(f64) -> bool) {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            if self.has_seen(metric, &wanted) {
                return;
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!(
                    "it ended with {status} before {metric} was seen:\n{}\n{}",
                    self.text("out"),
                    self.text("err")
                );
            }
            assert!(Instant::now() < deadline, "{metric} was not seen:\n{}", self.text("err"));
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// Waits until the log says this.
    #[track_caller]
    pub(crate) fn until_said(&mut self, what: &str) {
        let deadline = Instant::now() + Duration::from_mins(1);
        while !self.text("err").contains(what) {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!(
                    "it ended with {status} before it said {what:?}:\n{}\n{}",
                    self.text("out"),
                    self.text("err")
                );
            }
            assert!(Instant::now() < deadline, "it did not say {what:?}:\n{}", self.text("err"));
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// Asks it to end.
    pub(crate) fn interrupt(&self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Left {
        let status = self.child.wait().unwrap();
        Left {
            code: status.code().unwrap_or(-1),
            stdout: self.text("out"),
            stderr: self.text("err"),
            samples: samples(&self.folder.path().join("samples")),
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn samples(path: &PathBuf) -> Vec<(String, f64, Value, f64)> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let sample = |line: &str| {
        let line: Value = serde_json::from_str(line).ok()?;
        let name = line["metric"].as_str()?.to_owned();
        let at: jiff::Timestamp = line["data"]["time"].as_str()?.parse().ok()?;
        let seconds = at.as_nanosecond() as f64 / 1e9;
        Some((name, line["data"]["value"].as_f64()?, line["data"]["tags"].clone(), seconds))
    };
    text.lines().filter_map(sample).collect()
}

impl Left {
    /// Values of a metric with their times.
    pub(crate) fn of(&self, metric: &str) -> Vec<(f64, f64)> {
        self.samples
            .iter()
            .filter(|(name, ..)| name == metric)
            .map(|(_, value, _, at)| (*at, *value))
            .collect()
    }

    /// When a metric first had a value that `wanted` says yes to.
    #[track_caller]
    pub(crate) fn first(&self, metric: &str, wanted: impl Fn(f64) -> bool) -> f64 {
        let found = self.of(metric).into_iter().find(|(_, value)| wanted(*value));
        let Some((at, _)) = found else { panic!("no such {metric}: {:?}\n{}", self.of(metric), self.stderr) };
        at
    }

    /// The sum of a metric's values.
    pub(crate) fn sum(&self, metric: &str) -> f64 {
        self.of(metric).iter().map(|(_, value)| value).sum()
    }

    #[track_caller]
    pub(crate) fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    pub(crate) fn expect_said(&self, what: &str) {
        // Lines of the log have their text in quotation marks.
        let quoted = what.replace('"', "\\\"");
        assert!(
            self.stderr.contains(what) || self.stderr.contains(&quoted),
            "expected {what:?} in {}",
            self.stderr
        );
    }

    /// How often the log says this.
    pub(crate) fn times_said(&self, what: &str) -> usize {
        self.stderr.matches(what).count()
    }
}
