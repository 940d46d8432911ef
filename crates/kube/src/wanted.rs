//! What a user asks for, once it is understood: everything that manifests are made from.

use std::time::Duration;

use crate::files::Files;
use crate::names::RunName;
use crate::settings::Settings;

/// The image, unless another one is named: the one that `./x image` makes.
pub const IMAGE: &str = concat!("throng:", env!("CARGO_PKG_VERSION"));
/// The same for locustfiles.
pub const PYTHON_IMAGE: &str = concat!("throng:", env!("CARGO_PKG_VERSION"), "-python");

/// Where files, working copies and results lie in pods.
pub mod place {
    /// The files, as mounted.
    pub const FILES: &str = "/files";
    /// What may be written.
    pub const WORK: &str = "/work";
}

/// The ports of a controller.
pub mod port {
    /// Workers join here.
    pub const CLUSTER: u16 = 5557;
    /// The page.
    pub const PAGE: u16 = 8089;
    /// Files come and results go here.
    pub const POST: u16 = 8088;
}

/// What the workers run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Workers {
    /// There are none.
    None,
    /// They need nothing but the controller.
    Joining {
        /// How many.
        count: u32,
        /// The command line.
        command: Vec<String>,
    },
    /// They need the files too.
    WithFiles {
        /// How many.
        count: u32,
        /// The command line.
        command: Vec<String>,
    },
}

impl Workers {
    /// How many.
    pub fn count(&self) -> u32 {
        match self {
            Self::None => 0,
            Self::Joining { count, .. } | Self::WithFiles { count, .. } => *count,
        }
    }
}

/// How the files get there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// A `ConfigMap`.
    ConfigMap,
    /// A `Secret`.
    Secret,
    /// Over a forwarded connection to the controller, as they are too large for an object.
    Upload,
}

/// A run that is to be made.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Its name.
    pub run: RunName,
    /// Its namespace.
    pub namespace: String,
    /// How its pods are to be.
    pub settings: Settings,
    /// The script, as the user named it.
    pub script: String,
    /// What the controller runs, the program first.
    pub command: Vec<String>,
    /// What its workers run.
    pub workers: Workers,
    /// The files of the test.
    pub files: Files,
    /// Where among them the working directory is.
    pub folder: String,
    /// How they get there.
    pub carrier: Carrier,
    /// What controller and workers know of each other.
    pub token: String,
    /// How long the controller keeps results for somebody to fetch them.
    pub hold: Duration,
    /// Whether the page listens.
    pub has_page: bool,
    /// Whether the controller reads the cluster: `--watch`.
    pub watches: bool,
    /// A file with Python packages to install first.
    pub requirements: Option<String>,
}

/// A new join token.
pub fn token() -> crate::Result<String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| crate::Error::Local(format!("this system gives no random numbers: {error}")))?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

impl Wanted {
    /// The controller's name within the cluster, which resolves whatever the cluster's domain is.
    pub fn host(run: &RunName, namespace: &str) -> String {
        format!("{}.{namespace}.svc", run.object())
    }
}
