//! `throng k8s run`: makes the objects of a run, waits until its pods run and says why they do not, streams, brings the
//! results, and takes everything away again.

mod start;
mod watch;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch as channel;
use tokio::time::Instant;

use crate::connect::Connection;
use crate::error::{Error, Result};
use crate::forward::{Forward, Kind, Target};
use crate::lead::{Lead, State};
use crate::manifests;
use crate::names::RunName;
use crate::objects;
use crate::say::Say;
use crate::wanted::{Wanted, port};
use crate::{logs, results, trouble};

/// How long it may take to take everything away.
const CLEARING: Duration = Duration::from_secs(30);

/// How long a test has to end once its workers do: when it is over, they may know it first.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// How a run is followed.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long pods may take to start.
    pub start_timeout: Duration,
    /// Whether the objects stay at the end.
    pub keep: bool,
    /// Whether to leave once the test runs.
    pub detach: bool,
    /// The folder for results; none are brought without.
    pub results: Option<PathBuf>,
    /// The port here for the page; none if it is not wanted.
    pub page: Option<u16>,
}

/// Runs a test; gives its exit code.
///
/// `stop` counts the signals: the first ends the test as Ctrl-C would, the second takes everything away at once.
pub async fn run(
    connection: &Connection,
    wanted: Wanted,
    options: &Options,
    say: &Arc<dyn Say>,
    stop: channel::Receiver<u32>,
) -> Result<i32> {
    let run = wanted.run.clone();
    let done = attempt(connection, wanted, options, say, stop.clone()).await;
    // What has this name belongs to another run.
    if matches!(done, Err(Error::Taken { .. })) {
        return done.map(|code| code.unwrap_or(0));
    }
    let stays = options.keep || (options.detach && matches!(done, Ok(None)));
    if stays {
        say.note(&format!(
            "run {run} stays in namespace {}; see throng k8s status {run}, and end it with throng k8s delete {run}",
            connection.namespace
        ));
    } else if let Err(error) = clear(connection, &run, stop).await {
        say.warn(&format!("{error}\n  what is left of the run goes with: throng k8s delete {run}"));
    }
    done.map(|code| code.unwrap_or(0))
}

/// Takes everything away, unless the cluster does not answer or a further signal comes.
async fn clear(connection: &Connection, run: &RunName, mut stop: channel::Receiver<u32>) -> Result<()> {
    let asked = *stop.borrow();
    let unanswered = || Error::Unreachable {
        server: connection.server.clone(),
        what: format!("take run {run} away"),
        why: format!("no answer within {} seconds", CLEARING.as_secs()),
    };
    tokio::select! {
        done = tokio::time::timeout(CLEARING, objects::delete(connection, run)) => {
            done.unwrap_or_else(|_| Err(unanswered())).map(drop)
        }
        () = stopped(&mut stop, asked + 1) => Err(Error::Interrupted),
    }
}

/// The run's code; none if it was left to itself.
async fn attempt(
    connection: &Connection,
    wanted: Wanted,
    options: &Options,
    say: &Arc<dyn Say>,
    mut stop: channel::Receiver<u32>,
) -> Result<Option<i32>> {
    let run = wanted.run.clone();
    say.note(&format!("run {run} in namespace {} of {}", connection.namespace, connection.server));
    let made = objects::make(connection, &run, manifests::make(&wanted), stop.clone());
    let mut again = stop.clone();
    tokio::select! {
        made = made => made?,
        // The first signal ends it in order.
        () = stopped(&mut again, 2) => return Err(Error::Interrupted),
    }
    let deadline = Instant::now() + options.start_timeout;
    let pod = interruptible(&mut stop, start::controller(connection, &run, say, deadline)).await?;
    let lead = Lead::new(connection.clone(), pod.clone(), wanted.token.clone());
    interruptible(&mut stop, start::hand_over(&lead, &wanted, say)).await?;

    let page = page(connection, &wanted, &pod, options, say).await;
    let following = {
        let (connection, say, pod) = (connection.clone(), Arc::clone(say), pod.clone());
        let mut file = options.results.as_deref().and_then(|folder| output_file(folder, say.as_ref()));
        tokio::spawn(async move {
            let followed = logs::follow(&connection, &pod, "controller", logs::Until::End, |line| {
                say.line(line);
                results::append(&mut file, line);
            });
            if let Err(error) = followed.await {
                say.warn(&error.to_string());
            }
        })
    };
    let workers = wanted.workers.count();
    let ended = {
        let starting = async {
            let done = async {
                start::workers(connection, &run, workers, say, deadline).await?;
                if options.detach { Ok(()) } else { watch::workers(connection, &run, say).await }
            };
            let done = done.await;
            if done.is_err() {
                tokio::time::sleep(LAST_WORDS).await;
            }
            done
        };
        follow(connection, &lead, &pod, starting, options.detach, say, &mut stop).await
    };
    let end = match ended {
        Ok(end) => end,
        Err(error) => {
            following.abort();
            return Err(error);
        }
    };
    let Some(watch::End { code, has_results }) = end else {
        following.abort();
        return Ok(None);
    };
    if let Some(folder) = options.results.as_ref().filter(|_| has_results) {
        let asked = *stop.borrow();
        let brought = tokio::select! {
            brought = results::bring(&lead, folder) => brought,
            () = stopped(&mut stop, asked + 1) => Err(Error::Interrupted),
        };
        match brought {
            Ok(0) => {}
            Ok(count) => say.note(&results::results_are_in(count, folder)),
            Err(error) => say.warn(&format!("the results could not be brought: {error}")),
        }
    }
    drop(page);
    // With this the pod ends, and its log with it. If it is gone meanwhile, so is what it held.
    if has_results {
        let _ = lead.done().await;
    }
    let _ = tokio::time::timeout(Duration::from_secs(10), following).await;
    Ok(Some(code))
}

