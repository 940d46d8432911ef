//! What a controller writes down of its run, so that another process can go on with it.
//!
//! [`Journal`] watches the machine: around each event it decides what has to be written before the machine's actions are
//! carried out. Whatever is acknowledged to a worker, ordered or told has been written before, so a process that is killed
//! takes nothing with it. It does no I/O: the edge appends what [`Entry`] holds to a file, the simulation to a buffer.
//!
//! A file is a header and records, each after its length and checksum. The first record says which run it is and holds all
//! that was known when the file was begun, later ones what an event changed of that ([`Difference`]); a file that has grown is
//! replaced by one of such a first record ([`Journal::snapshot`]). What workers measured is kept as one merged delta, so the size is that of the metrics and not of
//! the time. The join token and variables of the environment are not in it; what `setup` returned is.

mod difference;
mod file;
mod messages;
mod told;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use throng_engine::Progress;
use throng_metrics::{Delta, DeltaSum};

use self::difference::Difference;
use self::messages::{BatchMessage, IdentityMessage, Record, ToldMessage, WorkerProgress};
pub(super) use self::messages::{
    BookMessage, ChangeMessage, EpochMessage, HeldMessage, MapMessage, MemberMessage, SaidMessage,
    StateMessage,
};
use super::Happening;
use super::machine::{Action, Event, Kept, Machine, Settings};
use crate::bundle::Bundle;
use crate::ids::{RunId, WorkerId};
use crate::moment::Moment;
use crate::protocol::{BundleMessage, FromController, FromWorker, ProgressMessage};

/// How often the progress of a worker is written down.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);
/// A file is replaced when it has grown by so much, and by what it began with.
const GROWTH: u64 = 32 << 20;

/// Why a run cannot be gone on with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// Not one of ours, or of a later version.
    #[error("it holds no run that this version of throng can go on with")]
    Unreadable,
    /// It is of another script, other files or options.
    #[error("it holds a run of another test: the script, its files or its options have changed since")]
    OtherTest,
    /// The run expects another number of workers.
    #[error("it holds a run of {kept} workers, and {asked} are asked for")]
    OtherWorkers {
        /// Of the run.
        kept: u32,
        /// Of the command line.
        asked: u32,
    },
}

/// What has to be written before the actions of an event are carried out.
#[derive(Debug, Default)]
pub struct Entry {
    /// Bytes to append; often none.
    pub bytes: Vec<u8>,
    /// Whether they have to be on the disk, and not only with the operating system: they say what is ordered.
    pub sync: bool,
}

/// What is known of an event before the machine takes it.
#[derive(Debug)]
pub struct Before {
    batch: Option<(WorkerId, u64, Option<Bytes>, bool)>,
    changes_state: bool,
}

/// What the host program of a controller that goes on is told first.
#[derive(Debug)]
pub struct Resumed {
    /// How long there was no controller, as far as the wall clock tells.
    pub away: Duration,
    /// Who joined, was lost and left before, in order, then the newest progress of each worker, then all that was measured.
    pub told: Vec<Happening>,
    /// What `setup` returned.
    pub setup_data: Option<Arc<str>>,
    /// When the run phase began; nothing before the start was ordered.
    pub began: Option<Moment>,
    /// When iterations began.
    pub starting: Option<Moment>,
    /// The host program's own notes.
    pub notes: BTreeMap<String, String>,
    /// Bytes at the end of the file that were damaged, and are left out.
    pub damaged: usize,
}

/// See the module's description.
#[derive(Debug)]
pub struct Journal {
    identity: IdentityMessage,
    merged: DeltaSum,
    told: Vec<ToldMessage>,
    progress: BTreeMap<u32, (Moment, ProgressMessage)>,
    notes: BTreeMap<String, String>,
    /// The machine's state as the file has it.
    written: StateMessage,
    /// The setup data has been written.
    has_setup_data: bool,
    /// The size of the file and what of it was its beginning.
    size: u64,
    began_with: u64,
}

