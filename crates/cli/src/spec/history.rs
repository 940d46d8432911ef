//! Whether and how the run is kept: `--history`, `--history-keep`, `--run-name`.

use std::path::PathBuf;

use crate::failure::Failure;
use crate::flags::Values;

/// A history that a run is kept in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// Where it is.
    pub folder: PathBuf,
    /// How many runs stay in it, beside baselines; all if none is given.
    pub at_most: Option<u32>,
    /// How the run is called there; after its script if none is given.
    pub name: Option<String>,
}

/// What is asked for with flags and variables.
pub(super) fn history(values: &Values) -> Result<Option<History>, Failure> {
    let at_most = values.one("history-keep").map(at_most).transpose()?;
    let Some(folder) = folder(values) else {
        return match (at_most, values.of_flag("run-name")) {
            (None, None) => Ok(None),
            _ => Err(Failure::other("--history-keep and --run-name need --history FOLDER")),
        };
    };
    let name = values.one("run-name").map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned);
    Ok(Some(History { folder, at_most, name }))
}

/// The folder with the history.
pub(crate) fn folder(values: &Values) -> Option<PathBuf> {
    values.one("history").map(PathBuf::from)
}

fn at_most(text: &str) -> Result<u32, Failure> {
    let invalid =
        || Failure::other(format!("invalid number of runs to keep '{text}'; use a whole number from 1"));
    text.parse().ok().filter(|&number| number > 0).ok_or_else(invalid)
}
