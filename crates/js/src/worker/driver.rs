//! Between the engine's shard and the virtual users of its thread.
//!
//! The shard decides; the driver keeps its clock, wakes it when it asks to, and carries out its actions. Everything
//! happens on one thread, so the hot path (an iteration ends, the next one starts) is a function call.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use throng_engine::{Action, Actions, Engine, Event, Outcome, Shard, ShardIndex, Time, VuId, Warning};
use throng_metrics::builtin;
use throng_quickjs::fiber::{AbortHandle, Fiber};
use throng_reactor::Remote;

use super::mailbox::Mailbox;
use super::scenario::ThreadScenario;
use super::thread::ThreadEvent;
use super::user;
use crate::host::{ThreadContext, now};
use crate::log::Level;
use crate::program::Program;

struct User {
    mailbox: Rc<Mailbox>,
    abort: AbortHandle,
}

/// One thread's driver.
pub(super) struct Driver {
    pub(super) thread: Rc<ThreadContext>,
    pub(super) program: Arc<Program>,
    pub(super) scenarios: Vec<ThreadScenario>,
    pub(super) engine: Arc<Engine>,
    pub(super) setup_data: RefCell<Option<Arc<str>>>,
    shard: RefCell<Shard>,
    actions: RefCell<Actions>,
    users: RefCell<BTreeMap<VuId, User>>,
    started: Cell<Option<Instant>>,
    peers: RefCell<Vec<Remote>>,
    events: Sender<ThreadEvent>,
    initialising: Cell<usize>,
    /// Virtual users to be initialised. One at a time: what loading a large library needs only meanwhile (lodash: 35 KB) is
    /// there for the next one, and while the test runs others have their turn in between.
    to_come: RefCell<VecDeque<VuId>>,
    is_one_coming: Cell<bool>,
    wake_changed: RefCell<Option<Waker>>,
    finished: RefCell<Option<Waker>>,
}

thread_local! {
    static CURRENT: RefCell<Option<Rc<Driver>>> = const { RefCell::new(None) };
}

/// The driver of this thread, for messages from other threads.
pub(super) fn current() -> Option<Rc<Driver>> {
    CURRENT.with(|current| current.borrow().clone())
}

impl Driver {
    pub(super) fn new(
        thread: Rc<ThreadContext>,
        program: Arc<Program>,
        scenarios: Vec<ThreadScenario>,
        engine: Arc<Engine>,
        index: ShardIndex,
        events: Sender<ThreadEvent>,
    ) -> Rc<Self> {
        let shard = engine.shard(index);
        let driver = Rc::new(Self {
            thread,
            program,
            scenarios,
            engine,
            setup_data: RefCell::default(),
            shard: RefCell::new(shard),
            actions: RefCell::default(),
            users: RefCell::default(),
            started: Cell::new(None),
            peers: RefCell::default(),
            events,
            initialising: Cell::new(0),
            to_come: RefCell::default(),
            is_one_coming: Cell::new(false),
            wake_changed: RefCell::default(),
            finished: RefCell::default(),
        });
        CURRENT.with(|current| *current.borrow_mut() = Some(driver.clone()));
        driver
    }

    /// A moment as the engine counts it.
    pub(super) fn time(&self, at: Instant) -> Time {
        let started = self.started.get().unwrap_or(at);
        Time::from(at.saturating_duration_since(started))
    }

    // --- initialisation --------------------------------------------------------------------------

    /// Starts the planned virtual users' machines.
    pub(super) fn initialise(&self) {
        self.to_come.borrow_mut().extend(self.shard.borrow().planned_vus());
        self.initialising.set(self.to_come.borrow().len());
        if self.initialising.get() == 0 {
            let _ = self.events.send(ThreadEvent::Initialised);
        }
        self.initialise_next();
    }

    fn spawn(self: &Rc<Self>, vu: VuId) {
        let mailbox = Rc::new(Mailbox::default());
        let (driver, inside) = (self.clone(), mailbox.clone());
        let fiber =
            Fiber::new(&self.thread.stacks, move |suspender| user::live(&driver, vu, &inside, suspender));
        match fiber {
            Ok(fiber) => {
                self.users.borrow_mut().insert(vu, User { mailbox, abort: fiber.abort_handle() });
                self.thread.reactor.spawn(fiber);
            }
            Err(error) => self.failed(vu, &format!("cannot reserve a stack for a virtual user: {error}")),
        }
    }

