//! What `run` needs to know, once the command line is understood.
//!
//! [`RunSpec`] holds everything but the script's own options, which are known only after its init code
//! has run; its layers keep the other sources apart until then, so that they can be merged in order.

mod history;
mod login;
mod page;
mod rest;
mod summary;
mod watch;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Map, Value};
use throng_cluster::{ControllerConfig, OnWorkerLoss, StateDir};
use throng_plan::{Level, Options, PlanError, merge};

pub use history::History;
pub(crate) use history::folder;
pub(crate) use page::page;
pub use page::{Dashboard, Page};
pub use rest::{DEFAULT as REST_ADDRESS, Rest};
pub use summary::{Summary, SummaryMode};
pub use watch::{Expectation, Watch};
pub(crate) use watch::{expectations, watch};

use crate::config_file::ConfigFile;
use crate::env::script_environment;
use crate::exit::Exit;
use crate::face::Invocation;
use crate::failure::Failure;
use crate::fill::file::Databases;
use crate::flags::{FlagError, Values, go_bool};
use crate::logging::Logger;
use crate::outputs::{self, Output};
use crate::terminal::Terminal;

/// What to do with a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Run the test.
    Run,
    /// Show its options as JSON.
    Inspect {
        /// Also the virtual users and the time that it takes at most.
        requirements: bool,
    },
}

/// Where the script comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Script {
    /// Standard input.
    Stdin,
    /// A file, as the user named it.
    File(String),
}

impl Script {
    /// How the header names it.
    pub fn name(&self) -> &str {
        match self {
            Self::Stdin => "-",
            Self::File(name) => name,
        }
    }
}

/// What kind of test the file is, where the user says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestType {
    /// A script.
    Js,
    /// A tar file with a script and all it loads.
    Archive,
}

/// Globals of the script beyond the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compatibility {
    /// `global` is another name for `globalThis`.
    Extended,
    /// It is not.
    Base,
}

/// As what the program was called: decides what is shown beyond what k6 shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    /// Throng's own command line.
    Own,
    /// k6's.
    K6,
}

/// Who generates the load.
#[derive(Debug, Clone)]
pub enum Workforce {
    /// The threads of this process.
    Threads,
    /// Worker processes on this machine that the run starts and ends.
    Spawned {
        /// How many, at least 1.
        workers: u32,
        /// What is to happen when one is lost.
        on_loss: OnWorkerLoss,
    },
    /// Workers that join over the network.
    Joining {
        /// Where and for whom the controller listens.
        config: Box<ControllerConfig>,
        /// Where the run is kept, so that a controller that is killed can be started again.
        state: Option<StateDir>,
    },
}

/// Everything that a run goes by, but for the script's own options.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line, named as there")]
pub struct RunSpec {
    /// As what the program was called.
    pub face: Face,
    /// What to do with the script.
    pub purpose: Purpose,
    /// Where the script comes from.
    pub script: Script,
    /// What it is, if not to be told from its name and content.
    pub test_type: Option<TestType>,
    /// Its globals.
    pub compatibility: Compatibility,
    /// Options of the configuration file, the environment and the flags. With the script's own they go
    /// to [`throng_plan::merge()`].
    pub layers: Vec<(Level, Options)>,
    /// What scripts see as `__ENV`.
    pub env: BTreeMap<String, String>,
    /// What of it was given with `-e`.
    pub env_pairs: BTreeMap<String, String>,
    /// Whether `__ENV` holds the variables of the process.
    pub shows_process_environment: bool,
    /// Who generates the load.
    pub workforce: Workforce,
    /// Databases to fill before the test, and to clean up after it.
    pub databases: Option<Databases>,
    /// Whether to clean them up.
    pub cleanup: bool,
    /// What to watch beside the load.
    pub watch: Option<Watch>,
    /// Thresholds of the command line.
    pub expectations: Vec<Expectation>,
    /// Where samples go.
    pub outputs: Vec<Output>,
    /// The page, if there is one.
    pub page: Option<Page>,
    /// What k6's dashboard is to do beside being there.
    pub dashboard: Dashboard,
    /// Where the run is kept, if it is.
    pub history: Option<History>,
    /// k6's REST API, if it is served.
    pub rest: Option<Rest>,
    /// What happens with the numbers at the end.
    pub summary: Summary,
    /// Whether thresholds count.
    pub thresholds: bool,
    /// Whether to stay after the end until a signal comes.
    pub linger: bool,
    /// Whether to leave out header and progress.
    pub quiet: bool,
    /// The streams.
    pub terminal: Terminal,
    /// The log of the process.
    pub log: Logger,
    /// Where `console.*` goes: the log, or the file of `--console-output`.
    pub console: Logger,
}

