//! k6's REST API: a run is asked how it stands, paused, scaled and ended from another process.
//!
//! The server is [`throng_server::Door`]; what is asked waits here until the conductor looks, which answers from its own
//! numbers. After the run the last of them answer for as long as the process lingers.

mod facts;
mod question;

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};

use serde_json::{Value, json};
use throng_server::{Ask, Door, Foreign, ForeignHead, Reply, StartError};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::spec::RunSpec;

pub(super) use facts::{Facts, Status, Step};
pub(super) use question::{Change, Question};

use question::Unclear;

/// The API of one run.
pub(super) struct Rest {
    _door: Door,
    asked: Receiver<(Foreign, Reply<throng_server::Answer>)>,
}

/// A question that waits for its answer.
pub(super) struct Asked {
    pub(super) question: Question,
    reply: Reply<throng_server::Answer>,
}

impl Asked {
    /// Answers it.
    pub(super) fn answer(self, answer: Answer) {
        answer.give(self.reply);
    }
}

impl Rest {
    /// Serves it where `spec` says, if it does.
    pub(super) fn start(spec: &RunSpec) -> Result<Option<Self>, Failure> {
        let Some(wanted) = &spec.rest else { return Ok(None) };
        let (sender, asked) = mpsc::channel();
        let inbox = move |ask| {
            if let Ask::Foreign(request, reply) = ask {
                // After the end nobody listens, and the reply that is dropped says so.
                let _ = sender.send((request, reply));
            }
        };
        match Door::open(wanted.listen, Arc::new(inbox)) {
            Ok(door) => {
                spec.log.debug(&format!("the REST API is at http://{}", door.address()));
                Ok(Some(Self { _door: door, asked }))
            }
            Err(error) => {
                let why = match error {
                    StartError::Listen { address, error } => {
                        format!("cannot serve the REST API on {address}: {error}")
                    }
                    other => format!("cannot serve the REST API: {other}"),
                };
                if wanted.demanded {
                    return Err(Failure::new(Exit::RestUnavailable, why));
                }
                spec.log.warn(&format!("{why}; the run goes on without (--address chooses another place)"));
                Ok(None)
            }
        }
    }

    /// What was asked since the last look. What cannot be understood is answered here.
    pub(super) fn asked(&self) -> Vec<Asked> {
        let mut all = Vec::new();
        for (request, reply) in self.asked.try_iter() {
            match question::read(&request) {
                Ok(question) => all.push(Asked { question, reply }),
                Err(Unclear::Method) => Answer::empty(405).give(reply),
                Err(Unclear::Body(title, why)) => Answer::error(400, title, &why).give(reply),
            }
        }
        all
    }
}

/// What is answered.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    status: u16,
    kind: Option<&'static str>,
    body: String,
}

impl Answer {
    /// A document with this data.
    pub(super) fn data(data: Value) -> Self {
        Self::json(200, &json!({ "data": data }))
    }

    /// A document with an error.
    pub(super) fn error(status: u16, title: &str, detail: &str) -> Self {
        let error = json!({ "status": status.to_string(), "title": title, "detail": detail });
        Self::json(status, &json!({ "errors": [error] }))
    }

    fn json(status: u16, document: &Value) -> Self {
        Self { status, kind: Some("application/json; charset=utf-8"), body: document.to_string() }
    }

    /// Nothing but the status.
    pub(super) fn empty(status: u16) -> Self {
        Self { status, kind: None, body: String::new() }
    }

    /// Plain text.
    pub(super) fn text(status: u16, text: &str) -> Self {
        Self { status, kind: Some("text/plain; charset=utf-8"), body: text.to_owned() }
    }

    fn give(self, reply: Reply<throng_server::Answer>) {
        let mut headers = vec![("content-length".to_owned(), self.body.len().to_string().into_bytes())];
        headers.extend(self.kind.map(|kind| ("content-type".to_owned(), kind.as_bytes().to_vec())));
        reply.give_whole(ForeignHead { status: self.status, headers }, self.body);
    }
}