    /// A virtual user's machine is up.
    pub(super) fn ready(&self, vu: VuId) {
        if self.started.get().is_some() {
            self.tell(Event::VuReady { vu });
        } else {
            self.initialising.set(self.initialising.get().saturating_sub(1));
            let _ = self.events.send(ThreadEvent::VuReady);
            if self.initialising.get() == 0 {
                let _ = self.events.send(ThreadEvent::Initialised);
            }
        }
        self.initialise_next();
    }

    /// A virtual user's machine could not be made.
    pub(super) fn failed(&self, vu: VuId, reason: &str) {
        if self.started.get().is_some() {
            self.thread.log.log(Level::Error, reason, &[]);
            self.tell(Event::VuFailed { vu });
            self.initialise_next();
        } else {
            let _ = self.events.send(ThreadEvent::InitFailed(reason.to_owned()));
        }
    }

    /// Begins with the next of those that are to come. In a task of its own, so that answers and timers have their turn in
    /// between.
    fn initialise_next(&self) {
        let next = self.to_come.borrow_mut().pop_front();
        self.is_one_coming.set(next.is_some());
        let Some(vu) = next else { return };
        let reactor = self.thread.reactor.clone();
        self.thread.reactor.spawn(async move {
            reactor.sleep_until(Instant::now()).await;
            if let Some(driver) = current() {
                driver.spawn(vu);
            }
        });
    }

    // --- the run ---------------------------------------------------------------------------------

    /// The run phase begins.
    pub(super) fn start(self: &Rc<Self>, at: Instant, peers: Vec<Remote>, setup_data: Option<Arc<str>>) {
        *self.peers.borrow_mut() = peers;
        *self.setup_data.borrow_mut() = setup_data;
        self.started.set(Some(at));
        self.thread.settings.control.start_scenarios(at);
        self.with_shard(Shard::start);
        let driver = self.clone();
        self.thread.reactor.spawn(async move { driver.keep_time().await });
    }

    /// Tells the shard what happened and carries out what it asks for.
    pub(super) fn tell(&self, event: Event) {
        self.with_shard(|shard, now, actions| shard.on_event(now, event, actions));
    }

    /// Looks whether this worker's part of the test has changed.
    pub(super) fn look_up(&self) {
        self.on_time();
    }

    /// Sends what was recorded, with what became of the iterations that it measured.
    pub(super) fn flush(&self) -> bool {
        let delta = self.thread.recorder.borrow_mut().take_delta();
        let counts = self.shard.borrow_mut().take_counts();
        self.events.send(ThreadEvent::Delta(delta, counts)).is_ok()
    }

    /// This worker was given up: what it was dealt is others'. What was measured of it so far is told before it is forgotten.
    pub(super) fn void(&self) {
        if self.shard.borrow().is_outdated() {
            self.flush();
            let mut actions = Actions::new();
            let now = self.time(Instant::now());
            self.shard.borrow_mut().void(now, &mut actions);
            actions.drain(..).for_each(|action| self.carry_out(action));
        }
        let _ = self.events.send(ThreadEvent::Voided);
    }

    fn on_time(&self) {
        if let Some(member) = &self.thread.settings.member {
            let has_leave = (member.may_start)();
            self.shard.borrow_mut().set_leave(has_leave);
        }
        self.with_shard(Shard::on_time);
    }

    /// Ends the run as at the end of its time: no new iterations, running ones may finish.
    pub(super) fn stop(&self) {
        self.with_shard(Shard::stop);
    }

    /// Ends the run at once.
    pub(super) fn abort(&self) {
        self.with_shard(Shard::abort);
    }

