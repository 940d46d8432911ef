//! Who is let in: a person with user and password, a program with a token.
//!
//! [`Login`] is what the host program says, [`Gate`] what comes of it: it knows sessions, and slows down whoever guesses.
//! Nothing of it is ever written to a log or shown by `Debug`.

mod gate;
mod sessions;
mod throttle;

use std::fmt;

pub(crate) use gate::{Claim, Gate, Refused, Session};

/// Shorter secrets are refused.
const MIN_CHARACTERS: usize = 8;

/// The credentials of a page.
#[derive(Clone)]
pub struct Login {
    person: Option<(String, String)>,
    token: Option<String>,
}

/// Why credentials cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// Nobody could log in.
    #[error("there is neither a user with a password nor a token")]
    Nobody,
    /// A user without a name.
    #[error("the user's name is empty, or has a colon")]
    User,
    /// Too easy to guess.
    #[error("the {0} is too short: it needs at least {MIN_CHARACTERS} characters")]
    Short(&'static str),
}

impl Login {
    /// Lets in `person`, a user with a password, and whoever has `token`. One of them is needed.
    pub fn new(person: Option<(String, String)>, token: Option<String>) -> Result<Self, LoginError> {
        if let Some((user, password)) = &person {
            // A colon ends the user's name in HTTP's Basic scheme.
            if user.is_empty() || user.contains(':') {
                return Err(LoginError::User);
            }
            if password.chars().count() < MIN_CHARACTERS {
                return Err(LoginError::Short("password"));
            }
        }
        if token.as_ref().is_some_and(|token| token.chars().count() < MIN_CHARACTERS) {
            return Err(LoginError::Short("token"));
        }
        if person.is_none() && token.is_none() {
            return Err(LoginError::Nobody);
        }
        Ok(Self { person, token })
    }

    /// Whether there is a user with a password.
    pub(crate) fn has_person(&self) -> bool {
        self.person.is_some()
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_that_let_in_nobody_or_anybody_are_refused() {
        let person = |user: &str, password: &str| Some((user.to_owned(), password.to_owned()));
        assert_eq!(Login::new(None, None).unwrap_err(), LoginError::Nobody);
        assert_eq!(Login::new(person("", "long enough"), None).unwrap_err(), LoginError::User);
        assert_eq!(Login::new(person("a:b", "long enough"), None).unwrap_err(), LoginError::User);
        assert_eq!(Login::new(person("a", "short"), None).unwrap_err(), LoginError::Short("password"));
        assert_eq!(Login::new(None, Some("short".into())).unwrap_err(), LoginError::Short("token"));
        let login = Login::new(person("a", "long enough"), Some("long enough too".into())).unwrap();
        assert_eq!(format!("{login:?}"), "Login(…)");
    }
}
