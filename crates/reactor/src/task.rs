//! Tasks, their ready queue and their wakers.
//!
//! A waker is three integers packed into the data pointer (reactor, generation, slot), so cloning and
//! dropping one costs nothing and no pointer can dangle: a wake that comes too late finds another
//! generation, or no reactor, and does nothing. On the reactor's own thread a wake pushes onto a queue
//! found through a thread-local; from any other thread it goes through [`crate::remote`].

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{RawWaker, RawWakerVTable, Waker};

use crate::remote;
use crate::sys::EventFd;

/// The slot of the future that [`crate::Reactor::run_until`] drives.
pub(crate) const ROOT_SLOT: u32 = 0;

const SLOT_BITS: u32 = 24;
const GENERATION_BITS: u32 = 24;
const SLOT_MASK: u32 = (1 << SLOT_BITS) - 1;
const GENERATION_MASK: u32 = (1 << GENERATION_BITS) - 1;

pub(crate) type LocalFuture = Pin<Box<dyn Future<Output = ()>>>;

/// Names a spawned task, to abort it.
///
/// An identity that outlives its task is harmless: it names nothing any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskId {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WakeId {
    pub(crate) reactor: u16,
    pub(crate) task: TaskId,
}

impl WakeId {
    fn to_data(self) -> *const () {
        let bits = u64::from(self.reactor) << (SLOT_BITS + GENERATION_BITS)
            | u64::from(self.task.generation & GENERATION_MASK) << SLOT_BITS
            | u64::from(self.task.slot & SLOT_MASK);
        std::ptr::without_provenance(bits as usize)
    }

    fn from_data(data: *const ()) -> Self {
        let bits = data.addr() as u64;
        Self {
            reactor: (bits >> (SLOT_BITS + GENERATION_BITS)) as u16,
            task: TaskId {
                slot: bits as u32 & SLOT_MASK,
                generation: (bits >> SLOT_BITS) as u32 & GENERATION_MASK,
            },
        }
    }
}

static VTABLE: RawWakerVTable = RawWakerVTable::new(clone_waker, wake_by_data, wake_by_data, |_| {});

fn clone_waker(data: *const ()) -> RawWaker {
    RawWaker::new(data, &VTABLE)
}

fn wake_by_data(data: *const ()) {
    let id = WakeId::from_data(data);
    let local = CURRENT.try_with(|current| match &*current.borrow() {
        Some(ready) if ready.reactor == id.reactor => {
            ready.wake(id.task);
            true
        }
        _ => false,
    });
    if local != Ok(true) {
        remote::wake(id);
    }
}

pub(crate) fn waker(id: WakeId) -> Waker {
    // SAFETY: the vtable's functions treat the data as an integer and are safe from any thread; there is
    // nothing to own, so clone and drop need do nothing.
    unsafe { Waker::from_raw(RawWaker::new(id.to_data(), &VTABLE)) }
}

thread_local! {
    /// The wake queue of the reactor that runs, or last ran, on this thread.
    static CURRENT: RefCell<Option<Rc<Ready>>> = const { RefCell::new(None) };
}

/// Makes `ready` the queue that wakes on this thread look at first.
pub(crate) fn enter(ready: &Rc<Ready>) {
    CURRENT.with(|current| {
        let mut current = current.borrow_mut();
        if !current.as_ref().is_some_and(|c| Rc::ptr_eq(c, ready)) {
            *current = Some(Rc::clone(ready));
        }
    });
}

/// Forgets `ready` at the end of its reactor.
pub(crate) fn leave(ready: &Rc<Ready>) {
    // At the end of the thread there is nothing left to forget.
    let _ = CURRENT.try_with(|current| {
        let mut current = current.borrow_mut();
        if current.as_ref().is_some_and(|c| Rc::ptr_eq(c, ready)) {
            *current = None;
        }
    });
}

#[derive(Debug, Default)]
struct SlotState {
    generation: Cell<u32>,
    queued: Cell<bool>,
}

/// The queue of tasks to poll. It knows only numbers, so that a wake never touches a future.
#[derive(Debug)]
pub(crate) struct Ready {
    pub(crate) reactor: u16,
    queue: RefCell<VecDeque<u32>>,
    slots: RefCell<Vec<SlotState>>,
    /// In a nested reactor: signalled by the first wake outside a turn, so that the host loop notices.
    bell: Option<Rc<EventFd>>,
    in_turn: Cell<bool>,
}

impl Ready {
    pub(crate) fn new(reactor: u16, bell: Option<Rc<EventFd>>) -> Self {
        let root = SlotState::default();
        Self {
            reactor,
            queue: RefCell::default(),
            slots: RefCell::new(vec![root]),
            bell,
            in_turn: Cell::new(false),
        }
    }

    pub(crate) fn set_in_turn(&self, in_turn: bool) {
        self.in_turn.set(in_turn);
    }

    pub(crate) fn is_in_turn(&self) -> bool {
        self.in_turn.get()
    }

    pub(crate) fn wake(&self, task: TaskId) {
        let slots = self.slots.borrow();
        let Some(state) = slots.get(task.slot as usize) else { return };
        if state.generation.get() & GENERATION_MASK != task.generation & GENERATION_MASK
            || state.queued.replace(true)
        {
            return;
        }
        let mut queue = self.queue.borrow_mut();
        if queue.is_empty()
            && !self.in_turn.get()
            && let Some(bell) = &self.bell
        {
            bell.signal();
        }
        queue.push_back(task.slot);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.borrow().is_empty()
    }

    /// The next slot to poll; wakes during its poll queue it again.
    fn pop(&self) -> Option<u32> {
        let slot = self.queue.borrow_mut().pop_front()?;
        self.slots.borrow()[slot as usize].queued.set(false);
        Some(slot)
    }

