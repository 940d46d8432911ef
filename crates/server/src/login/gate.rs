//! Lets in those who have a session or show credentials.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use tokio::sync::watch;

use super::Login;
use super::sessions::Sessions;
use super::throttle::Throttle;

/// What somebody shows.
pub(crate) enum Claim<'a> {
    /// To be this user.
    Person(&'a str, &'a str),
    /// To know the token.
    Token(&'a str),
}

/// Why somebody is not let in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Nothing was shown.
    Stranger,
    /// It is not right.
    Wrong,
    /// There were too many wrong ones; the next may come after this time.
    TooMany(Duration),
}

/// See the module's description.
pub(crate) struct Gate {
    login: Login,
    /// The cookie's name. It has the port in it: browsers keep cookies of all ports of a host together.
    cookie: String,
    /// Random; digests with it are compared instead of secrets, so that the time says nothing about them.
    key: [u8; 32],
    state: Mutex<(Sessions, Throttle)>,
    /// Told when a session was ended, or gave way to another one.
    ended: watch::Sender<()>,
}

/// A session that somebody holds, and how its end is heard of.
pub(crate) struct Session {
    id: String,
    ended: watch::Receiver<()>,
}

impl Gate {
    /// A gate; nothing if the system has no random numbers.
    pub(crate) fn new(login: Login, port: u16) -> Option<Self> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).ok()?;
        let (cookie, (ended, _)) = (format!("throng_{port}"), watch::channel(()));
        Some(Self { login, cookie, key, state: Mutex::default(), ended })
    }

    /// Whether a person can log in; otherwise a token is asked for.
    pub(crate) fn has_person(&self) -> bool {
        self.login.has_person()
    }

    /// The name of the session's cookie.
    pub(crate) fn cookie(&self) -> &str {
        &self.cookie
    }

    /// Whether a request with these headers is let in.
    pub(crate) fn admit(&self, headers: &HeaderMap, from: IpAddr) -> Result<(), Refused> {
        let now = Instant::now();
        if self
            .session(headers)
            .is_some_and(|session| self.with(|(sessions, _)| sessions.knows(session, now)))
        {
            return Ok(());
        }
        let Some(shown) = headers.get(header::AUTHORIZATION) else { return Err(Refused::Stranger) };
        let shown = shown.to_str().unwrap_or_default();
        let (scheme, value) = shown.split_once(' ').unwrap_or((shown, ""));
        let value = value.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            return self.check(&Claim::Token(value), from);
        }
        if scheme.eq_ignore_ascii_case("basic") {
            let decoded = base64::engine::general_purpose::STANDARD.decode(value).unwrap_or_default();
            let decoded = String::from_utf8(decoded).unwrap_or_default();
            let (user, password) = decoded.split_once(':').unwrap_or_default();
            return self.check(&Claim::Person(user, password), from);
        }
        Err(Refused::Stranger)
    }

    /// Begins a session for somebody who shows this; the value of its cookie.
    pub(crate) fn log_in(&self, claim: &Claim<'_>, from: IpAddr) -> Result<String, Refused> {
        self.check(claim, from)?;
        let begun = self.with(|(sessions, _)| sessions.begin(Instant::now()));
        // Where there are too many of them one more ends the oldest.
        self.ended.send_replace(());
        begun.ok_or(Refused::Stranger)
    }

    /// Ends the session of a request.
    pub(crate) fn log_out(&self, headers: &HeaderMap) {
        if let Some(session) = self.session(headers) {
            self.with(|(sessions, _)| sessions.end(session));
            self.ended.send_replace(());
        }
    }

    /// The session of a request that was let in by one.
    pub(crate) fn session_of(&self, headers: &HeaderMap) -> Option<Session> {
        // Before the look: an end between the two is heard of.
        let ended = self.ended.subscribe();
        let id = self.session(headers)?;
        self.with(|(sessions, _)| sessions.ends_at(id)).map(|_| Session { id: id.to_owned(), ended })
    }

    /// Returns when the session has ended.
    pub(crate) async fn over(&self, session: &mut Session) {
        while let Some(end) = self.with(|(sessions, _)| sessions.ends_at(&session.id)) {
            tokio::select! {
                () = tokio::time::sleep_until(end.into()) => return,
                // The sender is ours.
                _ = session.ended.changed() => {}
            }
        }
    }

    fn session<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        cookies
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find_map(|(name, value)| (name == self.cookie).then_some(value))
    }

    /// Compares, and keeps the books of failures. All of it is one step, so that nobody guesses beside each other.
    fn check(&self, claim: &Claim<'_>, from: IpAddr) -> Result<(), Refused> {
        let now = Instant::now();
        self.with(|(_, throttle)| {
            if let Some(wait) = throttle.wait(from, now) {
                return Err(Refused::TooMany(wait));
            }
            if self.is_right(claim) {
                throttle.succeeded(from);
                return Ok(());
            }
            throttle.failed(from, now);
            Err(Refused::Wrong)
        })
    }

    fn is_right(&self, claim: &Claim<'_>) -> bool {
        match (claim, &self.login.person, &self.login.token) {
            (Claim::Person(user, password), Some((known, secret)), _) => {
                // Both in any case: the time does not tell which one is wrong.
                self.is_same(user, known) & self.is_same(password, secret)
            }
            (Claim::Token(token), _, Some(secret)) => self.is_same(token, secret),
            _ => false,
        }
    }

    fn is_same(&self, shown: &str, known: &str) -> bool {
        let digest = |text: &str| Hmac::<Sha256>::new_from_slice(&self.key).map(|mac| mac.chain_update(text));
        match (digest(shown), digest(known)) {
            (Ok(shown), Ok(known)) => shown.verify(&known.finalize().into_bytes()).is_ok(),
            _ => false,
        }
    }

    fn with<R>(&self, act: impl FnOnce(&mut (Sessions, Throttle)) -> R) -> R {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate() -> Gate {
        let person = Some(("ann".to_owned(), "correct horse".to_owned()));
        Gate::new(Login::new(person, Some("battery staple".to_owned())).unwrap(), 8089).unwrap()
    }

    fn from(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    fn shows(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn a_session_a_token_or_a_password_is_let_in() {
        let gate = gate();
        assert_eq!(gate.admit(&HeaderMap::new(), from(1)), Err(Refused::Stranger));
        let session = gate.log_in(&Claim::Person("ann", "correct horse"), from(1)).unwrap();
        let cookie = shows(header::COOKIE, &format!("other=1; throng_8089={session}"));
        assert_eq!(gate.admit(&cookie, from(2)), Ok(()));
        assert_eq!(gate.admit(&shows(header::AUTHORIZATION, "Bearer battery staple"), from(1)), Ok(()));
        assert_eq!(
            gate.admit(&shows(header::AUTHORIZATION, "Basic YW5uOmNvcnJlY3QgaG9yc2U="), from(1)),
            Ok(())
        );
        gate.log_out(&cookie);
        assert_eq!(gate.admit(&cookie, from(2)), Err(Refused::Stranger));
    }

    #[tokio::test]
    async fn who_holds_a_session_hears_of_its_end() {
        let gate = gate();
        let log_in = || {
            let session = gate.log_in(&Claim::Token("battery staple"), from(1)).unwrap();
            shows(header::COOKIE, &format!("throng_8089={session}"))
        };
        let (mine, others) = (log_in(), log_in());
        let mut session = gate.session_of(&mine).unwrap();
        let waits = std::time::Duration::from_millis(20);
        gate.log_out(&others);
        assert!(
            tokio::time::timeout(waits, gate.over(&mut session)).await.is_err(),
            "the end of another one"
        );
        gate.log_out(&mine);
        tokio::time::timeout(Duration::from_secs(10), gate.over(&mut session)).await.unwrap();
        assert!(gate.session_of(&mine).is_none() && gate.session_of(&HeaderMap::new()).is_none());
    }

    #[test]
    fn what_is_wrong_is_not_and_soon_has_to_wait() {
        let gate = gate();
        for (user, password) in [("ann", "wrong"), ("bob", "correct horse"), ("", ""), ("ann", "")] {
            assert_eq!(gate.log_in(&Claim::Person(user, password), from(1)), Err(Refused::Wrong));
        }
        assert_eq!(gate.admit(&shows(header::AUTHORIZATION, "Bearer "), from(1)), Err(Refused::Wrong));
        // Even what is right, or a guess would be as good as an answer.
        let right = shows(header::AUTHORIZATION, "Bearer battery staple");
        assert!(matches!(gate.admit(&right, from(1)), Err(Refused::TooMany(_))));
        assert_eq!(gate.admit(&right, from(2)), Ok(()));
    }

    #[test]
    fn what_is_not_set_lets_in_nobody() {
        let gate = Gate::new(Login::new(None, Some("battery staple".to_owned())).unwrap(), 1).unwrap();
        assert_eq!(gate.log_in(&Claim::Person("", ""), from(1)), Err(Refused::Wrong));
        assert!(gate.log_in(&Claim::Token("battery staple"), from(1)).is_ok());
    }
}
