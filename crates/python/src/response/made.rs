//! What a response is made of, and how it is made of what came back.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};
use throng_http::{BodyStream, Head, Url};

use super::object::Response;
use super::rest::{Open, Rest};
use super::sent::{Sent, SentRequest};
use super::verdict::{Verdict, fast_success, plain_success};
use crate::failure::Failure;
use crate::gil::GilBound;
use crate::headers::{CaseInsensitiveDict, latin1};
use crate::session::Unfollowed;
use crate::sink::Sink;

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: Head,
    pub(crate) body: Bytes,
    pub(crate) url: Url,
    pub(crate) sent: Sent,
    /// From the start to the last byte, or to the head of a stream.
    pub(crate) elapsed: Duration,
    /// If it is a redirect that was not followed: what the request needs that it asks for.
    pub(crate) unfollowed: Option<Box<Unfollowed>>,
    /// What is to come of the body, as the client left it.
    pub(crate) stream: Option<Box<BodyStream>>,
    /// The same with what reading it needs.
    pub(crate) rest: Option<Open>,
}

/// What is told about a request when it is over.
pub(crate) struct Report {
    pub(crate) method: Py<PyString>,
    pub(crate) name: Py<PyString>,
    /// In milliseconds.
    pub(crate) response_time: f64,
    pub(crate) length: i64,
    /// Seconds since the Unix epoch.
    pub(crate) start_time: f64,
    /// The URL before redirects.
    pub(crate) url: Url,
    pub(crate) context: Option<Py<PyDict>>,
    pub(crate) sink: Option<Py<Sink>>,
}

pub(super) struct State {
    pub(super) fast: bool,
    pub(super) answer: Option<Answer>,
    /// Without an answer: where it was sent.
    pub(super) sent: Option<Sent>,
    pub(super) history: RefCell<Vec<Py<Response>>>,
    pub(super) failure: RefCell<Option<Failure>>,
    /// `None` for the responses in a history.
    pub(super) report: Option<Report>,
    pub(super) catch: bool,
    pub(super) entered: Cell<bool>,
    pub(super) reported: Cell<bool>,
    pub(super) verdict: RefCell<Verdict>,
    pub(super) meta: RefCell<Option<Py<PyDict>>>,
    pub(super) encoding: RefCell<Encoding>,
    pub(super) content: RefCell<Option<Py<PyBytes>>>,
    pub(super) text: RefCell<Option<Py<PyString>>>,
    pub(super) headers: RefCell<Option<Py<CaseInsensitiveDict>>>,
    pub(super) request: RefCell<Option<Py<SentRequest>>>,
    pub(super) read: Cell<usize>,
    pub(super) rest: Rest,
}

/// The encoding of the text.
#[derive(Default)]
pub(super) enum Encoding {
    /// What the headers say.
    #[default]
    OfHeaders,
    /// What the locustfile says; `None` is to guess.
    Set(Option<String>),
}

impl Response {
    /// The response to a request that is to be reported.
    pub(crate) fn new(
        fast: bool,
        result: Result<Answer, (Failure, Sent)>,
        history: Vec<Py<Self>>,
        report: Report,
        catch: bool,
    ) -> Self {
        let (answer, sent, failure) = match result {
            Ok(answer) => {
                let failure = status_failure(fast, &answer);
                (Some(answer), None, failure)
            }
            Err((failure, sent)) => match failure.partial_answer(&sent) {
                // Observed on Locust 2.47: the fast client shows what came before the connection broke.
                Some(answer) if fast => (Some(answer), None, Some(failure)),
                _ => (None, Some(sent), Some(failure)),
            },
        };
        Self::build(fast, answer, sent, failure, history, Some(report), catch)
    }

    /// A response that was redirected.
    pub(crate) fn past(fast: bool, answer: Answer) -> Self {
        Self::unreported(fast, answer, Vec::new())
    }

    /// A response that nobody hears of but the locustfile.
    pub(crate) fn unreported(fast: bool, answer: Answer, history: Vec<Py<Self>>) -> Self {
        let failure = status_failure(fast, &answer);
        Self::build(fast, Some(answer), None, failure, history, None, false)
    }

    fn build(
        fast: bool,
        mut answer: Option<Answer>,
        sent: Option<Sent>,
        failure: Option<Failure>,
        history: Vec<Py<Self>>,
        report: Option<Report>,
        catch: bool,
    ) -> Self {
        let rest = Rest::new(answer.as_mut().and_then(|answer| answer.rest.take()));
        Self(GilBound::new(State {
            fast,
            answer,
            sent,
            history: RefCell::new(history),
            failure: RefCell::new(failure),
            report,
            catch,
            entered: Cell::new(false),
            reported: Cell::new(false),
            verdict: RefCell::default(),
            meta: RefCell::default(),
            encoding: RefCell::default(),
            content: RefCell::default(),
            text: RefCell::default(),
            headers: RefCell::default(),
            request: RefCell::default(),
            read: Cell::new(0),
            rest,
        }))
    }
}

/// The failure that a status is by itself.
fn status_failure(fast: bool, answer: &Answer) -> Option<Failure> {
    let success = if fast { fast_success(answer.status) } else { plain_success(answer.status) };
    (!success).then(|| Failure::Status { status: answer.status, reason: latin1(answer.head.reason()) })
}
