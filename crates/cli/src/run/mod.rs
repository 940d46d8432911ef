//! From a [`RunSpec`] to an exit code: assembles the script host, engine, metrics and outputs.

mod bundle;
mod conductor;
mod counting;
mod crew;
mod descriptors;
mod expectations;
mod finish;
mod generator;
mod inspect;
mod page;
mod prepare;
mod progress;
mod raw;
mod rest;
mod script_log;
mod source;
mod stage;
pub(crate) mod watching;
pub mod worker;
mod workforce;

use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::fill::file::{Databases, worse};
use crate::header::{self, Header};
use crate::logging::{Field, Level};
use crate::signals;
use crate::spec::{Purpose, RunSpec};
use crate::terminal::Stream;

use conductor::Outside;
use prepare::Prepared;
use stage::Stage;

/// How often a run that is over looks whether it is asked something.
const LOOK_UP: Duration = Duration::from_millis(20);

/// Does what `spec` asks for and tells how it went.
pub fn run(spec: RunSpec) -> Exit {
    match attempt(&spec) {
        Ok(exit) => exit,
        Err(failure) => {
            let hint =
                (failure.exit == Exit::ScriptException).then(|| Field::new("hint", "script exception"));
            spec.log.log(Level::Error, &failure.message, hint.as_slice());
            failure.exit
        }
    }
}

/// Loads and validates the script of `spec`, and gives what it read, by address: itself, its modules, its data files.
pub fn files(spec: &RunSpec) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let prepared = Prepared::new(spec)?;
    let files = prepared.loaded.program.files();
    Ok(files.into_iter().map(|(name, content)| (name, content.to_vec())).collect())
}

fn attempt(spec: &RunSpec) -> Result<Exit, Failure> {
    let prepared = Prepared::new(spec)?;
    if let Purpose::Inspect { requirements } = spec.purpose {
        inspect::print(spec, &prepared, requirements)?;
        return Ok(Exit::Success);
    }
    let rest = rest::Rest::start(spec)?;
    let board = page::Board::start(spec, &prepared)?;
    if prepared.plan.options.paused
        && rest.is_none()
        && board.as_ref().is_none_or(|board| board.url().is_none())
    {
        return Err(Failure::other(
            "a run that starts paused needs a page (--ui) or a REST API (--address) to be resumed from",
        ));
    }
    let url = board.as_ref().and_then(|board| board.url()).map(str::to_owned);
    if let (Some(url), true) = (&url, spec.quiet) {
        spec.log.info(&format!("the page of this run is at {url}"));
    }
    if !spec.quiet {
        let coloured = spec.terminal.colours(Stream::Out);
        let mut scenarios = vec![prepared.plan.headline(prepared.max_vus())];
        scenarios.extend(prepared.plan.descriptions());
        let header = Header {
            page: url,
            execution: workforce::describe(&spec.workforce),
            script: spec.script.name().to_owned(),
            outputs: spec.outputs.iter().map(crate::outputs::Output::describe).collect(),
            scenarios,
        };
        spec.terminal.print(Stream::Out, &(header::mark(coloured) + &header.to_text(coloured)));
    }
    let outside = Outside { board, rest, ..Outside::default() };
    // The page stays for as long as the process does.
    let (exit, mut outside) = match &spec.databases {
        Some(databases) => surrounded(spec, databases, || test(spec, &prepared, outside)),
        None => test(spec, &prepared, outside),
    }?;
    if let Some(board) = &outside.board {
        board.conclude(spec, exit);
    }
    // Who has ended it by a signal waits for nothing more.
    if spec.linger && exit != Exit::Signal {
        linger(spec, &mut outside);
    }
    drop(outside);
    Ok(exit)
}

/// How a test ended, and what of it stays open.
type Tested = (Exit, Outside);

/// The test with its databases: filled before, cleaned up after it, also when it failed or was aborted.
fn surrounded(
    spec: &RunSpec,
    databases: &Databases,
    test: impl FnOnce() -> Result<Tested, Failure>,
) -> Result<Tested, Failure> {
    let done = databases.fill(&spec.terminal, &spec.log, spec.quiet).and_then(|()| test());
    if !spec.cleanup {
        return done;
    }
    // The first signal may still be for the test; a second one ends even this.
    let _listener = signals::listen(spec.log.clone(), |_| {});
    let cleaned = databases.clean(&spec.log);
    done.map(|(exit, outside)| (worse(exit, cleaned), outside))
}

fn test(spec: &RunSpec, prepared: &Prepared, outside: Outside) -> Result<Tested, Failure> {
    let raw = raw::Raw::start(spec, prepared)?;
    let stage = Stage::new(prepared, raw.sink(), None);
    let crew = workforce::engage(spec, prepared, &stage, &raw)?;
    let mut ended = conductor::run(spec, prepared, &stage, crew, outside).map_err(Failure::other)?;
    raw.finish(spec);
    let (outside, crew) = (std::mem::take(&mut ended.outside), ended.crew.take());
    let exit = finish::finish(spec, prepared, ended);
    if let Some(crew) = crew {
        crew.ended(exit);
    }
    Ok((exit, outside))
}

/// Stays until a signal comes: `--linger`.
fn linger(spec: &RunSpec, outside: &mut Outside) {
    let (sender, receiver) = std::sync::mpsc::channel();
    match signals::listen(spec.log.clone(), move |_| {
        let _ = sender.send(());
    }) {
        Ok(_listener) => {
            spec.log.info("the test is over; waiting for Ctrl-C, as --linger asks");
            while let Err(RecvTimeoutError::Timeout) = receiver.recv_timeout(LOOK_UP) {
                conductor::answer_after_the_end(outside);
            }
        }
        Err(error) => spec.log.error(&format!("cannot wait for a signal: {error}")),
    }
}
