//! A question as Python sees it: a command of the page, or a request for a route of Python's.

use std::cell::Cell;

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use throng_server::{Ask, Command, CutOff, Foreign, ForeignHead, Part, Refusal, Reply, Start, Verdict};

use crate::gil::GilBound;

type Body = tokio::sync::mpsc::UnboundedSender<Part>;

/// Where the answer goes.
enum Answer {
    Command(Reply<Result<(), Refusal>>),
    Foreign(Reply<throng_server::Answer>),
    Admit(Reply<Verdict>),
    Begun(Body),
    None,
}

/// What was asked. One that is forgotten is answered with an error.
#[pyclass(frozen, module = "locust._core")]
pub(crate) struct WebAsk {
    /// `start`, `stop`, `reset`, `pause`, `resume`, `users`, `scale`, `request`, or `admit`.
    #[pyo3(get)]
    kind: &'static str,
    /// Of `start` and `users`: users.
    #[pyo3(get)]
    users: Option<u64>,
    /// Of `start` and `users`: users started a second.
    #[pyo3(get)]
    spawn_rate: Option<f64>,
    /// Of `start`: the rest, as JSON.
    #[pyo3(get)]
    details: String,
    /// Of `request`, and of the one for which `admit` asks.
    #[pyo3(get)]
    method: String,
    #[pyo3(get)]
    path: String,
    #[pyo3(get)]
    query: String,
    #[pyo3(get)]
    remote: String,
    headers: Vec<(String, Vec<u8>)>,
    body: bytes::Bytes,
    answer: GilBound<Cell<Answer>>,
}

impl WebAsk {
    pub(super) fn new(ask: Ask) -> Self {
        let mut new = Self {
            kind: "request",
            users: None,
            spawn_rate: None,
            details: String::new(),
            method: String::new(),
            path: String::new(),
            query: String::new(),
            remote: String::new(),
            headers: Vec::new(),
            body: bytes::Bytes::new(),
            answer: GilBound::new(Cell::new(Answer::None)),
        };
        match ask {
            Ask::Command(command, reply) => {
                new.answer = GilBound::new(Cell::new(Answer::Command(reply)));
                new.describe(command);
            }
            // Answered where it came in.
            Ask::Summary(_) => {}
            Ask::Admit(request, reply) => {
                new.kind = "admit";
                new.answer = GilBound::new(Cell::new(Answer::Admit(reply)));
                new.take(request);
            }
            Ask::Foreign(request, reply) => {
                new.answer = GilBound::new(Cell::new(Answer::Foreign(reply)));
                new.take(request);
            }
        }
        new
    }

    fn take(&mut self, request: Foreign) {
        self.method = request.method;
        self.path = request.path;
        self.query = request.query;
        self.remote = request.remote;
        self.headers = request.headers;
        self.body = request.body;
    }

    fn describe(&mut self, command: Command) {
        self.kind = match command {
            Command::Start(start) => {
                let Start { users, spawn_rate, host, run_time, classes, shape, arguments } = start;
                (self.users, self.spawn_rate) = (users, spawn_rate);
                self.details = serde_json::json!({
                    "host": host, "run_time": run_time, "classes": classes, "shape": shape, "arguments": arguments,
                })
                .to_string();
                "start"
            }
            Command::Users { users, spawn_rate } => {
                (self.users, self.spawn_rate) = (Some(users), spawn_rate);
                "users"
            }
            Command::Stop => "stop",
            Command::Reset => "reset",
            Command::Pause => "pause",
            Command::Resume => "resume",
            Command::Scale { .. } => "scale",
        };
    }

    fn decide(&self, py: Python<'_>, decision: Result<(), Refusal>) {
        if let Answer::Command(reply) = self.answer.get(py).replace(Answer::None) {
            reply.give(decision);
        }
    }
}

#[pymethods]
impl WebAsk {
    /// Names in lower case with values, of `request`.
    #[getter]
    fn headers(&self) -> Vec<(String, String)> {
        // As WSGI has them: bytes as Latin-1 text.
        let text = |value: &[u8]| value.iter().map(|byte| char::from(*byte)).collect();
        self.headers.iter().map(|(name, value)| (name.clone(), text(value))).collect()
    }

    /// Of `request`.
    #[getter]
    fn body<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.body)
    }

    /// The command is done.
    fn accept(&self, py: Python<'_>) {
        self.decide(py, Ok(()));
    }

    /// The command is not, because of its values.
    fn refuse(&self, py: Python<'_>, why: String) {
        self.decide(py, Err(Refusal::Invalid(why)));
    }

    /// The command is not, because of the state of the test.
    fn refuse_now(&self, py: Python<'_>, why: String) {
        self.decide(py, Err(Refusal::NotNow(why)));
    }

    /// The command never will be.
    fn refuse_ever(&self, py: Python<'_>, why: String) {
        self.decide(py, Err(Refusal::NotSupported(why)));
    }

    /// Whether whoever asks is let in, and what the answer is to carry then.
    fn admit(&self, py: Python<'_>, admitted: bool, headers: Vec<(String, String)>) {
        if let Answer::Admit(reply) = self.answer.get(py).replace(Answer::None) {
            reply.give(if admitted { Verdict::Admitted(as_bytes(headers)) } else { Verdict::Stranger });
        }
    }

    /// Begins the answer to a request; to one for which `admit` asks, the answer that it gets instead.
    fn begin(&self, py: Python<'_>, status: u16, headers: Vec<(String, String)>) {
        let (sender, parts) = tokio::sync::mpsc::unbounded_channel();
        let answer = (ForeignHead { status, headers: as_bytes(headers) }, parts);
        match self.answer.get(py).replace(Answer::Begun(sender)) {
            Answer::Foreign(reply) => reply.give(answer),
            Answer::Admit(reply) => reply.give(Verdict::Answered(answer)),
            other => self.answer.get(py).set(other),
        }
    }

    /// Adds to the body of an answer that has begun; false if nobody listens any more.
    fn write(&self, py: Python<'_>, part: Vec<u8>) -> bool {
        match self.answer.get(py).replace(Answer::None) {
            Answer::Begun(sender) => {
                let listens = sender.send(Ok(part.into())).is_ok();
                self.answer.get(py).set(Answer::Begun(sender));
                listens
            }
            other => {
                self.answer.get(py).set(other);
                false
            }
        }
    }

    /// Ends an answer that is not whole: whoever reads it sees the connection break.
    fn abort(&self, py: Python<'_>) {
        if let Answer::Begun(sender) = self.answer.get(py).replace(Answer::None) {
            // Nobody may be reading any more.
            let _ = sender.send(Err(CutOff));
        }
    }

    /// Ends the answer.
    fn end(&self, py: Python<'_>) {
        self.answer.get(py).set(Answer::None);
    }
}

/// Headers as WSGI has them: text that stands for bytes.
fn as_bytes(headers: Vec<(String, String)>) -> Vec<(String, Vec<u8>)> {
    let bytes = |text: &str| text.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect();
    headers.into_iter().map(|(name, value)| (name, bytes(&value))).collect()
}
