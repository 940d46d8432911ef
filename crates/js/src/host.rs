//! What the built-in modules find behind a virtual machine: their virtual user, its thread, its tags.
//!
//! Rules for modules, because a host function can suspend: never hold a borrow of the recorder (or of any cell here)
//! across a call into the script or across `wait`; take what is needed, let go, then call.

use std::any::{Any, TypeId};
use std::cell::{Cell, OnceCell, RefCell, RefMut};
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use throng_engine::Iteration;
use throng_metrics::{MetricId, Recorder, SystemTag, TagSet, TagSetId, UnixNanos};
use throng_quickjs::fiber::Suspender;
use throng_quickjs::{Ctx, JsResult, StackPool, Thrown, Value};
use throng_reactor::Handle;

use crate::event_loop::EventLoop;
use crate::log::{Level, Log};
use crate::network::{Network, NetworkError};
use crate::program::Program;
use crate::settings::Settings;

/// What all virtual machines of one thread share.
pub struct ThreadContext {
    /// The thread's event loop.
    pub reactor: Handle,
    /// Where samples go.
    pub recorder: RefCell<Recorder>,
    /// Stacks for the coroutines of virtual users.
    pub stacks: Rc<StackPool>,
    /// The run's settings.
    pub settings: Arc<Settings>,
    /// Where `console` goes.
    pub log: Arc<dyn Log>,
    /// The HTTP client's share of this thread, made on first use.
    http: OnceCell<Rc<throng_http::Shared>>,
    states: States,
}

impl ThreadContext {
    /// The context of a thread whose reactor is `reactor`.
    pub fn new(
        reactor: Handle,
        recorder: Recorder,
        stack_size: usize,
        settings: Arc<Settings>,
        log: Arc<dyn Log>,
    ) -> Self {
        Self {
            reactor,
            recorder: RefCell::new(recorder),
            stacks: StackPool::new(stack_size),
            settings,
            log,
            http: OnceCell::new(),
            states: States::default(),
        }
    }

    /// What the HTTP clients of this thread share.
    ///
    /// # Errors
    /// When an option cannot be honoured; [`crate::network::client_config`] finds that out before the run.
    pub fn http(&self) -> Result<Rc<throng_http::Shared>, NetworkError> {
        if let Some(shared) = self.http.get() {
            return Ok(shared.clone());
        }
        let config = self.settings.client_config()?;
        Ok(self.http.get_or_init(|| throng_http::Shared::new(self.reactor.clone(), config)).clone())
    }

    /// A module's own state on this thread, made on first use.
    pub fn state<T: Default + 'static>(&self) -> Rc<T> {
        self.states.get()
    }
}

/// Values of distinct types, each made on first use.
#[derive(Default)]
struct States(RefCell<Vec<(TypeId, Rc<dyn Any>)>>);

impl States {
    fn get<T: Default + 'static>(&self) -> Rc<T> {
        let id = TypeId::of::<T>();
        if let Some((_, state)) = self.0.borrow().iter().find(|(t, _)| *t == id)
            && let Ok(state) = state.clone().downcast::<T>()
        {
            return state;
        }
        let state = Rc::new(T::default());
        self.0.borrow_mut().push((id, state.clone()));
        state
    }
}

/// What part of the lifecycle a virtual machine is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The script's top level: no network, no samples.
    Init,
    /// `setup()`
    Setup,
    /// An iteration.
    Iteration,
    /// `teardown()`
    Teardown,
    /// `handleSummary()`
    Summary,
}

/// Which virtual user a machine is; all numbers are 0 where the lifecycle functions run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Identity {
    /// `exec.vu.idInInstance`: from 1, in this process.
    pub in_instance: u64,
    /// `exec.vu.idInTest`: from 1, in the whole test.
    pub in_test: u64,
    /// `__VU`, also in the metadata of samples. As in k6 the number in this process; but where a controller deals one
    /// test to several, the number in the test, as scripts choose their data by it and expect no other to have it.
    pub number: u64,
}

