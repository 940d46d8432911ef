//! The loop: wait, note events, fire timers, poll tasks.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::READ_BUFFER_LEN;
use crate::handle::Handle;
use crate::remote::{Mailbox, Message};
use crate::slab::{Key, Slab};
use crate::source::Source;
use crate::sys::{Epoll, EventFd, TimerFd, Wait};
use crate::task::{self, LocalFuture, Next, ROOT_SLOT, Ready, TaskId, Tasks, WakeId};
use crate::timer::Timers;

/// Task polls between two looks at the kernel. Enough to spread the cost of `epoll_wait`, few enough that
/// a crowd of tasks waking each other cannot starve the sockets.
const POLLS_PER_WAIT: usize = 256;

/// And not much longer than this without such a look: a task that computes in slices of a millisecond (a script in a
/// loop) would otherwise hold timers back for hundreds of them.
const TIME_PER_WAIT: Duration = Duration::from_millis(2);

/// Events taken from the kernel at once.
const EVENTS_PER_WAIT: usize = 256;

/// epoll's data for our own descriptors; keys cannot reach these values as slots stay below 2^32 - 2.
const MAILBOX: u64 = u64::MAX;
const BELL: u64 = u64::MAX - 1;
const TIMER: u64 = u64::MAX - 2;

/// How a reactor behaves.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The descriptor is watched by another loop, which calls [`Reactor::turn`] when it is readable. It
    /// then also becomes readable for timers and for tasks woken between turns.
    pub nested: bool,
    /// How long one call of [`Reactor::turn`] may go on while there is work; unlimited if `None`.
    pub turn_budget: Option<Duration>,
}

/// What a turn did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Turn {
    /// Events taken from the kernel.
    pub events: usize,
    /// Tasks polled.
    pub polls: usize,
    /// Tasks are still ready: the budget ended the turn.
    pub unfinished: bool,
}

pub(crate) struct Inner {
    epoll: Epoll,
    pub(crate) mailbox: Arc<Mailbox>,
    pub(crate) tasks: Tasks,
    pub(crate) timers: RefCell<Timers>,
    sources: RefCell<Slab<Rc<Source>>>,
    pub(crate) read_buffer: RefCell<Box<[u8]>>,
    events: RefCell<Vec<libc::epoll_event>>,
    fired: RefCell<Vec<Waker>>,
    config: Config,
    bell: Option<Rc<EventFd>>,
    timer_fd: RefCell<Option<TimerFd>>,
    /// When the timer descriptor is armed to fire.
    armed: Cell<Option<Instant>>,
}

impl Inner {
    pub(crate) fn register(&self, fd: RawFd) -> io::Result<(Key, Rc<Source>)> {
        let source = Rc::new(Source::default());
        let key = self.sources.borrow_mut().insert(Rc::clone(&source));
        if let Err(error) = self.epoll.add(fd, Source::INTEREST, key.to_bits()) {
            self.sources.borrow_mut().remove(key);
            return Err(error);
        }
        Ok((key, source))
    }

    /// Forgets a source whose descriptor is about to be closed, which also takes it out of epoll.
    pub(crate) fn unregister(&self, key: Key) {
        self.sources.borrow_mut().remove(key);
    }

    fn arm(&self, at: Option<Instant>, now: Instant) -> io::Result<()> {
        if self.armed.get() == at {
            return Ok(());
        }
        let mut timer_fd = self.timer_fd.borrow_mut();
        if timer_fd.is_none() {
            let fd = TimerFd::new()?;
            self.epoll.add(fd.as_raw_fd(), libc::EPOLLIN as u32, TIMER)?;
            *timer_fd = Some(fd);
        }
        if let Some(fd) = &*timer_fd {
            fd.arm(at.map(|at| at.saturating_duration_since(now)))?;
        }
        self.armed.set(at);
        Ok(())
    }

    /// In a nested reactor, makes the descriptor readable when the next timer is due.
    pub(crate) fn arm_for_host(&self) {
        if !self.config.nested {
            return;
        }
        let now = Instant::now();
        let next = self.timers.borrow().next_in(now).map(|d| now + d);
        let earlier = match (next, self.armed.get()) {
            (Some(next), Some(armed)) => next < armed,
            (Some(_), None) => true,
            (None, _) => false,
        };
        if earlier {
            // Without a timer descriptor the host still turns us on every other event.
            let _ = self.arm(next, now);
        }
    }

