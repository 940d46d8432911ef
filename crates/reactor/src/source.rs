//! What the reactor knows about one descriptor: edge-triggered readiness and who waits for it.

use std::cell::Cell;
use std::task::{Context, Poll, Waker};

const READABLE: u8 = 1;
const WRITABLE: u8 = 2;
/// The peer ended its direction, or the socket failed: reading never blocks again.
const READ_CLOSED: u8 = 4;

/// The direction of an operation.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Direction {
    Read,
    Write,
}

#[derive(Default)]
pub(crate) struct Source {
    flags: Cell<u8>,
    reader: Cell<Option<Waker>>,
    writer: Cell<Option<Waker>>,
}

impl Source {
    /// The events every socket is registered for, once, for both directions.
    pub(crate) const INTEREST: u32 =
        (libc::EPOLLIN | libc::EPOLLOUT | libc::EPOLLRDHUP | libc::EPOLLET) as u32;

    /// Notes what epoll said and wakes who waits for it.
    pub(crate) fn on_event(&self, events: u32) {
        let has = |bits: i32| events & bits as u32 != 0;
        let mut flags = self.flags.get();
        if has(libc::EPOLLIN | libc::EPOLLRDHUP | libc::EPOLLHUP | libc::EPOLLERR) {
            flags |= READABLE;
        }
        if has(libc::EPOLLRDHUP | libc::EPOLLHUP | libc::EPOLLERR) {
            flags |= READ_CLOSED;
        }
        if has(libc::EPOLLOUT | libc::EPOLLHUP | libc::EPOLLERR) {
            flags |= WRITABLE;
        }
        self.flags.set(flags);
        if flags & READABLE != 0
            && let Some(waker) = self.reader.take()
        {
            waker.wake();
        }
        if flags & WRITABLE != 0
            && let Some(waker) = self.writer.take()
        {
            waker.wake();
        }
    }

    pub(crate) fn poll_ready(&self, direction: Direction, cx: &mut Context<'_>) -> Poll<()> {
        let (flag, slot) = match direction {
            Direction::Read => (READABLE, &self.reader),
            Direction::Write => (WRITABLE, &self.writer),
        };
        if self.flags.get() & flag != 0 {
            return Poll::Ready(());
        }
        slot.set(Some(cx.waker().clone()));
        Poll::Pending
    }

    /// Whether a read would find something: data, the end, or an error.
    pub(crate) fn is_readable(&self) -> bool {
        self.flags.get() & READABLE != 0
    }

    /// The operation would have blocked: wait for the next edge.
    pub(crate) fn clear(&self, direction: Direction) {
        let flag = match direction {
            Direction::Read => READABLE,
            Direction::Write => WRITABLE,
        };
        self.flags.set(self.flags.get() & !flag);
    }

    /// A read took less than there was room for, so the kernel's buffer is empty: the next data brings a
    /// new edge, and asking again would only cost a system call. After the end of the stream no new edge
    /// comes, so then the readiness stays.
    pub(crate) fn after_short_read(&self) {
        if self.flags.get() & READ_CLOSED == 0 {
            self.clear(Direction::Read);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_read_waits_for_a_new_edge_unless_the_peer_has_closed() {
        let cx = &mut Context::from_waker(Waker::noop());
        let source = Source::default();
        source.on_event(libc::EPOLLIN as u32);
        source.after_short_read();
        assert!(source.poll_ready(Direction::Read, cx).is_pending());
        source.on_event((libc::EPOLLIN | libc::EPOLLRDHUP) as u32);
        source.after_short_read();
        assert!(source.poll_ready(Direction::Read, cx).is_ready());
    }
}