/// The tags that samples of this virtual user carry now.
#[derive(Debug, Clone)]
struct Tags {
    /// Run tags, the scenario's name and tags.
    base: TagSetId,
    /// `base` with the virtual user's own tags and the group.
    current: TagSetId,
    /// `::outer::inner`, empty at the root.
    group: Rc<str>,
    /// What the script changed in `exec.vu.metrics.tags` since the scenario began; `None` was deleted.
    own: Vec<(String, Option<String>)>,
}

/// The host state of one virtual machine; modules find it with [`host`].
pub struct Host {
    /// How to wait.
    pub suspender: Rc<Suspender>,
    /// The thread.
    pub thread: Rc<ThreadContext>,
    /// The test.
    pub program: Arc<Program>,
    /// Who this is.
    pub identity: Identity,
    /// Timers and asynchronous operations.
    pub events: Rc<EventLoop>,
    phase: Cell<Phase>,
    iteration: Cell<Option<Iteration>>,
    tags: RefCell<Tags>,
    /// `exec.vu.metrics.metadata` as set by the script, in the order it was set.
    metadata: RefCell<Vec<(String, String)>>,
    /// `metadata` with `vu` and `iter` as raw samples carry it; made when it is first wanted after a change.
    raw_metadata: RefCell<Option<Arc<TagSet>>>,
    pub(crate) network: Network,
    states: States,
    exports: RefCell<Vec<(String, Value)>>,
}

/// The host state behind a context.
pub(crate) fn host(ctx: &Ctx) -> &Host {
    ctx.host::<Host>()
}

impl Host {
    /// The state of a new virtual machine, in [`Phase::Init`].
    pub fn new(
        suspender: Rc<Suspender>,
        thread: Rc<ThreadContext>,
        program: Arc<Program>,
        identity: Identity,
    ) -> Self {
        let root = thread.recorder.borrow().root();
        let tags = Tags { base: root, current: root, group: "".into(), own: Vec::new() };
        Self {
            events: EventLoop::new(thread.reactor.clone()),
            suspender,
            thread,
            program,
            identity,
            phase: Cell::new(Phase::Init),
            iteration: Cell::new(None),
            tags: RefCell::new(tags),
            metadata: RefCell::default(),
            raw_metadata: RefCell::default(),
            network: Network::default(),
            states: States::default(),
            exports: RefCell::default(),
        }
    }

    /// Waits for `future` while other virtual users run; ends the script when this one is being stopped.
    pub fn wait<F: Future>(&self, future: F) -> JsResult<F::Output> {
        Ok(self.suspender.block_on(future)?)
    }

    // --- lifecycle -------------------------------------------------------------------------------

    /// Where in its life the machine is.
    pub fn phase(&self) -> Phase {
        self.phase.get()
    }
    /// Moves on in its life.
    pub fn set_phase(&self, phase: Phase) {
        self.phase.set(phase);
    }
    /// The running iteration, inside one.
    pub fn iteration(&self) -> Option<Iteration> {
        self.iteration.get()
    }
    /// Sets the running iteration.
    pub fn set_iteration(&self, iteration: Option<Iteration>) {
        self.iteration.set(iteration);
        self.raw_metadata.take();
    }
    /// An error for what may not be used at the script's top level.
    pub fn refuse_in_init(&self, what: &str) -> JsResult<()> {
        if self.phase() == Phase::Init {
            return Err(Thrown::error(format!(
                "{what} cannot be used in the init context (the top level of the script)"
            )));
        }
        Ok(())
    }
    /// An error for what may only be used at the script's top level.
    pub fn only_in_init(&self, what: &str) -> JsResult<()> {
        if self.phase() != Phase::Init {
            return Err(Thrown::error(format!(
                "{what} can only be used in the init context (the top level of the script)"
            )));
        }
        Ok(())
    }

    // --- tags ------------------------------------------------------------------------------------