    /// Waits, wakes who the events are for, and says how many there were and whether there is mail.
    fn wait(&self, wait: Wait) -> io::Result<(usize, bool)> {
        if let Wait::For(d) = wait
            && !self.epoll.is_precise()
        {
            let now = Instant::now();
            self.arm(Some(now + d), now)?;
        }
        let mut events = self.events.borrow_mut();
        let n = self.epoll.wait(&mut events, wait)?;
        let mut mail = false;
        for event in &events[..n] {
            let (bits, data) = (event.events, event.u64);
            match data {
                MAILBOX => mail = true,
                BELL => {
                    if let Some(bell) = &self.bell {
                        bell.drain();
                    }
                }
                TIMER => {
                    self.armed.set(None);
                    if let Some(fd) = &*self.timer_fd.borrow() {
                        fd.drain();
                    }
                }
                data => {
                    let source = self.sources.borrow().get(Key::from_bits(data)).cloned();
                    if let Some(source) = source {
                        source.on_event(bits);
                    }
                }
            }
        }
        Ok((n, mail))
    }

    /// Polls a task that was taken out of its slot.
    fn poll(&self, id: TaskId, mut future: LocalFuture) {
        let waker = task::waker(WakeId { reactor: self.mailbox.number, task: id });
        let guard = FinishOnDrop { tasks: &self.tasks, id };
        let poll = future.as_mut().poll(&mut Context::from_waker(&waker));
        if poll.is_pending() {
            std::mem::forget(guard);
            self.tasks.put_back(id, future);
        } else {
            drop(future);
            drop(guard);
        }
    }

    pub(crate) fn spawn_now(&self, future: LocalFuture) -> TaskId {
        task::enter(&self.tasks.ready);
        let id = self.tasks.reserve();
        self.poll(id, future);
        id
    }

    pub(crate) fn ring(&self) {
        if let Some(bell) = &self.bell {
            bell.signal();
        }
    }

    fn fire_timers(&self, now: Instant) {
        let mut wakers = self.fired.take();
        self.timers.borrow_mut().fire(now, &mut wakers);
        for waker in wakers.drain(..) {
            waker.wake();
        }
        *self.fired.borrow_mut() = wakers;
    }
}

/// One thread's event loop.
///
/// Dropping it drops its tasks.
pub struct Reactor {
    inner: Rc<Inner>,
}

impl Reactor {
    /// A reactor that owns its thread.
    pub fn new() -> io::Result<Self> {
        Self::with_config(Config::default())
    }

    /// A reactor with its own settings.
    pub fn with_config(config: Config) -> io::Result<Self> {
        let epoll = Epoll::new()?;
        let mailbox = Mailbox::register()?;
        epoll.add(mailbox.bell().as_raw_fd(), libc::EPOLLIN as u32, MAILBOX)?;
        let bell = if config.nested {
            let bell = Rc::new(EventFd::new()?);
            epoll.add(bell.as_raw_fd(), libc::EPOLLIN as u32, BELL)?;
            Some(bell)
        } else {
            None
        };
        let ready = Rc::new(Ready::new(mailbox.number, bell.clone()));
        task::enter(&ready);
        let inner = Inner {
            epoll,
            mailbox,
            tasks: Tasks::new(ready),
            timers: RefCell::new(Timers::new(Instant::now())),
            sources: RefCell::new(Slab::new()),
            read_buffer: RefCell::new(vec![0; READ_BUFFER_LEN].into_boxed_slice()),
            events: RefCell::new(vec![libc::epoll_event { events: 0, u64: 0 }; EVENTS_PER_WAIT]),
            fired: RefCell::default(),
            config,
            bell,
            timer_fd: RefCell::new(None),
            armed: Cell::new(None),
        };
        Ok(Self { inner: Rc::new(inner) })
    }

    /// A reference for tasks.
    pub fn handle(&self) -> Handle {
        Handle { inner: Rc::clone(&self.inner) }
    }

    /// Drives `future` and every task until `future` is done.
    pub fn run_until<F: Future>(&mut self, future: F) -> io::Result<F::Output> {
        let mut future = pin!(future);
        let root = TaskId { slot: ROOT_SLOT, generation: 0 };
        let waker = task::waker(WakeId { reactor: self.inner.mailbox.number, task: root });
        let cx = &mut Context::from_waker(&waker);
        self.inner.tasks.ready.wake(root);
        let mut output = None;
        loop {
            self.step(Wait::Forever, &mut || {
                if output.is_none()
                    && let Poll::Ready(value) = future.as_mut().poll(cx)
                {
                    output = Some(value);
                }
                output.is_some()
            })?;
            if let Some(output) = output.take() {
                return Ok(output);
            }
        }
    }