    fn with_shard(&self, act: impl FnOnce(&mut Shard, Time, &mut Actions)) {
        if self.started.get().is_none() {
            return;
        }
        let mut actions = self.actions.take();
        let now = self.time(Instant::now());
        let before = self.shard.borrow().next_wake();
        act(&mut self.shard.borrow_mut(), now, &mut actions);
        for action in actions.drain(..) {
            self.carry_out(action);
        }
        // Carrying out starts nothing inside this call, so the list is ours alone until here.
        *self.actions.borrow_mut() = actions;
        if self.shard.borrow().should_tell() {
            self.flush();
        }
        let shard = self.shard.borrow();
        if shard.next_wake() != before
            && let Some(waker) = self.wake_changed.borrow().as_ref()
        {
            waker.wake_by_ref();
        }
        if shard.is_done()
            && self.started.get().is_some()
            && let Some(waker) = self.finished.borrow().as_ref()
        {
            waker.wake_by_ref();
        }
    }

    fn carry_out(&self, action: Action) {
        match action {
            Action::Start { vu, iteration } => {
                if let Some(user) = self.users.borrow().get(&vu) {
                    user.mailbox.put(iteration);
                }
            }
            Action::Interrupt { vu } => self.interrupt(vu, Outcome::Interrupted),
            Action::Withhold { vu } => {
                let has_begun = |user: &User| user.mailbox.is_running() && !user.mailbox.waits_for_leave();
                if !self.users.borrow().get(&vu).is_some_and(has_begun) {
                    self.interrupt(vu, Outcome::Withheld);
                }
            }
            Action::InitVu { vu } => {
                self.to_come.borrow_mut().push_back(vu);
                if !self.is_one_coming.get() {
                    self.initialise_next();
                }
            }
            Action::Forward { shard, start } => {
                if let Some(peer) = self.peers.borrow().get(shard.index()) {
                    peer.spawn(move |_| {
                        if let Some(driver) = current() {
                            driver.tell(Event::Forwarded(start));
                        }
                    });
                }
            }
            Action::Dropped { scenario, count, vu: _ } => {
                let tags = self.scenarios[scenario.index()].tags;
                let mut recorder = self.thread.recorder.borrow_mut();
                recorder.metadata(None);
                recorder.add(builtin::DROPPED_ITERATIONS, tags, count as f64, now());
            }
            Action::Warn(Warning::InsufficientVus { scenario, vus }) => {
                let name = &self.scenarios[scenario.index()];
                let text = format!("Insufficient VUs, reached {vus} active VUs and cannot initialize more");
                self.thread.log.log(
                    Level::Warn,
                    &text,
                    &[("executor", name.executor), ("scenario", &name.name)],
                );
            }
            Action::ScenarioEnded { .. } => {}
        }
    }

    fn interrupt(&self, vu: VuId, outcome: Outcome) {
        let (running, withdrawn, abort) = {
            let users = self.users.borrow();
            let Some(user) = users.get(&vu) else { return };
            (user.mailbox.is_running(), user.mailbox.withdraw().is_some(), user.abort.clone())
        };
        if running {
            abort.abort();
        } else if withdrawn {
            // It was handed over but had not begun: it ends here. Told in a task of its own, since the shard is
            // still acting.
            self.thread.reactor.spawn(async move {
                if let Some(driver) = current() {
                    driver.tell(Event::IterationEnded { vu, outcome });
                }
            });
        }
    }

    /// Wakes the shard when it asks to be woken.
    async fn keep_time(self: Rc<Self>) {
        loop {
            let Some(started) = self.started.get() else { return };
            let wake = self.shard.borrow().next_wake();
            let at = wake.map(|at| started + Duration::from_nanos(at.as_nanos()));
            let sleep = at.map(|at| self.thread.reactor.sleep_until(at));
            let mut sleep = pin!(sleep);
            poll_fn(|cx| {
                *self.wake_changed.borrow_mut() = Some(cx.waker().clone());
                if self.shard.borrow().next_wake() != wake {
                    return Poll::Ready(());
                }
                match sleep.as_mut().as_pin_mut() {
                    Some(sleep) => std::future::Future::poll(sleep, cx).map(|()| ()),
                    None => Poll::Pending,
                }
            })
            .await;
            self.on_time();
        }
    }

    /// Waits until the shard has nothing left to run.
    pub(super) async fn until_done(&self) {
        poll_fn(|cx| {
            if self.started.get().is_some() && self.shard.borrow().is_done() {
                return Poll::Ready(());
            }
            *self.finished.borrow_mut() = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}
