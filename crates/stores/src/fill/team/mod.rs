//! A fill that several processes do together: one leads and deals ranges of records, members make and send them.
//!
//! The leader alone knows how far the whole is. A member that is lost loses its ranges to the others, who ask the database
//! first which of them are there: so each record comes once and counts once, whoever died when.
//!
//! - Invariant: a range counts when a member has answered for all of it, and once.
//! - Invariant: which records there are in the end depends on the goal, not on how many members there were.

mod dealer;
mod leader;
mod member;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

pub(super) use leader::lead;
pub use member::serve;

use crate::error::Trouble;
use crate::plan::Plan;
use crate::preview::preview;

/// What the leader asks of a member. As JSON, one to a line, this is the protocol between the processes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Bring these records into the database.
    Make(Share),
    /// Nothing: the leader is still there.
    Stay,
    /// End what is under way, begin nothing more, and leave.
    Stop,
    /// Leave: its records would be others, so it is given none.
    Differs,
}

/// A range of records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// The number that the answer carries.
    pub id: u64,
    /// Its records.
    pub records: Range<u64>,
    /// Those that were not there when the fill began, in order.
    pub missing: Vec<Range<u64>>,
    /// Whether somebody who was lost may have sent some of them.
    pub is_doubtful: bool,
}

/// What a member says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It is there and makes the records with this mark: see [`mark`].
    Ready(String),
    /// Nothing: it is still there.
    Alive,
    /// All records of a share are there.
    Made(Made),
    /// It cannot reach the database and tries again.
    Away(String),
    /// It can reach it again.
    Back,
    /// It cannot go on, and nobody could.
    Failed {
        /// What to do about it.
        kind: Trouble,
        /// What happened.
        message: String,
    },
}

/// A share that is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Made {
    /// The number of the share.
    pub id: u64,
    /// Records that were there when the fill began.
    pub there: Amount,
    /// Records that came since.
    pub inserted: Amount,
    /// How many of these had arrived although the answer was lost.
    pub recovered: u64,
}

/// Some records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Amount {
    /// How many.
    pub records: u64,
    /// Their logical bytes.
    pub bytes: u64,
}

impl Amount {
    pub(super) fn add(&mut self, bytes: u64) {
        self.records += 1;
        self.bytes += bytes;
    }
}

/// What the leader is told about its members.
#[derive(Debug)]
enum Event {
    /// One more; where its orders go.
    Joined(usize, mpsc::UnboundedSender<Order>),
    /// One says something.
    Said(usize, Answer),
    /// One is gone, whether it was told to or not.
    Gone(usize, String),
}

/// What a leader hears: see [`gate`].
#[derive(Debug)]
pub struct Events {
    told: mpsc::UnboundedReceiver<Event>,
    /// How many members the leader takes to be of use.
    useful: Arc<AtomicUsize>,
}

/// Tells a leader about its members. When all clones of it are gone nobody can join any more, and a fill without members is
/// over.
#[derive(Debug, Clone)]
pub struct Gate {
    tell: mpsc::UnboundedSender<Event>,
    useful: Arc<AtomicUsize>,
}

/// Orders for one member, as they come.
#[derive(Debug)]
pub struct Orders(mpsc::UnboundedReceiver<Order>);

/// Where a member's orders come in.
#[derive(Debug)]
pub struct Desk(mpsc::UnboundedSender<Order>);

/// The way to a leader.
pub fn gate() -> (Gate, Events) {
    let (tell, events) = mpsc::unbounded_channel();
    let useful = Arc::<AtomicUsize>::default();
    (Gate { tell, useful: useful.clone() }, Events { told: events, useful })
}

/// The way to a member.
pub fn orders() -> (Desk, Orders) {
    let (send, orders) = mpsc::unbounded_channel();
    (Desk(send), Orders(orders))
}

// A leader that has ended does not listen, and needs not.
impl Gate {
    /// A member is there; its orders.
    pub fn joined(&self, member: usize) -> Orders {
        let (Desk(send), orders) = orders();
        let _ = self.tell.send(Event::Joined(member, send));
        orders
    }

    /// How many are there of whom the leader knows that they make the same records. One that is refused and comes again and
    /// again never is.
    pub fn members(&self) -> usize {
        self.useful.load(Ordering::Acquire)
    }

    /// Whether the leader has ended.
    pub fn is_over(&self) -> bool {
        self.tell.is_closed()
    }

    /// A member says something.
    pub fn said(&self, member: usize, answer: Answer) {
        let _ = self.tell.send(Event::Said(member, answer));
    }

    /// A member that had joined is gone, for this reason.
    pub fn gone(&self, member: usize, reason: String) {
        let _ = self.tell.send(Event::Gone(member, reason));
    }
}

impl Orders {
    /// Waits for the next one; nothing when there are no more.
    pub fn wait(&mut self) -> Option<Order> {
        self.0.blocking_recv()
    }
}

impl Desk {
    /// Gives an order; false when the member is gone.
    pub fn give(&self, order: Order) -> bool {
        self.0.send(order).is_ok()
    }
}

/// What the records of a plan can be told by: members who would make others (another version of this program, a template
/// that was changed meanwhile) are not let in.
pub fn mark(plan: &Plan) -> String {
    const LOOKED_AT: [u64; 3] = [0, 1, 9_999];
    let texts = LOOKED_AT.map(|sequence| preview(plan.kind, &plan.template, sequence).json);
    let place = format!("{}/{}", plan.database, plan.collection);
    format!("{:08x}", crate::template::tag(u64::from(crate::template::tag(0, &texts.concat())), &place))
}