    /// Handles what is ready, after waiting at most `timeout` for something to be (`None`: as long as it
    /// takes), and returns when nothing is ready any more or the budget is used up.
    pub fn turn(&mut self, timeout: Option<Duration>) -> io::Result<Turn> {
        let start = Instant::now();
        let mut total = Turn::default();
        let mut wait = match timeout {
            None => Wait::Forever,
            Some(Duration::ZERO) => Wait::Not,
            Some(d) => Wait::For(d),
        };
        loop {
            let step = self.step(wait, &mut || false)?;
            total.events += step.events;
            total.polls += step.polls;
            total.unfinished = step.unfinished;
            let spent = self.inner.config.turn_budget.is_some_and(|budget| start.elapsed() >= budget);
            if !step.unfinished || spent {
                break;
            }
            wait = Wait::Not;
        }
        if self.inner.config.nested {
            if total.unfinished
                && let Some(bell) = &self.inner.bell
            {
                bell.signal();
            }
            self.inner.arm_for_host();
        }
        Ok(total)
    }

    /// The time until the next timer may fire.
    pub fn next_timer(&self) -> Option<Duration> {
        self.inner.timers.borrow().next_in(Instant::now())
    }

    /// One wait and one bounded round of polls. `root` polls the root future and says whether to stop.
    fn step(&mut self, wait: Wait, root: &mut dyn FnMut() -> bool) -> io::Result<Turn> {
        let inner = &*self.inner;
        task::enter(&inner.tasks.ready);
        let in_turn = InTurn::begin(&inner.tasks.ready);
        let wait = if inner.tasks.ready.is_empty() { self.bounded(wait) } else { Wait::Not };
        let (events, mail) = inner.wait(wait)?;
        if mail {
            self.open_mail();
        }
        if !inner.timers.borrow().is_idle() {
            inner.fire_timers(Instant::now());
        }
        let mut polls = 0;
        let begun = Instant::now();
        while polls < POLLS_PER_WAIT
            && (polls == 0 || begun.elapsed() < TIME_PER_WAIT)
            && let Some(next) = inner.tasks.next()
        {
            polls += 1;
            match next {
                Next::Root => {
                    if root() {
                        break;
                    }
                }
                Next::Task(id, future) => inner.poll(id, future),
            }
        }
        drop(in_turn);
        Ok(Turn { events, polls, unfinished: !inner.tasks.ready.is_empty() })
    }

    /// No wait goes past the next timer.
    fn bounded(&self, wait: Wait) -> Wait {
        let timers = self.inner.timers.borrow();
        if wait == Wait::Not || timers.is_idle() {
            return wait;
        }
        match (timers.next_in(Instant::now()), wait) {
            (Some(Duration::ZERO), _) => Wait::Not,
            (Some(next), Wait::For(d)) => Wait::For(next.min(d)),
            (Some(next), _) => Wait::For(next),
            (None, wait) => wait,
        }
    }

    fn open_mail(&self) {
        let handle = self.handle();
        for message in self.inner.mailbox.take() {
            match message {
                Message::Wake(task) => self.inner.tasks.ready.wake(task),
                Message::Run(job) => job(&handle),
            }
        }
    }
}

/// Frees the slot of a task that ended, also when its poll panicked.
struct FinishOnDrop<'a> {
    tasks: &'a Tasks,
    id: TaskId,
}

impl Drop for FinishOnDrop<'_> {
    fn drop(&mut self) {
        self.tasks.finish(self.id);
    }
}

struct InTurn<'a>(&'a Ready);

impl<'a> InTurn<'a> {
    fn begin(ready: &'a Ready) -> Self {
        ready.set_in_turn(true);
        Self(ready)
    }
}

impl Drop for InTurn<'_> {
    fn drop(&mut self) {
        self.0.set_in_turn(false);
    }
}

impl Drop for Reactor {
    fn drop(&mut self) {
        self.inner.mailbox.unregister();
        // Tasks hold handles, and so the reactor: they go first, or nothing ever would.
        drop(self.inner.tasks.take_all());
        task::leave(&self.inner.tasks.ready);
    }
}

impl AsRawFd for Reactor {
    fn as_raw_fd(&self) -> RawFd {
        self.inner.epoll.as_raw_fd()
    }
}

impl fmt::Debug for Reactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reactor").field("number", &self.inner.mailbox.number).finish_non_exhaustive()
    }
}
