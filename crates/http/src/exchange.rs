//! One request and its response on an HTTP/1.1 connection.

use std::future::poll_fn;
use std::io;
use std::task::{Poll, ready};
use std::time::{Duration, Instant};

use throng_reactor::{Stamp, Timer};

use crate::conn::{Connection, DialPhases, Io};
use crate::error::{Operation, RequestError};
use crate::request::Patience;
use crate::response::Timings;
use crate::shared::Shared;
use crate::wire::{Progress, ResponseParser, WireRequest, encode_request};

/// A body up to this size is copied behind the head, so that both go out with one system call.
const COPY_BODY_UP_TO: usize = 16 * 1024;

/// Longer than any test.
pub(crate) const FOREVER: Duration = Duration::from_hours(876_600);

/// When the steps of one request happened. It outlives the request's future, so that a timeout can still
/// say how far things had come.
#[derive(Debug)]
pub(crate) struct Trace {
    pub(crate) start: Stamp,
    /// Its number among those of its client.
    pub(crate) exchange: u64,
    pub(crate) dial: DialPhases,
    /// A connection is at hand.
    pub(crate) connected: Option<Instant>,
    pub(crate) sent: Option<Instant>,
    pub(crate) first_byte: Option<Instant>,
    pub(crate) ended: Option<Instant>,
    pub(crate) wrote_any: bool,
}

impl Trace {
    pub(crate) fn begin() -> Self {
        Self {
            start: Stamp::now(),
            exchange: 0,
            dial: DialPhases::default(),
            connected: None,
            sent: None,
            first_byte: None,
            ended: None,
            wrote_any: false,
        }
    }

    /// The phases up to `end`.
    ///
    /// Observed on k6 1.1: a request that found no connection has none, but for the time TCP took if only
    /// TLS failed.
    pub(crate) fn timings(&self, end: Instant) -> Timings {
        let mut t = Timings::default();
        if let (Some(lookup), Some(tcp)) = (self.dial.lookup_done, self.dial.connected) {
            t.connecting = tcp.saturating_duration_since(lookup);
        }
        let Some(connected) = self.connected else { return t };
        t.blocked = connected.saturating_duration_since(self.start.at);
        if let Some(lookup) = self.dial.lookup_done {
            t.looking_up = lookup.saturating_duration_since(self.start.at);
        }
        if let (Some(tcp), Some(tls)) = (self.dial.connected, self.dial.tls_done) {
            t.tls_handshaking = tls.saturating_duration_since(tcp);
        }
        let sent = self.sent.unwrap_or(end);
        t.sending = sent.saturating_duration_since(connected);
        // On loopback the response can be in before `send` has returned.
        let first_byte = self.first_byte.unwrap_or(end).max(sent);
        t.waiting = first_byte.saturating_duration_since(sent);
        t.receiving = end.saturating_duration_since(first_byte);
        t
    }
}

/// Why an exchange failed, and whether it may be tried again on a new connection.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: RequestError,
    /// The connection ended before any of the response had come, as happens when a server closes an idle
    /// connection just as it is used.
    pub(crate) connection_was_dead: bool,
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        Self { error, connection_was_dead: false }
    }
}

/// What an exchange leaves of its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Nothing is left over; it may be used again.
    Clean,
    /// It is of no more use.
    Spent,
    /// More of the body is to come.
    Streaming,
}

/// The timer that ends a request, moved on at each step if the request has limits for its steps.
#[derive(Clone, Copy)]
pub(crate) struct Watch<'a> {
    pub(crate) timer: &'a Timer,
    pub(crate) patience: Option<Patience>,
}

impl Watch<'_> {
    /// A connection is sought.
    pub(crate) fn connecting(&self, now: Instant) {
        if let Some(patience) = self.patience {
            self.set(now, patience.connect);
        }
    }

    /// The peer was heard of, or took something.
    pub(crate) fn alive(&self, now: Instant) {
        if let Some(patience) = self.patience {
            self.set(now, patience.silence);
        }
    }

    fn set(&self, now: Instant, limit: Option<Duration>) {
        let limit = limit.unwrap_or(FOREVER);
        self.timer.set(now.checked_add(limit).unwrap_or(now + FOREVER));
    }
}

