//! Reads JSON values while keeping the path, and collects every problem on the way.
//!
//! Names are matched as k6 (Go) does: exactly, or else without regard to case; `null` means "not set".

use serde_json::{Map, Value as Json};

use crate::error::{PlanError, Problem};
use crate::value::Value;

/// Where we are in a document, and what was found wrong so far.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    path: String,
    problems: Vec<Problem>,
    unknown: Vec<String>,
}

impl Reader {
    /// A reader that starts at `path`.
    pub(crate) fn at(path: &str) -> Self {
        Self { path: path.to_owned(), ..Self::default() }
    }

    /// Runs `read` one level deeper, at the member `key` of the current object.
    pub(crate) fn member<T>(&mut self, key: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        let plain =
            !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        let step = match (self.path.is_empty(), plain) {
            (true, _) => key.to_owned(),
            (false, true) => format!(".{key}"),
            (false, false) => format!("[{key:?}]"),
        };
        self.deeper(&step, read)
    }

    /// Runs `read` one level deeper, at the element `index` of the current list.
    pub(crate) fn element<T>(&mut self, index: usize, read: impl FnOnce(&mut Self) -> T) -> T {
        self.deeper(&format!("[{index}]"), read)
    }

    fn deeper<T>(&mut self, step: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.path.len();
        self.path.push_str(step);
        let result = read(self);
        self.path.truncate(length);
        result
    }

    /// Notes that the value here is not what it should be. Returns `None`, to end a reading function.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "numbers, texts and JSON alike, most of them temporaries"
    )]
    pub(crate) fn invalid<T>(&mut self, value: impl ToString, expected: impl Into<String>) -> Option<T> {
        let path = self.path.clone();
        self.problem(Problem::Invalid { path, value: value.to_string(), expected: expected.into() })
    }

    /// Notes that something has to be here.
    pub(crate) fn missing<T>(&mut self, expected: impl Into<String>) -> Option<T> {
        let path = self.path.clone();
        self.problem(Problem::Missing { path, expected: expected.into() })
    }

    /// Notes that this is known but not done.
    pub(crate) fn refused<T>(&mut self, what: impl Into<String>) -> Option<T> {
        let path = self.path.clone();
        self.problem(Problem::Refused { path, what: what.into() })
    }

    /// Notes a problem. Returns `None`, to end a reading function.
    pub(crate) fn problem<T>(&mut self, problem: Problem) -> Option<T> {
        self.problems.push(problem);
        None
    }

    /// The members of an object.
    pub(crate) fn object<'a>(&mut self, json: &'a Json) -> Option<Fields<'a>> {
        match json {
            Json::Object(members) => Some(Fields { members, read: Vec::new() }),
            other => self.invalid(other, "an object"),
        }
    }

    /// A list, each element read as a `T`.
    pub(crate) fn list<T: Value>(&mut self, json: &Json) -> Option<Vec<T>> {
        let Json::Array(elements) = json else { return self.invalid(json, "a list") };
        let read = |(index, element): (usize, &Json)| self.element(index, |at| T::from_json(element, at));
        // Collected before the check, so that every wrong element is noted.
        let elements: Vec<Option<T>> = elements.iter().enumerate().map(read).collect();
        elements.into_iter().collect()
    }

    /// Names that were skipped, each with its path.
    pub(crate) fn take_unknown(&mut self) -> Vec<String> {
        std::mem::take(&mut self.unknown)
    }

    /// `value`, if no problem was noted.
    pub(crate) fn finish<T>(self, value: T) -> Result<T, PlanError> {
        if self.problems.is_empty() { Ok(value) } else { Err(PlanError { problems: self.problems }) }
    }

    /// Takes over the problems of an earlier step.
    pub(crate) fn absorb<T>(&mut self, result: Result<T, PlanError>) -> Option<T> {
        result.map_err(|error| self.problems.extend(error.problems)).ok()
    }
}

/// The members of one object, taken one after the other.
pub(crate) struct Fields<'a> {
    members: &'a Map<String, Json>,
    read: Vec<&'a str>,
}

impl<'a> Fields<'a> {
    /// The member `name`, unless it is absent or `null`.
    pub(crate) fn take(&mut self, name: &str) -> Option<&'a Json> {
        let alike = |(key, _): &(&String, &Json)| key.eq_ignore_ascii_case(name);
        let (key, json) = self.members.get_key_value(name).or_else(|| self.members.iter().find(alike))?;
        self.read.push(key);
        (!json.is_null()).then_some(json)
    }

    /// The member `name` as a `T`; a wrong one is noted and left out.
    pub(crate) fn read<T: Value>(&mut self, name: &str, at: &mut Reader) -> Option<T> {
        let json = self.take(name)?;
        at.member(name, |at| T::from_json(json, at))
    }

    /// Names nobody asked for.
    fn rest(&self) -> Vec<&'a String> {
        self.members.keys().filter(|key| !self.read.contains(&key.as_str())).collect()
    }

    /// Ends where other names are no error: they are kept for one warning.
    pub(crate) fn skip_rest(self, at: &mut Reader) {
        for key in self.rest() {
            let path = at.member(key, |at| at.path.clone());
            at.unknown.push(path);
        }
    }

    /// Ends where other names are errors.
    pub(crate) fn refuse_rest(self, owner: &str, known: &[&str], at: &mut Reader) {
        for key in self.rest() {
            let path = at.member(key, |at| at.path.clone());
            let known = known.join(", ");
            at.problems.push(Problem::Unknown { path, owner: owner.to_owned(), known });
        }
    }
}