/// What a file holds.
#[derive(Debug)]
pub struct Recovered {
    identity: IdentityMessage,
    last: Moment,
    state: StateMessage,
    setup_data: Option<Arc<str>>,
    merged: DeltaSum,
    told: Vec<ToldMessage>,
    progress: BTreeMap<u32, ProgressMessage>,
    notes: BTreeMap<String, String>,
    damaged: usize,
}

impl Journal {
    /// The journal of a run that begins.
    pub fn new(settings: &Settings, test: &Bundle) -> Self {
        let identity = IdentityMessage {
            run: settings.run.0,
            test: fingerprint(test),
            unix_at_origin: settings.unix_at_origin.as_nanos() as u64,
            grace: settings.grace.as_nanos() as u64,
            expected: settings.expected,
        };
        Self {
            identity,
            merged: DeltaSum::default(),
            told: Vec::new(),
            progress: BTreeMap::new(),
            notes: BTreeMap::new(),
            written: StateMessage::default(),
            has_setup_data: false,
            size: 0,
            began_with: 0,
        }
    }

    /// Looks at an event that the machine is about to take.
    pub fn before(&self, machine: &Machine, event: &Event) -> Before {
        let mut before = Before { batch: None, changes_state: false };
        match event {
            Event::Received { connection, message: FromWorker::Batch(batch) } => {
                before.batch = machine.worker_at(*connection).map(|worker| {
                    (
                        worker,
                        machine.taken(worker),
                        batch.delta.clone(),
                        !batch.milestones.is_empty() || !batch.counts.is_empty(),
                    )
                });
            }
            Event::Received { message: FromWorker::Join(_), .. } | Event::Ordered(_) => {
                before.changes_state = true;
            }
            _ => {}
        }
        before
    }

    /// What has to be written down, now that the machine has taken the event.
    pub fn after(&mut self, now: Moment, machine: &Machine, before: Before, actions: &[Action]) -> Entry {
        let mut record = Record { at: now.as_nanos(), ..Record::default() };
        let mut state = before.changes_state;
        let mut measured = None;
        if let Some((worker, taken, delta, milestones)) = before.batch
            && machine.taken(worker) > taken
        {
            record.batch = Some(BatchMessage { worker: worker.index(), number: taken + 1 });
            measured = delta;
            state |= milestones;
        }
        let mut sync = false;
        for action in actions {
            match action {
                Action::Send(_, FromController::Command(_))
                | Action::SendBundle(..)
                | Action::Starting(_) => {
                    (state, sync) = (true, true);
                }
                Action::Tell(Happening::Delta { delta, .. }) => {
                    self.merged.add(delta);
                    record.delta.clone_from(&measured);
                }
                Action::Tell(Happening::Progress { worker, progress }) => {
                    record.progress.extend(self.note_progress(
                        now,
                        machine.is_done(*worker),
                        *worker,
                        progress,
                    ));
                }
                Action::Tell(Happening::Failed(_) | Happening::Ended) => {
                    state = true;
                }
                Action::Tell(happening) => {
                    if let Some(told) = told::keep(happening) {
                        state = true;
                        record.told.push(told);
                    }
                }
                _ => {}
            }
        }
        self.told.extend(record.told.iter().cloned());
        if state {
            let state = machine.state();
            record.change = Difference::between(&self.written, &state);
            self.written = state;
            if let (false, Some(data)) = (self.has_setup_data, machine.setup_data()) {
                self.has_setup_data = true;
                record.setup_data = Some(data.to_string());
            }
        }
        let is_empty = record == Record { at: record.at, ..Record::default() };
        if is_empty { Entry::default() } else { self.entry(&record, sync) }
    }

    /// Writes down a note of the host program; a name has one value.
    pub fn note(&mut self, now: Moment, name: &str, value: &str) -> Entry {
        self.notes.insert(name.to_owned(), value.to_owned());
        let notes = vec![name.to_owned(), value.to_owned()];
        self.entry(&Record { at: now.as_nanos(), notes, ..Record::default() }, true)
    }