    /// The tags of a sample taken now.
    pub fn tags(&self) -> TagSetId {
        self.tags.borrow().current
    }
    /// The tags of a sample taken now, with more of its own.
    pub fn tags_with(&self, pairs: &[(&str, &str)]) -> TagSetId {
        let current = self.tags();
        if pairs.is_empty() { current } else { self.thread.recorder.borrow_mut().with_tags(current, pairs) }
    }
    /// The group path, `::outer::inner`, empty at the root.
    pub fn group(&self) -> Rc<str> {
        self.tags.borrow().group.clone()
    }
    /// Enters a group, or returns to one; gives the path that was left.
    pub fn set_group(&self, path: Rc<str>) -> Rc<str> {
        let left = std::mem::replace(&mut self.tags.borrow_mut().group, path);
        self.rebuild_tags();
        left
    }
    /// Starts from these tags (run tags, scenario, scenario tags) and forgets what the script had changed: k6 does so
    /// where a virtual user goes from one scenario to another (observed on k6 1.1).
    pub fn set_base_tags(&self, base: TagSetId, group: Rc<str>) {
        {
            let mut tags = self.tags.borrow_mut();
            tags.base = base;
            tags.group = group;
            tags.own.clear();
        }
        self.metadata.borrow_mut().clear();
        self.raw_metadata.take();
        self.rebuild_tags();
    }
    /// `exec.vu.metrics.tags[name] = value`; `None` deletes. The group is a tag like any other, on which groups that are
    /// entered later build.
    pub fn set_own_tag(&self, name: &str, value: Option<String>) {
        let is_group =
            name == "group" && self.thread.recorder.borrow().system_tags().contains(SystemTag::Group);
        {
            let tags = &mut *self.tags.borrow_mut();
            tags.own.retain(|(n, _)| n != name);
            match value {
                Some(path) if is_group => tags.group = path.into(),
                value => tags.own.push((name.to_owned(), value)),
            }
        }
        self.rebuild_tags();
    }
    /// The tags of a sample taken now, sorted by name.
    pub fn current_tags(&self) -> Arc<TagSet> {
        self.thread.recorder.borrow().tags(self.tags()).clone()
    }
    /// A tag's value among the current ones.
    pub fn tag(&self, name: &str) -> Option<String> {
        let recorder = self.thread.recorder.borrow();
        recorder.tags(self.tags()).get(name).map(ToString::to_string)
    }
    /// As [`Host::tag`], but also in full where the tag is folded, as far as it is the script's own or the group.
    pub(crate) fn tag_in_full(&self, name: &str) -> Option<Rc<str>> {
        let tags = self.tags.borrow();
        let recorder = self.thread.recorder.borrow();
        if let Some((_, value)) = tags.own.iter().find(|(own, _)| own == name) {
            return value.as_deref().map(Rc::from);
        }
        if name == "group" && recorder.system_tags().contains(SystemTag::Group) {
            return Some(tags.group.clone());
        }
        recorder.tags(tags.base).get(name).map(Rc::from)
    }
    fn rebuild_tags(&self) {
        let mut tags = self.tags.borrow_mut();
        let mut recorder = self.thread.recorder.borrow_mut();
        let mut pairs: Vec<(&str, &str)> = Vec::with_capacity(tags.own.len() + 1);
        if recorder.system_tags().contains(SystemTag::Group) {
            pairs.push(("group", &tags.group));
        }
        pairs.extend(tags.own.iter().filter_map(|(n, v)| Some((n.as_str(), v.as_deref()?))));
        let mut current = recorder.with_tags(tags.base, &pairs);
        if tags.own.iter().any(|(_, value)| value.is_none()) {
            let deleted: Vec<&str> =
                tags.own.iter().filter(|(_, v)| v.is_none()).map(|(n, _)| n.as_str()).collect();
            current = recorder.without_tags(current, &deleted);
        }
        tags.current = current;
    }
    /// `exec.vu.metrics.metadata[name] = value`; `None` deletes.
    pub fn set_metadata(&self, name: &str, value: Option<String>) {
        let mut metadata = self.metadata.borrow_mut();
        match (metadata.iter_mut().find(|(n, _)| n == name), value) {
            (Some(entry), Some(value)) => entry.1 = value,
            (None, Some(value)) => metadata.push((name.to_owned(), value)),
            (_, None) => metadata.retain(|(n, _)| n != name),
        }
        self.raw_metadata.take();
    }
    /// The script's own metadata (`exec.vu.metrics.metadata`), in the order it was set.
    pub fn metadata(&self) -> Vec<(String, String)> {
        self.metadata.borrow().clone()
    }
    /// What raw samples of this virtual user carry beside their tags: its own metadata, `vu` and `iter` if wanted.
    fn raw_metadata(&self, recorder: &Recorder) -> Option<Arc<TagSet>> {
        let mut made = self.raw_metadata.borrow_mut();
        let set = made.get_or_insert_with(|| {
            let wanted = recorder.system_tags();
            let mut pairs: Vec<(String, String)> = Vec::new();
            if wanted.contains(SystemTag::Vu) {
                pairs.push(("vu".into(), self.identity.number.to_string()));
            }
            if wanted.contains(SystemTag::Iter)
                && let Some(iteration) = self.iteration()
            {
                pairs.push(("iter".into(), iteration.in_vu.to_string()));
            }
            pairs.extend(self.metadata.borrow().iter().cloned());
            Arc::new(TagSet::new(pairs))
        });
        (!set.is_empty()).then(|| set.clone())
    }

