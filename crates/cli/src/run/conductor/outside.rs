//! What a run is asked and told from outside: from its page, and through k6's REST API.
//!
//! Pausing and scaling are k6's: a run waits before `setup` if it was started paused; later only externally controlled
//! scenarios can be paused, and only if there are no others, and the first of them can be scaled.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use throng_engine::Detail;
use throng_js::lifecycle::LifecycleError;
use throng_metrics::threshold::Phase as Judge;
use throng_metrics::{Summary, SummaryInput};
use throng_plan::Executor;
use throng_server::{Ask, Can, Command, MarkKind, Refusal, RunState};

use super::job::Job;
use super::{BY_PAGE, BY_REST, Outside, Run};
use crate::run::finish;
use crate::run::page::{Board, View};
use crate::run::rest::{Answer, Asked, Change, Facts, Question, Rest, Status, Step};
use crate::run::watching;
use crate::spec::{Face, Workforce};

/// A lifecycle function that was asked for, and whoever waits for its end.
pub(super) enum Errand {
    Setup(Job<Option<String>>, Asked),
    Teardown(Job<()>, Asked),
    /// A change that takes a moment; it is answered when it has come about, or after this time.
    Change(Asked, Instant),
}

impl Errand {
    /// Whether the run's setup data may come of it.
    pub(super) fn is_setup(&self) -> bool {
        matches!(self, Self::Setup(..))
    }
}

/// How long the answer to a change waits for it.
const SETTLING: Duration = Duration::from_secs(1);

