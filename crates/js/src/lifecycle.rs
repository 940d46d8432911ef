//! The script's life outside iterations: loading, `setup`, `teardown`, `handleSummary`. Each runs once, in a virtual
//! machine of its own whose `__VU` is 0, as in k6.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use throng_metrics::{Recorder, RecorderConfig};
use throng_quickjs::Value;
use throng_quickjs::fiber::{AbortHandle, Fiber};
use throng_reactor::{Reactor, Remote};

use crate::host::{Identity, Phase, ThreadContext};
use crate::log::Log;
use crate::program::{Program, Reading, Source, option_path};
use crate::serialise::{options_json, setup_json};
use crate::settings::{Control, Settings};
use crate::vm::{STACK_SIZE, ScriptError, Vm};

/// A lifecycle function's failure.
#[derive(Debug, thiserror::Error)]
pub enum LifecycleError {
    /// It threw, or its result cannot be used.
    #[error(transparent)]
    Script(#[from] ScriptError),
    /// It called `exec.test.abort()`; the message says so.
    #[error("{0}")]
    TestAborted(String),
    /// `handleSummary()` returned what is no set of files: there is no summary then.
    #[error("{0}")]
    SummaryData(String),
    /// `setup()` returned what cannot be handed to virtual users.
    #[error("{0}")]
    SetupData(String),
    /// It took too long.
    #[error("{function}() execution timed out after {} seconds", .after.as_secs())]
    Timeout {
        /// `setup` or `teardown`.
        function: &'static str,
        /// The limit.
        after: Duration,
    },
    /// The thread has no event loop to run it on.
    #[error("cannot start an event loop: {0}")]
    Reactor(#[from] std::io::Error),
}

/// What loading a script shows.
pub struct Loaded {
    /// The program, sealed.
    pub program: Arc<Program>,
    /// Its exported `options` as JSON, if there are any.
    pub options: Option<serde_json::Value>,
    /// Its exports in order, and whether each is a function.
    pub exports: Vec<(String, bool)>,
}

/// How to load.
pub struct LoadConfig {
    /// The entry.
    pub source: Source,
    /// Where its modules and files come from.
    pub reading: Reading,
    /// `__ENV`
    pub env: BTreeMap<String, String>,
    /// `--compatibility-mode=base`
    pub base_mode: bool,
    /// Bytes a virtual user's script may hold; 0 is unlimited.
    pub memory_limit: usize,
    /// Where `console` goes.
    pub log: Arc<dyn Log>,
}

/// What `handleSummary` wants written: content by `stdout`, `stderr` or path.
pub type SummaryFiles = Vec<(String, Vec<u8>)>;

/// What `handleSummary` did.
#[derive(Debug)]
pub struct Summarised {
    /// What it wants written; `None` when it returned nothing.
    pub files: Result<Option<SummaryFiles>, LifecycleError>,
    /// Its argument as the function left it, as JSON, also where it threw; `None` when that has no form in JSON.
    pub data: Option<String>,
}

/// One thread's place for lifecycle functions.
pub struct Lifecycle {
    reactor: RefCell<Reactor>,
    thread: Rc<ThreadContext>,
    program: Arc<Program>,
}

thread_local! {
    /// The lifecycle function that runs on this thread.
    static RUNNING: RefCell<Option<AbortHandle>> = const { RefCell::new(None) };
}

/// The way to interrupt a lifecycle function from another thread.
#[derive(Clone)]
pub struct Interrupter(Option<Remote>);

impl Interrupter {
    /// One that interrupts nothing.
    pub fn none() -> Self {
        Self(None)
    }

    /// Ends the function that runs now, if one does; it reports [`ScriptError::Aborted`].
    pub fn interrupt(&self) {
        let Some(remote) = &self.0 else { return };
        remote.spawn(|_| {
            RUNNING.with(|running| {
                if let Some(abort) = running.borrow().as_ref() {
                    abort.abort();
                }
            });
        });
    }
}

/// Runs the script's top level once, finding all its modules, files, metrics and options.
pub fn load(config: LoadConfig) -> Result<Loaded, LifecycleError> {
    let program = Arc::new(Program::new(config.source, config.env, config.base_mode, config.reading));
    let control = Arc::new(Control::default());
    let settings = Settings {
        plan: None,
        engine: None,
        memory_limit: config.memory_limit,
        control: control.clone(),
        member: None,
    };
    let lifecycle =
        Lifecycle::new(program.clone(), Arc::new(settings), config.log, RecorderConfig::default())?;
    let (options, exports) = lifecycle
        .run(None, "init", |vm| {
            let names = vm.export_names();
            let exports = names
                .into_iter()
                .map(|name| {
                    let callable = vm.export(&name).is_some_and(|value| value.is_function());
                    (name, callable)
                })
                .collect();
            let options = match vm.export("options") {
                Some(options) if !options.is_nullish() => {
                    let place = |path: &str| vm.host().program.option_place(&option_path(path));
                    let json = options_json(&options, place);
                    Some(json.map_err(|thrown| ScriptError::Unusable(vm.error(thrown).to_string()))?)
                }
                _ => None,
            };
            Ok((options, exports))
        })
        .map_err(|error| match (error, control.aborted()) {
            (LifecycleError::Script(ScriptError::Aborted), Some(message)) => {
                LifecycleError::TestAborted(message)
            }
            (error, _) => error,
        })?;
    program.seal();
    let options = options.as_deref().map(serde_json::from_str).transpose();
    let options = options
        .map_err(|e| ScriptError::Unusable(format!("the exported options are not valid JSON: {e}")))?;
    Ok(Loaded { program, options, exports })
}

impl Lifecycle {
    /// A place on the current thread.
    pub fn new(
        program: Arc<Program>,
        settings: Arc<Settings>,
        log: Arc<dyn Log>,
        recorder: RecorderConfig,
    ) -> Result<Self, LifecycleError> {
        let reactor = Reactor::new()?;
        let recorder = Recorder::new(program.registry.clone(), recorder);
        let thread = Rc::new(ThreadContext::new(reactor.handle(), recorder, STACK_SIZE, settings, log));
        Ok(Self { reactor: RefCell::new(reactor), thread, program })
    }

    /// The way to interrupt what runs here.
    pub fn interrupter(&self) -> Interrupter {
        Interrupter(Some(self.thread.reactor.remote()))
    }

    /// The thread's context, for its recorder.
    pub fn thread(&self) -> &Rc<ThreadContext> {
        &self.thread
    }

    /// Loads a fresh machine and runs `body` in it.
    fn run<R: 'static>(
        &self,
        timeout: Option<Duration>,
        function: &'static str,
        body: impl FnOnce(&Vm) -> Result<R, ScriptError> + 'static,
    ) -> Result<R, LifecycleError> {
        let (thread, program) = (self.thread.clone(), self.program.clone());
        let fiber = Fiber::new(&self.thread.stacks, move |suspender| {
            let vm = Vm::load(suspender, thread, program, Identity::default())?;
            body(&vm)
        })?;
        let abort = fiber.abort_handle();
        let handle = self.thread.reactor.clone();
        RUNNING.with(|running| *running.borrow_mut() = Some(abort.clone()));
        let result = self.reactor.borrow_mut().run_until(async move {
            let mut fiber = std::pin::pin!(fiber);
            let Some(limit) = timeout else { return Some(fiber.await) };
            let timer = handle.timer();
            timer.set(Instant::now() + limit);
            if let Ok(result) = timer.limit(fiber.as_mut()).await {
                return Some(result);
            }
            abort.abort();
            let _ = fiber.await;
            None
        });
        RUNNING.with(|running| *running.borrow_mut() = None);
        match result? {
            Some(result) => Ok(result?),
            None => Err(LifecycleError::Timeout { function, after: timeout.unwrap_or_default() }),
        }
    }

    /// Runs `setup()`; its result as JSON, `None` when it returned nothing.
    pub fn setup(&self, timeout: Duration) -> Result<Option<String>, LifecycleError> {
        self.run(Some(timeout), "setup", |vm| {
            let Some(setup) = vm.export("setup") else { return Ok(Ok(None)) };
            enter(vm, Phase::Setup, "::setup");
            let result = vm.call(&setup, &[]);
            finish(vm);
            Ok(setup_json(&result?).map_err(|thrown| vm.error(thrown).to_string()))
        })?
        .map_err(LifecycleError::SetupData)
    }

    /// Runs `teardown(data)`.
    pub fn teardown(&self, timeout: Duration, data: Option<Arc<str>>) -> Result<(), LifecycleError> {
        self.run(Some(timeout), "teardown", move |vm| {
            let Some(teardown) = vm.export("teardown") else { return Ok(()) };
            enter(vm, Phase::Teardown, "::teardown");
            let data = parse_data(vm, data.as_deref())?;
            let result = vm.call(&teardown, &[&data]);
            finish(vm);
            result.map(drop)
        })
    }

    /// Runs `handleSummary(data)`; `None` when the script has no such function.
    pub fn handle_summary(
        &self,
        timeout: Duration,
        data: String,
    ) -> Result<Option<Summarised>, LifecycleError> {
        self.run(Some(timeout), "handleSummary", move |vm| {
            let Some(function) = vm.export("handleSummary") else { return Ok(None) };
            vm.set_phase(Phase::Summary);
            let data = vm.ctx().parse_json(&data, "summary").map_err(|thrown| vm.error(thrown))?;
            if !data.has("setup_data") {
                // Observed on k6 1.1: it is there without a setup too.
                data.define("setup_data", &vm.ctx().undefined()).map_err(|thrown| vm.error(thrown))?;
            }
            let files = match vm.call(&function, &[&data]) {
                Ok(result) => summary_files(vm, &result),
                Err(ScriptError::Aborted) => return Err(ScriptError::Aborted),
                Err(error) => Err(error.into()),
            };
            let data = data.to_json().unwrap_or_else(|_| {
                vm.ctx().drop_exception();
                None
            });
            Ok(Some(Summarised { files, data }))
        })
    }
}

/// The files that `handleSummary` returned.
fn summary_files(vm: &Vm, result: &Value) -> Result<Option<SummaryFiles>, LifecycleError> {
    if result.is_nullish() {
        return Ok(None);
    }
    if !result.is_object() {
        return Err(LifecycleError::SummaryData(
            "handleSummary() must return an object with file names and their content".into(),
        ));
    }
    let entries = result.entries().map_err(|thrown| vm.error(thrown))?;
    let mut outputs = Vec::new();
    for (name, value) in entries {
        let content = match value.with_bytes(<[u8]>::to_vec) {
            Some(bytes) => bytes,
            None if value.is_string() => value.to_text().map_err(|t| vm.error(t))?.into_bytes(),
            None => {
                return Err(LifecycleError::SummaryData(format!(
                    "handleSummary() returned neither a string nor an ArrayBuffer for {name:?}"
                )));
            }
        };
        outputs.push((name, content));
    }
    Ok(Some(outputs))
}

fn enter(vm: &Vm, phase: Phase, group: &str) {
    vm.set_phase(phase);
    let root = vm.host().thread.recorder.borrow().root();
    vm.host().set_base_tags(root, group.into());
}

fn finish(vm: &Vm) {
    vm.host().end_of_iteration();
}

/// The setup data as a value, `undefined` when there is none.
pub(crate) fn parse_data(vm: &Vm, data: Option<&str>) -> Result<Value, ScriptError> {
    match data {
        None => Ok(vm.ctx().undefined()),
        Some(json) => vm.ctx().parse_json(json, "setup data").map_err(|thrown| vm.error(thrown)),
    }
}
