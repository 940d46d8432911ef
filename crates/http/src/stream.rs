//! A body that is read as it arrives.

use std::fmt;

use crate::conn::Connection;
use crate::pool::Key;
use crate::request::Patience;
use crate::wire::ResponseParser;

/// What is still to come of a response's body; [`crate::Client::read`] reads it. It keeps the connection until its end,
/// and closes it if it is dropped before.
pub struct BodyStream {
    pub(crate) parser: ResponseParser,
    /// `None` after the end.
    pub(crate) connection: Option<(Key, Connection)>,
    pub(crate) keep_alive: bool,
    pub(crate) patience: Option<Patience>,
}

impl BodyStream {
    /// Whether the server chooses the sizes of the pieces (chunked transfer coding).
    pub fn is_chunked(&self) -> bool {
        self.parser.is_chunked()
    }
}

impl fmt::Debug for BodyStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyStream").field("open", &self.connection.is_some()).finish_non_exhaustive()
    }
}
