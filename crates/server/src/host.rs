//! What the page asks of the host program, and how it is answered.
//!
//! The host gets each question on the server's thread, in a function that must not wait: it puts it where its own thread
//! looks. A question that is dropped is answered too, with an error.

use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::sync::{mpsc, oneshot};

/// A test to start.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Start {
    /// Users at the peak.
    pub users: Option<u64>,
    /// Users started a second.
    pub spawn_rate: Option<f64>,
    /// What is loaded.
    pub host: Option<String>,
    /// For how long, such as `1m`.
    pub run_time: Option<String>,
    /// The user classes to use; all if none are named.
    pub classes: Option<Vec<String>>,
    /// The shape to use, of those that the form offers.
    pub shape: Option<String>,
    /// Values of the arguments that the test defines.
    pub arguments: Map<String, Value>,
}

/// What a run can be told.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Start a test.
    Start(Start),
    /// End it.
    Stop,
    /// Start the statistics over.
    Reset,
    /// Start no iterations until it is resumed.
    Pause,
    /// Go on.
    Resume,
    /// Change the number of users, and how many start a second.
    Users {
        /// So many there are to be.
        users: u64,
        /// As before, if it is not given.
        spawn_rate: Option<f64>,
    },
    /// Change the number of virtual users of a k6 script's externally controlled scenario.
    Scale {
        /// How many loop; as before, if it is not given.
        vus: Option<u64>,
        /// How many there are at most; as before, if it is not given.
        max_vus: Option<u64>,
    },
}

/// Why a command is not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The values cannot be used.
    Invalid(String),
    /// Not now, such as stopping what is not running.
    NotNow(String),
    /// This kind of run cannot do that.
    NotSupported(String),
}

/// A request for something that this server knows nothing of: the host program's own routes.
#[derive(Clone, Debug)]
pub struct Foreign {
    /// Such as `GET`.
    pub method: String,
    /// Below the base path, percent-encoded, beginning with `/`.
    pub path: String,
    /// What follows the question mark.
    pub query: String,
    /// All of them; values that are not Latin-1 cannot be.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The whole body.
    pub body: Bytes,
    /// Who asks.
    pub remote: String,
}

/// The begin of the answer to a [`Foreign`].
#[derive(Clone, Debug)]
pub struct ForeignHead {
    /// The status code.
    pub status: u16,
    /// All headers but those of the connection.
    pub headers: Vec<(String, Vec<u8>)>,
}

/// The host program could not finish an answer that had begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer was cut off")]
pub struct CutOff;

/// A part of a body; one that is cut off ends the connection, so that nobody takes what came for the whole.
pub type Part = Result<Bytes, CutOff>;

/// Head and body of the answer to a [`Foreign`]; the body ends when the sender of its parts is dropped.
pub type Answer = (ForeignHead, mpsc::UnboundedReceiver<Part>);

/// What the host program says of somebody who asks for something of ours.
#[derive(Debug)]
pub enum Verdict {
    /// Let in; the answer carries these headers too.
    Admitted(Vec<(String, Vec<u8>)>),
    /// Not logged in.
    Stranger,
    /// Gets this instead.
    Answered(Answer),
}

/// Where an answer goes.
#[derive(Debug)]
pub struct Reply<T>(oneshot::Sender<T>);

impl<T> Reply<T> {
    /// A place for an answer, and where it comes out.
    pub fn new() -> (Self, oneshot::Receiver<T>) {
        let (sender, receiver) = oneshot::channel();
        (Self(sender), receiver)
    }

    /// Answers. Whoever asked may have gone, which is not the host's business.
    pub fn give(self, answer: T) {
        let _ = self.0.send(answer);
    }
}

impl Reply<Answer> {
    /// Answers with a body that is there already.
    pub fn give_whole(self, head: ForeignHead, body: impl Into<Bytes>) {
        let (parts, receiver) = mpsc::unbounded_channel();
        // The receiver is at hand.
        let _ = parts.send(Ok(body.into()));
        self.give((head, receiver));
    }
}

/// A question.
#[derive(Debug)]
pub enum Ask {
    /// To be done; the answer says whether it is.
    Command(Command, Reply<Result<(), Refusal>>),
    /// What `handleSummary` of a k6 script is given, by now, as JSON.
    Summary(Reply<Result<String, Refusal>>),
    /// Whether whoever asks this is let in. Only hosts that see to that themselves are asked, or that guard the page
    /// ([`Page::guard`](crate::Page::guard)).
    Admit(Foreign, Reply<Verdict>),
    /// To be answered. Only hosts that said that they have routes are asked.
    Foreign(Foreign, Reply<Answer>),
}

/// Takes questions; called on the server's thread, and not to wait there.
pub type Inbox = Arc<dyn Fn(Ask) + Send + Sync>;