impl Run<'_> {
    /// Tells the page how things stand, if it is time to, and does what is asked for.
    pub(super) fn look_outside(&mut self) {
        for ask in self.board.as_ref().map(Board::asks).unwrap_or_default() {
            match ask {
                Ask::Command(command, reply) => reply.give(self.command(command)),
                Ask::Summary(reply) => reply.give(Ok(self.summary_so_far())),
                // This host has no routes and no login of its own.
                Ask::Foreign(..) | Ask::Admit(..) => {}
            }
        }
        self.look_at_rest();
        if self.board.as_ref().is_some_and(|board| board.is_due(Instant::now())) {
            self.show_page();
        }
    }

    /// Stages and scenarios that begin or end, for the charts.
    pub(super) fn mark_turns(&mut self, now: Instant) {
        let (Some(board), Some(start)) = (&mut self.board, self.phase_start) else { return };
        while let Some(turn) = self.turns.pop_front_if(|turn| start + turn.at <= now) {
            board.mark_at(start + turn.at, MarkKind::Stage, &turn.text);
        }
    }

    /// Tells the page how things stand.
    pub(super) fn show_page(&mut self) {
        if self.board.is_none() {
            return;
        }
        let now = Instant::now();
        let (state, can) = (self.state(), self.can());
        let judge = if state == RunState::Stopped { Judge::Final } else { Judge::Running };
        let elapsed = self.elapsed();
        let verdicts = self.prepared.thresholds.evaluate(&self.aggregate, elapsed, judge);
        let progress = self.progress(now);
        let workers = self.crew.workers();
        let share = self.crew.processor_share();
        let scaling = match (&self.watching, &self.board) {
            (Some(watching), Some(board)) => watching::for_page(watching.tracker(), board.started_at()),
            _ => Vec::new(),
        };
        let Some(board) = &mut self.board else { return };
        let late = board.lag_so_far().map(|lag| lag.p99);
        let view = View {
            prepared: self.prepared,
            aggregate: &self.aggregate,
            elapsed,
            verdicts: &verdicts,
            progress: &progress,
            workers,
            state,
            can,
            saturated: self.generator.warning(share, late),
            scaling,
        };
        board.show(now, view);
    }

    fn state(&self) -> RunState {
        match self.step {
            Step::Ended | Step::Interrupted => RunState::Stopped,
            _ if self.aborting => RunState::Stopping,
            Step::PausedBeforeRun => RunState::Paused,
            Step::InitVus => RunState::Ready,
            _ if self.steering.paused => RunState::Paused,
            _ => RunState::Running,
        }
    }

    fn can(&self) -> Vec<Can> {
        if self.aborting || matches!(self.step, Step::Ended | Step::Interrupted) {
            return Vec::new();
        }
        let mut can = vec![Can::Stop];
        if self.can_pause().is_ok() {
            can.push(Can::Pause);
        }
        if self.controlled().is_some() && self.has_begun() {
            can.push(Can::Scale);
        }
        can
    }

    fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// What the page asks for.
    fn command(&mut self, command: Command) -> Result<(), Refusal> {
        let over = matches!(self.step, Step::Ended | Step::Interrupted);
        match command {
            _ if over => Err(Refusal::NotNow("the run is over".to_owned())),
            Command::Stop => {
                self.stop_as(BY_PAGE);
                Ok(())
            }
            Command::Pause => self.set_paused(true),
            Command::Resume => self.set_paused(false),
            Command::Users { spawn_rate: Some(_), .. } => {
                Err(Refusal::Invalid("a k6 script has no spawn rate".to_owned()))
            }
            Command::Users { users, spawn_rate: None } => self.scale(Some(users), None),
            Command::Scale { vus, max_vus } => self.scale(vus, max_vus),
            Command::Start(_) => Err(Refusal::NotNow("a k6 script runs once: start throng again".to_owned())),
            Command::Reset => {
                Err(Refusal::NotSupported("the statistics of a k6 script cannot be reset".to_owned()))
            }
        }
    }

    /// Ends the run; a signal that came first is the reason.
    fn stop_as(&self, reason: u8) {
        let _ = self.stop.0.compare_exchange(0, reason, Ordering::AcqRel, Ordering::Acquire);
        (self.stopper)();
    }

    // --- pausing and scaling ---------------------------------------------------------------------

    fn can_pause(&self) -> Result<(), Refusal> {
        if !self.has_begun() {
            return Ok(());
        }
        let is_controlled = |executor: &Executor| matches!(executor, Executor::ExternallyControlled { .. });
        match self.prepared.plan.scenarios.iter().find(|scenario| !is_controlled(&scenario.executor)) {
            None => Ok(()),
            Some(scenario) => Err(Refusal::NotSupported(format!(
                "{} executor '{}' doesn't support pause and resume operations after its start",
                scenario.executor.name(),
                scenario.name
            ))),
        }
    }

    fn set_paused(&mut self, paused: bool) -> Result<(), Refusal> {
        self.can_pause()?;
        if std::mem::replace(&mut self.steering.paused, paused) == paused {
            let text = match paused {
                true if self.has_begun() => "test execution was already paused",
                true => "execution is already paused",
                false => "test execution wasn't paused",
            };
            return Err(Refusal::NotNow(text.to_owned()));
        }
        self.note_steering();
        if self.phase_start.is_some() {
            self.crew.steer(self.steering);
        }
        let has_begun = self.has_begun();
        if let Some(board) = self.board.as_mut().filter(|_| has_begun) {
            board.mark(MarkKind::Scale, if paused { "paused" } else { "resumed" });
        }
        self.show_page();
        Ok(())
    }

    /// The numbers of the first externally controlled scenario: looping, at most, and the script's own maximum.
    fn controlled(&self) -> Option<(u64, u64, u64)> {
        self.prepared.plan.scenarios.iter().find_map(|scenario| match scenario.executor {
            Executor::ExternallyControlled { vus, max_vus, .. } => {
                let (now, max) = self.steering.vus.unwrap_or((vus, max_vus));
                Some((now, max, max_vus))
            }
            _ => None,
        })
    }

    fn scale(&mut self, vus: Option<u64>, max_vus: Option<u64>) -> Result<(), Refusal> {
        let Some((now, max, own)) = self.controlled() else {
            return Err(Refusal::NotSupported(
                "an externally-controlled executor needs to be configured for live configuration updates"
                    .to_owned(),
            ));
        };
        let (vus, max_vus) = (vus.unwrap_or(now), max_vus.unwrap_or(max));
        if vus > max_vus {
            return Err(Refusal::Invalid(format!(
                "invalid configuration supplied: the number of active VUs ({vus}) must be less than or equal to the number \
                 of maxVUs ({max_vus})"
            )));
        }
        if max_vus < own {
            return Err(Refusal::Invalid(format!(
                "the new number of max VUs cannot be lower than the starting number of max VUs ({own})"
            )));
        }
        if max_vus > own && !matches!(self.spec.workforce, Workforce::Threads) {
            return Err(Refusal::NotSupported(format!(
                "with workers the maximum stays at the script's maxVUs ({own}): raise it there"
            )));
        }
        self.steering.vus = Some((vus, max_vus));
        self.note_steering();
        if self.phase_start.is_some() {
            self.crew.steer(self.steering);
        }
        if let Some(board) = &mut self.board {
            board.mark(MarkKind::Scale, &format!("{vus} of {max_vus} virtual users"));
        }
        self.show_page();
        Ok(())
    }

    // --- k6's REST API ---------------------------------------------------------------------------

    fn look_at_rest(&mut self) {
        let asked = self.rest.as_ref().map(Rest::asked).unwrap_or_default();
        for asked in asked {
            self.answer(asked);
        }
        for errand in std::mem::take(&mut self.errands) {
            self.attend_to(errand);
        }
    }

    fn answer(&mut self, asked: Asked) {
        match &asked.question {
            Question::Change(change) => match self.change(change) {
                Ok(()) => self.errands.push(Errand::Change(asked, Instant::now() + SETTLING)),
                Err(answer) => asked.answer(answer),
            },
            Question::RunSetup | Question::SetSetupData(_) if self.has_begun() => {
                asked.answer(Answer::error(
                    409,
                    "Too late",
                    "virtual users have their setup data from the start on: start paused to set it before",
                ));
            }
            Question::RunSetup if self.prepared.has("setup") => {
                let timeout = self.prepared.plan.options.setup_timeout;
                let job = self.lifecycle(move |lifecycle| lifecycle.setup(timeout));
                self.errands.push(Errand::Setup(job, asked));
            }
            Question::SetSetupData(data) => {
                self.setup_data = Some(Arc::from(data.as_str()));
                self.note_setup_data();
                let answer = self.facts().answer(&asked.question);
                asked.answer(answer);
            }
            Question::RunTeardown if self.prepared.has("teardown") => {
                let (timeout, data) = (self.prepared.plan.options.teardown_timeout, self.setup_data.clone());
                let job = self.lifecycle(move |lifecycle| lifecycle.teardown(timeout, data));
                self.errands.push(Errand::Teardown(job, asked));
            }
            question => {
                let answer = self.facts().answer(question);
                asked.answer(answer);
            }
        }
    }

    /// Looks whether a function that was asked for has ended.
    fn attend_to(&mut self, errand: Errand) {
        match errand {
            Errand::Setup(job, asked) if job.is_finished() => {
                let answer = match self.collect(job) {
                    Some(Ok(data)) => {
                        self.setup_data = data.map(Arc::from);
                        self.note_setup_data();
                        self.facts().answer(&asked.question)
                    }
                    failed => failed_call("setup", failed.and_then(Result::err).as_ref()),
                };
                asked.answer(answer);
            }
            Errand::Teardown(job, asked) if job.is_finished() => {
                let answer = match self.collect(job) {
                    Some(Ok(())) => self.facts().answer(&asked.question),
                    failed => failed_call("teardown", failed.and_then(Result::err).as_ref()),
                };
                asked.answer(answer);
            }
            Errand::Change(asked, until) if self.has_settled() || Instant::now() >= until => {
                let answer = self.facts().answer(&asked.question);
                asked.answer(answer);
            }
            errand => self.errands.push(errand),
        }
    }

    /// The run is over: who still waits for something hears so.
    pub(super) fn end_errands(&mut self) {
        for errand in std::mem::take(&mut self.errands) {
            let (Errand::Setup(_, asked) | Errand::Teardown(_, asked) | Errand::Change(asked, _)) = errand;
            let answer = match &asked.question {
                question @ Question::Change(_) => self.facts().answer(question),
                _ => too_late(),
            };
            asked.answer(answer);
        }
    }

    /// Whether as many virtual users loop, and there are as many, as was asked for.
    fn has_settled(&self) -> bool {
        if self.phase_start.is_none() || self.is_stopping() {
            return true;
        }
        let progress = self.progress(Instant::now());
        let mut controlled = progress.scenarios.iter().filter_map(|scenario| match scenario.detail {
            Detail::Controlled { vus, .. } => Some((scenario.active_vus, vus)),
            _ => None,
        });
        // What is wished counts, as threads hear of it a moment later.
        let (wished, max_vus) = self.steering.vus.map_or((None, 0), |(vus, max_vus)| (Some(vus), max_vus));
        let is_settled = |(active, vus): (u64, u64)| active == if self.steering.paused { 0 } else { vus };
        let first = controlled.next().is_none_or(|(active, vus)| is_settled((active, wished.unwrap_or(vus))));
        first && controlled.all(is_settled) && progress.initialised_vus >= max_vus
    }

    fn change(&mut self, change: &Change) -> Result<(), Answer> {
        if change.stopped == Some(true) {
            self.stop_as(BY_REST);
            return Ok(());
        }
        if let Some(paused) = change.paused {
            self.set_paused(paused).map_err(|refusal| {
                let (Refusal::Invalid(text) | Refusal::NotNow(text) | Refusal::NotSupported(text)) = refusal;
                Answer::error(500, "Pause error", &text)
            })?;
        }
        if change.vus.is_none() && change.max_vus.is_none() {
            return Ok(());
        }
        let number = |number: Option<i64>| number.map(u64::try_from).transpose();
        let scaled = match (number(change.vus), number(change.max_vus)) {
            (Ok(vus), Ok(max_vus)) => self.scale(vus, max_vus),
            _ => Err(Refusal::Invalid(
                "invalid configuration supplied: the number of VUs can't be negative".to_owned(),
            )),
        };
        scaled.map_err(|refusal| match refusal {
            Refusal::NotSupported(text) => Answer::error(500, "Execution config error", &text),
            Refusal::Invalid(text) | Refusal::NotNow(text) => {
                Answer::error(400, "Config update error", &text)
            }
        })
    }

    /// How long the test took so far, which rates are over: not what is watched after it.
    fn elapsed(&self) -> Duration {
        match self.duration {
            Duration::ZERO if self.has_begun() => self.begun.elapsed(),
            duration => duration,
        }
    }

    fn summary(&self) -> Summary {
        let setup_data = self.setup_data.as_deref().map(str::to_owned);
        let input = SummaryInput { duration: self.elapsed(), setup_data };
        let mut summary = Summary::new(&self.aggregate, &self.prepared.thresholds, input);
        if self.spec.face == Face::K6 {
            summary.metrics.retain(|metric| !finish::is_hidden(metric));
        }
        summary
    }

    /// What `handleSummary` would be given now.
    pub(super) fn summary_so_far(&self) -> String {
        finish::summary_so_far(self.spec, self.prepared, &self.summary())
    }

    /// The run as it stands, for the REST API.
    pub(super) fn facts(&self) -> Facts {
        let progress = self.progress(Instant::now());
        let verdicts = self.prepared.thresholds.evaluate(&self.aggregate, self.elapsed(), Judge::Running);
        let summary = self.summary();
        let over = matches!(self.step, Step::Ended | Step::Interrupted);
        let status = Status {
            step: self.step,
            paused: self.steering.paused,
            vus: progress.active_vus,
            max_vus: progress.initialised_vus,
            stopped: self.is_stopping(),
            running: self.has_begun() && !over,
            tainted: !verdicts.crossed.is_empty(),
        };
        Facts { status, summary }
    }
}