    /// Writes down what the host program measured itself.
    pub fn measured(&mut self, now: Moment, delta: &Delta) -> Entry {
        self.merged.add(delta);
        let delta = Some(delta.encode().into());
        self.entry(&Record { at: now.as_nanos(), delta, ..Record::default() }, false)
    }

    /// Whether the file should be replaced by a [`Journal::snapshot`].
    pub fn is_large(&self) -> bool {
        self.size > GROWTH + 2 * self.began_with
    }

    /// The content of a new file: all that is known.
    pub fn snapshot(&mut self, now: Moment, machine: &Machine) -> Vec<u8> {
        let progress = self.progress.iter().map(|(worker, (_, progress))| WorkerProgress {
            worker: *worker,
            progress: Some(progress.clone()),
        });
        let setup_data = machine.setup_data().map(ToString::to_string);
        self.has_setup_data = setup_data.is_some();
        self.written = machine.state();
        let record = Record {
            at: now.as_nanos(),
            identity: Some(self.identity.clone()),
            state: Some(self.written.clone()),
            setup_data,
            batch: None,
            delta: Some(self.merged.delta().encode().into()),
            told: self.told.clone(),
            progress: progress.collect(),
            notes: self.notes.iter().flat_map(|(name, value)| [name.clone(), value.clone()]).collect(),
            change: None,
        };
        let mut bytes = file::HEADER.to_vec();
        file::append(&mut bytes, &record.encode_to_vec());
        (self.size, self.began_with) = (bytes.len() as u64, bytes.len() as u64);
        bytes
    }

    fn entry(&mut self, record: &Record, sync: bool) -> Entry {
        let mut bytes = Vec::new();
        file::append(&mut bytes, &record.encode_to_vec());
        self.size += bytes.len() as u64;
        Entry { bytes, sync }
    }

    fn note_progress(
        &mut self,
        now: Moment,
        is_last: bool,
        worker: WorkerId,
        progress: &Progress,
    ) -> Option<WorkerProgress> {
        let message = ProgressMessage::from(progress);
        let known = self.progress.get(&worker.index()).map(|(written, _)| *written);
        let is_due = is_last || known.is_none_or(|written| now.since(written) >= PROGRESS_EVERY);
        let written = if is_due { now } else { known.unwrap_or(now) };
        self.progress.insert(worker.index(), (written, message.clone()));
        is_due.then(|| WorkerProgress { worker: worker.index(), progress: Some(message) })
    }
}

impl Recovered {
    /// Reads a file. What is damaged at its end is left out: of a write that a killed process did not finish nothing had been
    /// acknowledged.
    pub fn read(bytes: &[u8]) -> Result<Self, JournalError> {
        let (records, damaged) = file::records(bytes).ok_or(JournalError::Unreadable)?;
        let mut recovered: Option<Self> = None;
        for payload in records {
            let record = Record::decode(payload).map_err(|_| JournalError::Unreadable)?;
            match (&mut recovered, &record.identity) {
                (None, Some(identity)) => {
                    let mut first = Self {
                        identity: identity.clone(),
                        last: Moment::default(),
                        state: StateMessage::default(),
                        setup_data: None,
                        merged: DeltaSum::default(),
                        told: Vec::new(),
                        progress: BTreeMap::new(),
                        notes: BTreeMap::new(),
                        damaged,
                    };
                    first.add(record)?;
                    recovered = Some(first);
                }
                (Some(recovered), None) => recovered.add(record)?,
                _ => return Err(JournalError::Unreadable),
            }
        }
        recovered.ok_or(JournalError::Unreadable)
    }

