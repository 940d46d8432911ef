//! Reaching a reactor from other threads: a mutex-guarded queue and an eventfd.
//!
//! Reactors are found by the number their wakers carry, in a table that only this slow path looks at.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::handle::Handle;
use crate::sys::EventFd;
use crate::task::{TaskId, WakeId};

type Job = Box<dyn FnOnce(&Handle) + Send>;

pub(crate) enum Message {
    Wake(TaskId),
    Run(Job),
}

pub(crate) struct Mailbox {
    pub(crate) number: u16,
    bell: EventFd,
    queue: Mutex<Vec<Message>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The queue and the table are valid after any panic, as nothing is done while they are held.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

static MAILBOXES: Mutex<BTreeMap<u16, Arc<Mailbox>>> = Mutex::new(BTreeMap::new());

impl Mailbox {
    /// Makes a mailbox with the first free reactor number.
    pub(crate) fn register() -> io::Result<Arc<Self>> {
        let bell = EventFd::new()?;
        let mut table = lock(&MAILBOXES);
        let number = (0..=u16::MAX)
            .find(|n| !table.contains_key(n))
            .ok_or_else(|| io::Error::other("more than 65,536 reactors in one process"))?;
        let mailbox = Arc::new(Self { number, bell, queue: Mutex::default() });
        table.insert(number, Arc::clone(&mailbox));
        Ok(mailbox)
    }

    pub(crate) fn unregister(&self) {
        lock(&MAILBOXES).remove(&self.number);
    }

    pub(crate) fn bell(&self) -> &EventFd {
        &self.bell
    }

    fn post(&self, message: Message) {
        let mut queue = lock(&self.queue);
        let first = queue.is_empty();
        queue.push(message);
        drop(queue);
        // The reactor empties the whole queue after each ring.
        if first {
            self.bell.signal();
        }
    }

    /// Takes everything posted since the last call. The bell is silenced first, so that a message posted
    /// meanwhile rings again.
    pub(crate) fn take(&self) -> Vec<Message> {
        self.bell.drain();
        std::mem::take(&mut *lock(&self.queue))
    }
}

/// Wakes a task from a thread that is not its reactor's; a reactor that is gone needs no waking.
pub(crate) fn wake(id: WakeId) {
    let mailbox = lock(&MAILBOXES).get(&id.reactor).cloned();
    if let Some(mailbox) = mailbox {
        mailbox.post(Message::Wake(id.task));
    }
}

/// A way to a reactor that other threads may hold, from [`Handle::remote`].
#[derive(Clone)]
pub struct Remote {
    pub(crate) mailbox: Arc<Mailbox>,
}

impl Remote {
    /// Runs `job` on the reactor's thread in its next turn; jobs run in the order they were sent.
    ///
    /// A job sent to a reactor that has ended is dropped unrun.
    pub fn spawn(&self, job: impl FnOnce(&Handle) + Send + 'static) {
        self.mailbox.post(Message::Run(Box::new(job)));
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("reactor", &self.mailbox.number).finish()
    }
}
