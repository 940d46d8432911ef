//! What can go wrong between us and a database, sorted by what is to be done about it.

/// Why an operation failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct StoreError {
    /// What to do about it.
    pub kind: Trouble,
    /// What the server or the driver says, without secrets.
    pub message: String,
}

/// What to do about a failed operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// The connection failed, or the server is not ready: try again. What was sent may have been done.
    Unreachable,
    /// A key is there already: find out which records are, and insert the others.
    Duplicate,
    /// User or password are wrong.
    Credentials,
    /// There is no such database.
    NoDatabase,
    /// The user may not do that.
    Forbidden,
    /// The server has no room left.
    Full,
    /// A record is larger than the server takes.
    TooLarge,
    /// Anything else that the server refuses; trying again would not help.
    Refused,
}

impl StoreError {
    pub(crate) fn new(kind: Trouble, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

/// Why a fill ended before its goal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FillError {
    /// The server refused something; see its kind.
    #[error("{what}: {source}{hint}")]
    Store {
        /// What was being done.
        what: String,
        /// The server's answer.
        source: StoreError,
        /// What to do, with its separator; may be empty.
        hint: String,
    },
    /// A record is larger than the server takes.
    #[error(
        "record {sequence} has {bytes} bytes and the server takes at most {limit}; make it smaller in the template"
    )]
    TooLarge {
        /// Its number.
        sequence: u64,
        /// Its length.
        bytes: u64,
        /// The most that the server takes.
        limit: u64,
    },
    /// Records are there whose keys would be ours and whose content is not.
    #[error(
        "{collection} holds records with the keys of this fill, but none of those looked at is what this template and \
         seed make; --drop begins anew, and another --seed or \"start\" of the key's $sequence leaves them alone"
    )]
    Foreign {
        /// The collection or table.
        collection: String,
    },
    /// A unique key that is not ours was violated.
    #[error(
        "the server refused a record as a duplicate, but not for its key: {message}; a field with a unique index must be \
         made from \"$sequence\""
    )]
    Unique {
        /// What the server said.
        message: String,
    },
    /// A member of a team could not go on.
    #[error("worker {member}: {message}")]
    Member {
        /// Its number.
        member: usize,
        /// What to do about it.
        kind: Trouble,
        /// What happened.
        message: String,
    },
    /// This member of a team would make other records than the leader.
    #[error(
        "it would make other records than the fill: its template, seed or version of throng is another one"
    )]
    Differs,
    /// All members of a team are gone.
    #[error("no worker is left")]
    Alone,
    /// The process cannot do it.
    #[error("cannot start: {0}")]
    Start(String),
}

impl FillError {
    pub(crate) fn store(what: impl Into<String>, source: StoreError) -> Self {
        let hint = match source.kind {
            Trouble::Credentials => "; check user and password",
            Trouble::NoDatabase => "; create it first: throng fill creates tables and collections only",
            Trouble::Full => "; make room and run the same command again: what is there is kept",
            _ => "",
        };
        Self::Store { what: what.into(), source, hint: hint.to_owned() }
    }

    /// What kind of trouble it is.
    pub fn trouble(&self) -> Trouble {
        match self {
            Self::Store { source, .. } => source.kind,
            Self::TooLarge { .. } => Trouble::TooLarge,
            Self::Member { kind, .. } => *kind,
            Self::Foreign { .. } | Self::Unique { .. } | Self::Differs | Self::Alone | Self::Start(_) => {
                Trouble::Refused
            }
        }
    }
}