fn failed_call(function: &str, error: Option<&LifecycleError>) -> Answer {
    let detail = error.map_or_else(|| format!("{function}() ended unexpectedly"), ToString::to_string);
    Answer::error(500, &format!("Error executing {function}"), &detail)
}

fn too_late() -> Answer {
    Answer::error(409, "Too late", "the run is over")
}

/// What is asked of a run that is over, while its process lingers.
pub(in crate::run) fn answer_after_the_end(outside: &mut Outside) {
    let over = || Refusal::NotNow("the run is over".to_owned());
    for ask in outside.board.as_ref().map(Board::asks).unwrap_or_default() {
        match ask {
            Ask::Command(_, reply) => reply.give(Err(over())),
            Ask::Summary(reply) => reply.give(outside.summary.clone().ok_or_else(over)),
            Ask::Foreign(..) | Ask::Admit(..) => {}
        }
    }
    for asked in outside.rest.as_ref().map(Rest::asked).unwrap_or_default() {
        let answer = match (&asked.question, &mut outside.facts) {
            // Ending what has ended is no error: observed on k6 1.1, which never answers the other changes then.
            (Question::Change(change), Some(facts)) if change.only_ends() => {
                facts.status.stopped |= change.stopped == Some(true);
                facts.answer(&asked.question)
            }
            (
                Question::Change(_) | Question::RunSetup | Question::SetSetupData(_) | Question::RunTeardown,
                _,
            )
            | (_, None) => too_late(),
            (question, Some(facts)) => facts.answer(question),
        };
        asked.answer(answer);
    }
}