    fn add(&mut self, record: Record) -> Result<(), JournalError> {
        self.last = self.last.max(Moment::from_nanos(record.at));
        if let Some(state) = record.state {
            self.state = state;
        }
        if let Some(change) = record.change {
            change.apply(&mut self.state).ok_or(JournalError::Unreadable)?;
        }
        if let Some(data) = record.setup_data {
            self.setup_data = Some(data.into());
        }
        if let Some(batch) = record.batch {
            let member = self.state.members.get_mut(batch.worker as usize).ok_or(JournalError::Unreadable)?;
            member.taken = member.taken.max(batch.number);
        }
        if let Some(delta) = record.delta {
            self.merged.add(&Delta::decode(&delta).map_err(|_| JournalError::Unreadable)?);
        }
        self.told.extend(record.told);
        for part in record.progress {
            self.progress.extend(part.progress.map(|progress| (part.worker, progress)));
        }
        let mut notes = record.notes.into_iter();
        while let (Some(name), Some(value)) = (notes.next(), notes.next()) {
            self.notes.insert(name, value);
        }
        Ok(())
    }

    /// The host program's own notes.
    pub fn notes(&self) -> &BTreeMap<String, String> {
        &self.notes
    }

    /// When the last thing was written down, on the clock of the run.
    pub fn last(&self) -> Moment {
        self.last
    }

    /// What the wall clock showed at the origin of the clock of the run.
    pub fn unix_at_origin(&self) -> Duration {
        Duration::from_nanos(self.identity.unix_at_origin)
    }

    /// A machine that goes on with the run of this test at `now`, its journal, and what the host program has to know.
    pub fn resume(
        self,
        now: Moment,
        settings: Settings,
        test: &Bundle,
        actions: &mut Vec<Action>,
    ) -> Result<(Machine, Journal, Resumed), JournalError> {
        if self.identity.test != fingerprint(test) {
            return Err(JournalError::OtherTest);
        }
        if self.identity.expected != settings.expected {
            let (kept, asked) = (self.identity.expected, settings.expected);
            return Err(JournalError::OtherWorkers { kept, asked });
        }
        let grace = settings.grace.max(Duration::from_nanos(self.identity.grace));
        let mut identity = self.identity;
        let settings = Settings {
            run: RunId(identity.run),
            unix_at_origin: Duration::from_nanos(identity.unix_at_origin),
            ..settings
        };
        identity.grace = grace.as_nanos() as u64;
        let kept = Kept {
            state: self.state,
            setup_data: self.setup_data.clone(),
            bundle: BundleMessage::encoded(test),
            last: self.last,
            grace,
        };
        let machine = Machine::resume(now, settings, kept, actions);
        let progress = self.progress.iter().filter_map(|(worker, progress)| {
            Some(Happening::Progress { worker: WorkerId(*worker), progress: progress.read()? })
        });
        let mut told: Vec<Happening> = self.told.iter().filter_map(told::tell).chain(progress).collect();
        told.push(Happening::Delta {
            worker: WorkerId(0),
            delta: self.merged.delta().clone(),
            measured: None,
        });
        let resumed = Resumed {
            away: now.since(self.last),
            told,
            setup_data: self.setup_data,
            began: machine.began(),
            starting: machine.starting(),
            notes: self.notes.clone(),
            damaged: self.damaged,
        };
        let progress = self.progress.into_iter().map(|(worker, progress)| (worker, (now, progress)));
        let journal = Journal {
            identity,
            merged: self.merged,
            told: self.told,
            progress: progress.collect(),
            notes: self.notes,
            written: StateMessage::default(),
            has_setup_data: false,
            size: 0,
            began_with: 0,
        };
        Ok((machine, journal, resumed))
    }
}

/// What makes a test the same: its script, files and options, and what was given with the command line. Variables of the
/// environment may differ, as they do from process to process.
fn fingerprint(test: &Bundle) -> Vec<u8> {
    let mut hash = Sha256::new();
    let mut add = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    add(test.entry().as_bytes());
    add(test.options().as_bytes());
    for (name, value) in test.facts() {
        add(name.as_bytes());
        add(value.as_bytes());
    }
    let mut files: Vec<_> = test.files().iter().map(|file| (file.path(), file.sha256())).collect();
    files.sort_unstable();
    for (path, sha256) in files {
        add(path.as_bytes());
        add(sha256);
    }
    hash.finalize().to_vec()
}