    // --- samples and logs ------------------------------------------------------------------------

    /// What raw samples taken now carry beside their tags, for operations that record later; `None` when nobody asks for
    /// raw samples.
    pub(crate) fn sample_metadata(&self) -> Option<Arc<TagSet>> {
        let recorder = self.thread.recorder.borrow();
        if recorder.wants_raw() { self.raw_metadata(&recorder) } else { None }
    }
    /// The recorder, for samples of this virtual user: all of them go through here, so that raw samples get its metadata.
    pub fn recorder(&self) -> RefMut<'_, Recorder> {
        let mut recorder = self.thread.recorder.borrow_mut();
        if recorder.wants_raw() {
            let metadata = self.raw_metadata(&recorder);
            recorder.metadata(metadata);
        }
        recorder
    }
    /// Records one sample with the current tags.
    pub fn record(&self, metric: MetricId, value: f64) {
        let tags = self.tags();
        self.recorder().add(metric, tags, value, now());
    }
    /// Logs something about the script.
    pub fn log(&self, level: Level, message: &str) {
        self.thread.log.log(level, message, &[]);
    }

    /// What happens at the end of every iteration, and of setup and teardown: operations that are still outstanding are
    /// dropped, then the bytes that went over the network are recorded.
    pub(crate) fn end_of_iteration(&self) {
        self.drop_timers();
        self.network.end_of_iteration(self);
    }
    /// Drops what is outstanding, and says so of timers.
    pub(crate) fn drop_timers(&self) {
        for (function, id) in self.events.clear() {
            self.log(
                Level::Warn,
                &format!("{function} {id} was dropped, because its iteration ended before it was due"),
            );
        }
    }

    // --- modules ---------------------------------------------------------------------------------

    /// A module's own state in this machine, made on first use.
    pub fn state<T: Default + 'static>(&self) -> Rc<T> {
        self.states.get()
    }
    pub(crate) fn cached_exports(&self, name: &str) -> Option<Value> {
        self.exports.borrow().iter().find(|(n, _)| n == name).map(|(_, v)| v.clone())
    }
    pub(crate) fn cache_exports(&self, name: &str, exports: Value) {
        self.exports.borrow_mut().push((name.to_owned(), exports));
    }
}

/// By how many nanoseconds this machine's wall clock is ahead of that of the test.
static AHEAD: AtomicI64 = AtomicI64::new(0);

/// The wall clock of the test, as samples carry it.
pub(crate) fn now() -> UnixNanos {
    throng_reactor::unix_now().saturating_add_signed(-AHEAD.load(Ordering::Relaxed)).into()
}

/// The test goes by the clock of another machine: from now on samples carry its time.
pub(crate) fn set_clock_ahead(nanos: i64) {
    AHEAD.store(nanos, Ordering::Relaxed);
}
