//! What a request gives back: one object for both clients, most of which is made when it is first looked at.

mod classes;
mod content;
mod made;
mod object;
mod report;
mod rest;
mod sent;
mod verdict;

pub(crate) use classes::add_to;
pub(crate) use made::{Answer, Report};
pub(crate) use object::Response;
pub(crate) use rest::Open;
pub(crate) use sent::{FastRequest, Sent, SentRequest};