/// Sends a request and reads its response into `parser`.
pub(crate) async fn exchange(
    shared: &Shared,
    connection: &mut Connection,
    request: &WireRequest<'_>,
    body: &[u8],
    parser: &mut ResponseParser,
    trace: &mut Trace,
    watch: Watch<'_>,
) -> Result<Ended, Failure> {
    let mut buffer = shared.take_write_buffer();
    encode_request(&mut buffer, request);
    let body = if body.len() <= COPY_BODY_UP_TO {
        buffer.extend_from_slice(body);
        &[]
    } else {
        body
    };
    let mut written = write_all(&mut connection.io, &buffer, &mut trace.wrote_any, watch).await;
    shared.return_write_buffer(buffer);
    if written.is_ok() && !body.is_empty() {
        written = write_all(&mut connection.io, body, &mut trace.wrote_any, watch).await;
    }
    trace.sent = Some(Instant::now());
    let read = read_response(shared, &mut connection.io, parser, trace, watch).await;
    match (written, read) {
        // A server may answer, and close, before it has read the whole request: its answer counts.
        (Ok(()), Ok(ended)) => Ok(ended),
        (Err(_), Ok(_)) => Ok(Ended::Spent),
        (Err(error), Err(_)) => Err(Failure {
            connection_was_dead: trace.first_byte.is_none(),
            error: RequestError::from_io(Operation::Write, &error),
        }),
        (Ok(()), Err(failure)) => Err(failure),
    }
}

async fn write_all(io: &mut Io, mut data: &[u8], wrote_any: &mut bool, watch: Watch<'_>) -> io::Result<()> {
    poll_fn(|cx| {
        while !data.is_empty() {
            let n = ready!(io.poll_send(cx, data))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            *wrote_any = true;
            data = &data[n..];
            if !data.is_empty() {
                watch.alive(Instant::now());
            }
        }
        io.poll_flush(cx)
    })
    .await
}

async fn read_response(
    shared: &Shared,
    io: &mut Io,
    parser: &mut ResponseParser,
    trace: &mut Trace,
    watch: Watch<'_>,
) -> Result<Ended, Failure> {
    poll_fn(|cx| {
        loop {
            let mut buffer = shared.read_buffer.borrow_mut();
            let received = match ready!(io.poll_recv(cx, &mut buffer)) {
                Ok(received) => received,
                Err(error) => {
                    return Poll::Ready(Err(Failure {
                        connection_was_dead: trace.first_byte.is_none(),
                        error: RequestError::from_io(Operation::Read, &error),
                    }));
                }
            };
            let now = Instant::now();
            if received.len == 0 {
                trace.ended = Some(now);
                let cause = parser.cause_of_end();
                return Poll::Ready(parser.end().map(|()| Ended::Spent).map_err(|text| Failure {
                    connection_was_dead: trace.first_byte.is_none(),
                    error: RequestError::generic(text).because(cause),
                }));
            }
            let at = trace.start.received_at(received.kernel_time, now);
            trace.first_byte.get_or_insert(at);
            match parser.feed(&buffer[..received.len]) {
                Ok(Progress::Partial) if parser.is_streaming() => {
                    trace.ended = Some(at);
                    return Poll::Ready(Ok(Ended::Streaming));
                }
                Ok(Progress::Partial) => watch.alive(now),
                Ok(Progress::Done(used)) => {
                    trace.ended = Some(at);
                    let clean = used == received.len;
                    return Poll::Ready(Ok(if clean { Ended::Clean } else { Ended::Spent }));
                }
                Err(text) => {
                    trace.ended = Some(now);
                    let cause = parser.cause_of_refusal(&buffer[..received.len]);
                    return Poll::Ready(Err(RequestError::generic(text).because(cause).into()));
                }
            }
        }
    })
    .await
}

/// Reads more of a body whose response has been taken: what there is, once there is something.
pub(crate) async fn read_piece(
    shared: &Shared,
    io: &mut Io,
    parser: &mut ResponseParser,
) -> Result<Ended, RequestError> {
    poll_fn(|cx| {
        let mut buffer = shared.read_buffer.borrow_mut();
        let received = match ready!(io.poll_recv(cx, &mut buffer)) {
            Ok(received) => received,
            Err(error) => return Poll::Ready(Err(RequestError::from_io(Operation::Read, &error))),
        };
        if received.len == 0 {
            let cause = parser.cause_of_end();
            let ended = parser.end().map(|()| Ended::Spent);
            return Poll::Ready(ended.map_err(|text| RequestError::generic(text).because(cause)));
        }
        Poll::Ready(match parser.feed(&buffer[..received.len]) {
            Ok(Progress::Partial) => Ok(Ended::Streaming),
            Ok(Progress::Done(used)) if used == received.len => Ok(Ended::Clean),
            Ok(Progress::Done(_)) => Ok(Ended::Spent),
            Err(text) => Err(RequestError::generic(text)),
        })
    })
    .await
}
