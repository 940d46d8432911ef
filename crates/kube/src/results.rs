//! `throng k8s results`: brings what a test wrote.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use crate::connect::Connection;
use crate::error::{Error, Result};
use crate::files::below;
use crate::lead::{Lead, State};
use crate::names::RunName;
use crate::objects;
use crate::pods;
use crate::trouble::name;

/// How long to wait before something is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// Brings all results into a folder; how many there were.
pub(crate) async fn bring(lead: &Lead, folder: &Path) -> Result<usize> {
    let mut attempts = 0;
    let files = loop {
        match lead.results().await {
            Ok(files) => break files,
            Err(error) => attempts = again(attempts, error).await?,
        }
    };
    for file in &files {
        let failed = |error: std::io::Error| Error::Local(format!("cannot write {}: {error}", file.path));
        let place = below(folder, &file.path).ok_or_else(|| {
            Error::Pod(format!("the controller names a file {:?}, which is none", file.path))
        })?;
        if let Some(parent) = place.parent() {
            std::fs::create_dir_all(parent).map_err(failed)?;
        }
        let mut attempts = 0;
        loop {
            let mut here = File::create(&place).map_err(failed)?;
            match lead.fetch(&file.path, |bytes| here.write_all(bytes)).await {
                Ok(()) => break,
                Err(error) => attempts = again(attempts, error).await?,
            }
        }
    }
    Ok(files.len())
}

/// What is said of results that were brought into a folder.
pub fn results_are_in(count: usize, folder: &Path) -> String {
    let files =
        if count == 1 { "1 file of results is".to_owned() } else { format!("{count} files of results are") };
    format!("{files} in {}", folder.display())
}

/// Whether to try once more: connections break, and what a test of an hour wrote is there only once.
async fn again(attempts: u32, error: Error) -> Result<u32> {
    if attempts >= 4 {
        return Err(error);
    }
    tokio::time::sleep(PAUSE).await;
    Ok(attempts + 1)
}

/// Adds a line to a file, if there is one; a full disk is no reason to lose a test.
pub(crate) fn append(file: &mut Option<File>, line: &[u8]) {
    if let Some(open) = file
        && open.write_all(line).and_then(|()| open.write_all(b"\n")).is_err()
    {
        *file = None;
    }
}

/// Brings the results of a run that is over and keeps them; how many, and the test's code.
pub async fn results(
    connection: &Connection,
    run: &RunName,
    folder: &Path,
    release: bool,
) -> Result<(usize, i32)> {
    let token = objects::token(connection, run).await?;
    let pods = pods::of_part(connection, run, "controller").await?;
    let pod = pods.last().ok_or_else(|| Error::Unusable(format!("run {run} has no controller")))?;
    if let Some(code) = crate::trouble::exit_code(pod) {
        return Err(Error::Unusable(format!(
            "the controller of run {run} ended with code {code} and took its results with it; how long they are kept is \
             said by --hold"
        )));
    }
    let lead = Lead::new(connection.clone(), name(pod).to_owned(), token);
    let State::Ended { code } = lead.state().await? else {
        return Err(Error::Unusable(format!(
            "run {run} is not over; follow it with throng k8s logs {run} --follow, or end it with throng k8s delete {run}"
        )));
    };
    std::fs::create_dir_all(folder)
        .map_err(|error| Error::Local(format!("cannot make {}: {error}", folder.display())))?;
    let count = bring(&lead, folder).await?;
    if release {
        lead.done().await?;
    }
    Ok((count, code))
}