    fn generation(&self, slot: u32) -> u32 {
        self.slots.borrow()[slot as usize].generation.get()
    }

    fn retire(&self, slot: u32) {
        let slots = self.slots.borrow();
        let state = &slots[slot as usize];
        state.generation.set(state.generation.get().wrapping_add(1));
    }

    fn grow_to(&self, slot: u32) {
        let mut slots = self.slots.borrow_mut();
        while slots.len() <= slot as usize {
            slots.push(SlotState::default());
        }
    }
}

enum Slot {
    Free,
    Idle(LocalFuture),
    /// Taken out to be polled; `aborted` says not to put it back.
    Polling {
        aborted: bool,
    },
}

/// What there is to poll next.
pub(crate) enum Next {
    Root,
    Task(TaskId, LocalFuture),
}

/// The tasks of one reactor.
pub(crate) struct Tasks {
    slots: RefCell<Vec<Slot>>,
    free: RefCell<Vec<u32>>,
    pub(crate) ready: Rc<Ready>,
}

impl Tasks {
    pub(crate) fn new(ready: Rc<Ready>) -> Self {
        // Slot 0 is the root future's and is never handed out.
        Self { slots: RefCell::new(vec![Slot::Free]), free: RefCell::default(), ready }
    }

    pub(crate) fn spawn(&self, future: LocalFuture) -> TaskId {
        let id = self.place(Slot::Idle(future));
        self.ready.wake(id);
        id
    }

    /// A slot for a task that is about to be polled by whoever asks.
    pub(crate) fn reserve(&self) -> TaskId {
        self.place(Slot::Polling { aborted: false })
    }

    fn place(&self, content: Slot) -> TaskId {
        let reused = self.free.borrow_mut().pop();
        let slot = {
            let mut slots = self.slots.borrow_mut();
            if let Some(slot) = reused {
                slots[slot as usize] = content;
                slot
            } else {
                let slot = slots.len() as u32;
                assert!(slot <= SLOT_MASK, "a reactor holds at most {SLOT_MASK} tasks");
                slots.push(content);
                slot
            }
        };
        self.ready.grow_to(slot);
        TaskId { slot, generation: self.ready.generation(slot) }
    }

    pub(crate) fn next(&self) -> Option<Next> {
        loop {
            let slot = self.ready.pop()?;
            if slot == ROOT_SLOT {
                return Some(Next::Root);
            }
            let mut slots = self.slots.borrow_mut();
            let entry = &mut slots[slot as usize];
            if matches!(entry, Slot::Idle(_)) {
                let Slot::Idle(future) = std::mem::replace(entry, Slot::Polling { aborted: false }) else {
                    continue;
                };
                return Some(Next::Task(TaskId { slot, generation: self.ready.generation(slot) }, future));
            }
        }
    }

    /// Puts a future back after a poll that left it pending.
    pub(crate) fn put_back(&self, id: TaskId, future: LocalFuture) {
        let rejected = {
            let mut slots = self.slots.borrow_mut();
            let entry = &mut slots[id.slot as usize];
            if matches!(entry, Slot::Polling { aborted: true }) {
                *entry = Slot::Free;
                Some(future)
            } else {
                *entry = Slot::Idle(future);
                None
            }
        };
        if rejected.is_some() {
            self.release(id.slot);
        }
        // Dropped without any borrow held: a destructor may spawn or abort.
        drop(rejected);
    }

    /// Frees the slot of a task that ended (or panicked) while it was polled.
    pub(crate) fn finish(&self, id: TaskId) {
        self.slots.borrow_mut()[id.slot as usize] = Slot::Free;
        self.release(id.slot);
    }

    fn release(&self, slot: u32) {
        self.ready.retire(slot);
        self.free.borrow_mut().push(slot);
    }

    /// Drops a task; one that is being polled is dropped when its poll returns.
    pub(crate) fn abort(&self, id: TaskId) {
        if id.slot == ROOT_SLOT
            || id.slot as usize >= self.slots.borrow().len()
            || self.ready.generation(id.slot) != id.generation
        {
            return;
        }
        let dropped = {
            let mut slots = self.slots.borrow_mut();
            match &mut slots[id.slot as usize] {
                Slot::Polling { aborted } => {
                    *aborted = true;
                    return;
                }
                Slot::Free => return,
                entry @ Slot::Idle(_) => std::mem::replace(entry, Slot::Free),
            }
        };
        self.release(id.slot);
        drop(dropped);
    }

    /// Takes all futures out, to be dropped by the caller.
    pub(crate) fn take_all(&self) -> Vec<LocalFuture> {
        let mut slots = self.slots.borrow_mut();
        slots
            .drain(..)
            .filter_map(|slot| match slot {
                Slot::Idle(future) => Some(future),
                Slot::Free | Slot::Polling { .. } => None,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn a_waker_carries_its_identity(reactor: u16, slot in 0..=SLOT_MASK, generation in 0..=GENERATION_MASK) {
            let id = WakeId { reactor, task: TaskId { slot, generation } };
            proptest::prop_assert_eq!(WakeId::from_data(id.to_data()), id);
        }
    }

    #[test]
    fn a_late_wake_does_not_reach_the_next_task_of_the_slot() {
        let tasks = Tasks::new(Rc::new(Ready::new(1, None)));
        let first = tasks.spawn(Box::pin(async {}));
        assert!(matches!(tasks.next(), Some(Next::Task(id, _)) if id == first));
        tasks.finish(first);
        let second = tasks.spawn(Box::pin(async {}));
        assert_eq!(first.slot, second.slot);
        assert!(tasks.next().is_some());
        tasks.ready.wake(first);
        assert!(tasks.ready.is_empty());
    }
}
