//! Messages cut into frames as the other side takes them; `protocol::Assembly` puts them together again.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tonic::codegen::tokio_stream::Stream;

use crate::protocol::{FRAME_PART, Frame};

/// The sending end of a connection: takes encoded messages and never waits. Dropped, the stream ends after what was
/// queued.
#[derive(Debug)]
pub(super) struct Outgoing {
    queue: UnboundedSender<Bytes>,
    queued: Arc<AtomicUsize>,
}

/// The frames of a connection's messages in order, made as the other side takes them.
#[derive(Debug)]
pub(super) struct Frames {
    queue: UnboundedReceiver<Bytes>,
    queued: Arc<AtomicUsize>,
    current: Option<Bytes>,
}

/// A queue of messages and the frames that come out of it.
pub(super) fn outgoing() -> (Outgoing, Frames) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let queued = Arc::new(AtomicUsize::new(0));
    (Outgoing { queue: sender, queued: queued.clone() }, Frames { queue: receiver, queued, current: None })
}

impl Outgoing {
    /// Queues a message. A connection that is gone is noticed by its reader.
    pub(super) fn send(&self, message: Bytes) {
        self.queued.fetch_add(message.len(), Ordering::Relaxed);
        let _ = self.queue.send(message);
    }

    /// The bytes that wait.
    pub(super) fn queued(&self) -> usize {
        self.queued.load(Ordering::Relaxed)
    }
}

impl Frames {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Frame>> {
        let mut message = match self.current.take() {
            Some(rest) => rest,
            None => match std::task::ready!(self.queue.poll_recv(cx)) {
                Some(message) => message,
                None => return Poll::Ready(None),
            },
        };
        let part = message.split_to(message.len().min(FRAME_PART));
        self.queued.fetch_sub(part.len(), Ordering::Relaxed);
        let more = !message.is_empty();
        self.current = more.then_some(message);
        Poll::Ready(Some(Frame { part, more }))
    }
}

/// The requests of a worker.
impl Stream for Frames {
    type Item = Frame;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Frame>> {
        self.poll_frame(cx)
    }
}

/// The responses of the controller, which tonic wants as results.
#[derive(Debug)]
pub(super) struct Responses(pub(super) Frames);

impl Stream for Responses {
    type Item = Result<Frame, tonic::Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_frame(cx).map(|frame| frame.map(Ok))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Assembly;

    fn frames(messages: &[Bytes]) -> Vec<Frame> {
        let (outgoing, mut frames) = outgoing();
        for message in messages {
            outgoing.send(message.clone());
        }
        assert_eq!(outgoing.queued(), messages.iter().map(Bytes::len).sum::<usize>());
        let queued = outgoing.queued.clone();
        drop(outgoing);
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let all = std::iter::from_fn(|| match frames.poll_frame(&mut cx) {
            Poll::Ready(frame) => frame,
            Poll::Pending => panic!("the queue has ended"),
        })
        .collect();
        assert_eq!(queued.load(Ordering::Relaxed), 0);
        all
    }

    #[test]
    fn messages_of_any_size_arrive_whole() {
        let sizes = [0, 1, FRAME_PART - 1, FRAME_PART, FRAME_PART + 1, 3 * FRAME_PART];
        let messages: Vec<Bytes> = sizes.map(|size| vec![size as u8; size].into()).into();
        let mut assembly = Assembly::default();
        let arrived: Vec<Bytes> = frames(&messages)
            .into_iter()
            .inspect(|frame| assert!(frame.part.len() <= FRAME_PART))
            .filter_map(|frame| assembly.add(frame, 3 * FRAME_PART).unwrap())
            .collect();
        assert_eq!(arrived, messages);
    }
}