impl RunSpec {
    /// Reads the settings of `command` from its flags, the environment and the configuration file.
    pub fn new(invocation: &Invocation, command: &'static str, purpose: Purpose) -> Result<Self, Failure> {
        let values = &invocation.values;
        values.refuse_unsupported()?;
        let script = script(&invocation.arguments, command)?;
        let asked = values.one("config").map(PathBuf::from);
        let config = ConfigFile::load(asked.as_deref(), values.environment())?;

        let include_process = values.switch("include-system-env-vars")?.unwrap_or(purpose == Purpose::Run);
        // The join token, the page's secrets and the passwords of databases are no business of a script's.
        let is_secret =
            |name: &str| [TOKEN_VARIABLE, watch::VARIABLE].contains(&name) || login::SECRETS.contains(&name);
        let process = values.environment().clone().into_iter().filter(|(name, _)| !is_secret(name));
        let pairs = values.all_of_flag("env").unwrap_or_default();
        let env_pairs = script_environment(pairs, [])?;
        let env = script_environment(pairs, process.filter(|_| include_process))?;

        let (outputs, page, dashboard) = match purpose {
            Purpose::Run => {
                let (outputs, dashboard) = outputs(values, &config)?;
                let page = page::page(values, dashboard, command == "controller")?;
                (outputs, page, page::dashboard(values, dashboard)?)
            }
            Purpose::Inspect { .. } => (Vec::new(), None, Dashboard::default()),
        };
        let face = if invocation.program == "throng" { Face::Own } else { Face::K6 };
        let rest = if purpose == Purpose::Run { rest::rest(values, face)? } else { None };
        let layers = layers(values, config.options)?;
        let no_thresholds = values.switch("no-thresholds")?.unwrap_or(false);
        values.switch("no-usage-report")?;
        Ok(Self {
            face,
            purpose,
            script,
            test_type: test_type(values)?,
            compatibility: compatibility(values)?,
            env,
            env_pairs,
            shows_process_environment: include_process,
            workforce: workforce(values)?,
            databases: databases(values)?,
            cleanup: values.switch("cleanup")?.unwrap_or(false),
            watch: if purpose == Purpose::Run { watch::watch(values)? } else { None },
            expectations: if purpose == Purpose::Run { watch::expectations(values)? } else { Vec::new() },
            outputs,
            page,
            dashboard,
            history: match purpose {
                Purpose::Run => history::history(values)?,
                Purpose::Inspect { .. } => None,
            },
            rest,
            summary: Summary::new(values)?,
            thresholds: !no_thresholds,
            linger: values.switch("linger")?.or(config.linger).unwrap_or(false),
            quiet: values.switch("quiet")?.unwrap_or(false),
            terminal: invocation.terminal.clone(),
            log: invocation.log.clone(),
            console: console(invocation, &layers)?,
            layers,
        })
    }
}

/// The variable that holds the join token of a cluster.
pub const TOKEN_VARIABLE: &str = "THRONG_TOKEN";

/// Workers of this machine, if they were asked for.
fn workforce(values: &Values) -> Result<Workforce, Failure> {
    let Some(text) = values.one("workers") else { return Ok(Workforce::Threads) };
    let workers: u32 =
        text.parse().ok().filter(|workers| (1..=MOST_WORKERS).contains(workers)).ok_or_else(|| {
            Failure::other(format!(
                "invalid number of workers '{text}'; use a whole number from 1 to {MOST_WORKERS}"
            ))
        })?;
    Ok(Workforce::Spawned { workers, on_loss: on_worker_loss(values)? })
}

