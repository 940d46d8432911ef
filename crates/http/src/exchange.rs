//! One request and its response on an HTTP/1.1 connection.

use std::future::poll_fn;
use std::io;
use std::time::Instant;

use std::task::{Poll, ready};

use throng_reactor::Stamp;

use crate::conn::{Connection, DialPhases, Io};
use crate::error::{Operation, RequestError};
use crate::response::Timings;
use crate::shared::Shared;
use crate::wire::{Progress, ResponseParser, WireRequest, encode_request};

/// A body up to this size is copied behind the head, so that both go out with one system call.
const COPY_BODY_UP_TO: usize = 16 * 1024;

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

/// Sends a request and reads its response into `parser`. Afterwards `Ok(true)` says that the connection
/// has nothing left over and may be used again.
pub(crate) async fn exchange(
    shared: &Shared,
    connection: &mut Connection,
    request: &WireRequest<'_>,
    body: &[u8],
    parser: &mut ResponseParser,
    trace: &mut Trace,
) -> Result<bool, Failure> {
    let mut buffer = shared.take_write_buffer();
    encode_request(&mut buffer, request);
    let body = if body.len() <= COPY_BODY_UP_TO {
        buffer.extend_from_slice(body);
        &[]
    } else {
        body
    };
    let mut written = write_all(&mut connection.io, &buffer, &mut trace.wrote_any).await;
    shared.return_write_buffer(buffer);
    if written.is_ok() && !body.is_empty() {
        written = write_all(&mut connection.io, body, &mut trace.wrote_any).await;
    }
    trace.sent = Some(Instant::now());
    let read = read_response(shared, &mut connection.io, parser, trace).await;
    match (written, read) {
        // A server may answer, and close, before it has read the whole request: its answer counts.
        (Ok(()), Ok(clean)) => Ok(clean),
        (Err(_), Ok(_)) => Ok(false),
        (Err(error), Err(_)) => Err(Failure {
            connection_was_dead: trace.first_byte.is_none(),
            error: RequestError::from_io(Operation::Write, &error),
        }),
        (Ok(()), Err(failure)) => Err(failure),
    }
}

async fn write_all(io: &mut Io, mut data: &[u8], wrote_any: &mut bool) -> io::Result<()> {
    poll_fn(|cx| {
        while !data.is_empty() {
            let n = ready!(io.poll_send(cx, data))?;
            if n == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            *wrote_any = true;
            data = &data[n..];
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
) -> Result<bool, Failure> {
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
                return Poll::Ready(parser.end().map(|()| false).map_err(|text| Failure {
                    connection_was_dead: trace.first_byte.is_none(),
                    error: RequestError::generic(text).because(cause),
                }));
            }
            let at = trace.start.received_at(received.kernel_time, now);
            trace.first_byte.get_or_insert(at);
            match parser.feed(&buffer[..received.len]) {
                Ok(Progress::Partial) => {}
                Ok(Progress::Done(used)) => {
                    trace.ended = Some(at);
                    return Poll::Ready(Ok(used == received.len));
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