/// Something that a signal ends.
async fn interruptible<T>(
    stop: &mut channel::Receiver<u32>,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    tokio::select! {
        done = work => done,
        () = stopped(stop, 1) => Err(Error::Interrupted),
    }
}

async fn stopped(stop: &mut channel::Receiver<u32>, times: u32) {
    if stop.wait_for(|count| *count >= times).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Brings the page here.
async fn page(
    connection: &Connection,
    wanted: &Wanted,
    pod: &str,
    options: &Options,
    say: &Arc<dyn Say>,
) -> Option<Forward> {
    let local = options.page.filter(|_| wanted.has_page)?;
    let target = Target { kind: Kind::Pod, name: pod.to_owned(), local, remote: port::PAGE.to_string() };
    // A page that is not there yet is no reason to speak.
    match Forward::open(connection, target, true, Arc::new(|_| {})).await {
        Ok(forward) => {
            say.note(&format!("the page of this run is at http://{}", forward.address));
            Some(forward)
        }
        Err(error) => {
            say.warn(&format!("the page cannot be brought here: {error}"));
            None
        }
    }
}

fn output_file(folder: &Path, say: &dyn Say) -> Option<std::fs::File> {
    let made =
        std::fs::create_dir_all(folder).and_then(|()| std::fs::File::create(folder.join("output.txt")));
    made.inspect_err(|error| say.warn(&format!("cannot write to {}: {error}", folder.display()))).ok()
}

/// Follows a test to its end; none if it is to be left once it runs.
async fn follow(
    connection: &Connection,
    lead: &Lead,
    pod: &str,
    workers: impl Future<Output = Result<()>>,
    detach: bool,
    say: &Arc<dyn Say>,
    stop: &mut channel::Receiver<u32>,
) -> Result<Option<watch::End>> {
    let mut workers = Box::pin(workers);
    let mut watched = false;
    let mut asked = 0;
    let mut end = Box::pin(watch::end(connection, lead, pod, say));
    loop {
        tokio::select! {
            end = &mut end => return end.map(Some),
            done = &mut workers, if !watched => {
                watched = true;
                done?;
                if detach {
                    return Ok(None);
                }
            }
            () = stopped(stop, asked + 1) => {
                asked += 1;
                if asked > 1 {
                    return Err(Error::Interrupted);
                }
                say.note("ending the test; a second signal takes everything away at once");
                if let Err(error) = lead.stop().await {
                    say.warn(&error.to_string());
                    return Err(Error::Interrupted);
                }
            }
        }
    }
}

/// How a container ended, for a controller that is no longer there to ask.
pub(crate) fn code_of(pod: &k8s_openapi::api::core::v1::Pod) -> Option<i32> {
    trouble::exit_code(pod)
}

/// Whether a test is over, by what its post says.
pub(crate) fn is_over(state: State) -> Option<i32> {
    match state {
        State::Ended { code } => Some(code),
        State::Waiting | State::Running => None,
    }
}