/// What `--fill` asks for.
fn databases(values: &Values) -> Result<Option<Databases>, Failure> {
    let cleanup = values.switch("cleanup")?.unwrap_or(false);
    let Some(path) = values.one("fill") else {
        return if cleanup {
            Err(Failure::new(Exit::InvalidConfig, "--cleanup needs --fill FILE, which says what to delete"))
        } else {
            Ok(None)
        };
    };
    let databases = Databases::load(path.as_ref(), values.environment())?;
    if cleanup && !databases.has_cleanup() {
        let message = format!("--cleanup has nothing to do: no entry of {path} has a cleanup");
        return Err(Failure::new(Exit::InvalidConfig, message));
    }
    Ok(Some(databases))
}

/// What to do when a worker is lost.
pub(crate) fn on_worker_loss(values: &Values) -> Result<OnWorkerLoss, Failure> {
    values
        .one("on-worker-loss")
        .map_or(Ok(OnWorkerLoss::default()), |text| text.parse().map_err(Failure::other))
}

/// The most workers that one machine is asked to start; more than processors is already of no use.
const MOST_WORKERS: u32 = 1_000;

fn script(arguments: &[String], command: &'static str) -> Result<Script, FlagError> {
    match arguments {
        [one] if one == "-" => Ok(Script::Stdin),
        [one] => Ok(Script::File(one.clone())),
        other => Err(FlagError::Arguments {
            command,
            takes: "one script (a path, or - for standard input)",
            given: other.len(),
        }),
    }
}

/// The outputs, and whether k6's dashboard is one of them.
fn outputs(values: &Values, config: &ConfigFile) -> Result<(Vec<Output>, bool), Failure> {
    let of_environment = || {
        let list = values.of_environment("out")?;
        Some(list.split(',').map(str::to_owned).collect())
    };
    let mut requests: Vec<String> = values
        .all_of_flag("out")
        .map(<[String]>::to_vec)
        .or_else(of_environment)
        .or_else(|| config.out.clone())
        .unwrap_or_default();
    let count = requests.len();
    requests.retain(|request| request != outputs::DASHBOARD);
    let switched_on = values
        .environment()
        .get("K6_WEB_DASHBOARD")
        .is_some_and(|value| !value.is_empty() && !matches!(go_bool(value), Some(false)));
    let dashboard = switched_on || requests.len() < count;
    Ok((outputs::select(&requests, config.collectors.as_ref(), values.environment())?, dashboard))
}

/// The layers around the script's. A flag that cannot be read is an error of the command line, while the
/// other two are configuration: observed on k6 1.1, whose exit codes tell them apart.
fn layers(values: &Values, config: Map<String, Value>) -> Result<Vec<(Level, Options)>, Failure> {
    let configuration = |error: PlanError| Failure::new(Exit::InvalidConfig, error.to_string());
    let environment = |name: &str| values.environment().get(name).cloned();
    Ok(vec![
        (Level::Config, Options::from_config(&Value::Object(config)).map_err(configuration)?),
        (Level::Env, Options::from_env(environment).map_err(configuration)?),
        (
            Level::Cli,
            Options::from_flags(values.option_flags()).map_err(|error| Failure::other(error.to_string()))?,
        ),
    ])
}

fn test_type(values: &Values) -> Result<Option<TestType>, Failure> {
    match values.one("type") {
        None => Ok(None),
        Some("js") => Ok(Some(TestType::Js)),
        Some("archive") => Ok(Some(TestType::Archive)),
        Some(other) => Err(Failure::other(format!("unknown test type '{other}'; use js or archive"))),
    }
}

fn compatibility(values: &Values) -> Result<Compatibility, Failure> {
    match values.one("compatibility-mode") {
        // The third is k6's name for stripping TypeScript, which happens in every mode since 0.57.
        None | Some("extended" | "experimental_enhanced") => Ok(Compatibility::Extended),
        Some("base") => Ok(Compatibility::Base),
        Some(other) => {
            Err(Failure::other(format!("invalid compatibility mode '{other}'; use extended or base")))
        }
    }
}

fn console(invocation: &Invocation, layers: &[(Level, Options)]) -> Result<Logger, Failure> {
    // A script cannot say where its console goes, so that the three layers here decide.
    let console_output = merge(layers.iter().cloned()).options.console_output;
    match console_output.filter(|path| !path.is_empty()) {
        Some(path) => Ok(invocation.log_setup.open_console(path.as_ref())?),
        None => Ok(invocation.log.clone()),
    }
}
