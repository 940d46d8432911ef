//! What a request gives back: one object for both clients, most of which is made when it is first looked at.

mod content;
mod object;
mod report;
mod sent;
mod verdict;

pub(crate) use object::{Answer, Report, Response};
pub(crate) use sent::{Sent, SentRequest};
