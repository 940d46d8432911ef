//! The join token, and how both sides prove that they know it without saying it.
//!
//! Each side sends a nonce and answers the other's with an HMAC-SHA256 over both, keyed with the token and labelled with
//! its role. A listener learns nothing it could join with, and a worker does not run what a stranger that took the
//! controller's address sends it. What is sent afterwards is protected only by TLS.

use std::fmt;
use std::fmt::Write as _;

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// The bytes of a nonce.
pub(crate) type Nonce = [u8; 16];

/// What a token has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Too easy to guess.
    #[error("the join token is too short: it needs at least {} characters", Token::MIN_CHARACTERS)]
    Short,
    /// The operating system gave no random numbers.
    #[error("make a join token: the system gave no random numbers")]
    NoRandomness,
}

/// The secret that workers and controller share. It is never sent, and never printed by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Shorter ones are refused.
    pub const MIN_CHARACTERS: usize = 8;

    /// A token that someone chose; white space around it is dropped, as files and pipes add it.
    pub fn new(text: &str) -> Result<Self, TokenError> {
        let text = text.trim();
        if text.chars().count() < Self::MIN_CHARACTERS {
            return Err(TokenError::Short);
        }
        Ok(Self(text.to_owned()))
    }

    /// A random token of 32 hexadecimal digits.
    pub fn random() -> Result<Self, TokenError> {
        let mut bytes = [0_u8; 16];
        getrandom::fill(&mut bytes).map_err(|_| TokenError::NoRandomness)?;
        Ok(Self(bytes.iter().fold(String::new(), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })))
    }

    /// The secret itself, to hand it to a worker.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub(crate) fn prove(&self, role: Role, controller: &Nonce, worker: &Nonce) -> Vec<u8> {
        self.mac(role, controller, worker).finalize().into_bytes().to_vec()
    }

    /// Compares in constant time.
    pub(crate) fn accepts(&self, role: Role, controller: &Nonce, worker: &Nonce, proof: &[u8]) -> bool {
        self.mac(role, controller, worker).verify_slice(proof).is_ok()
    }

    fn mac(&self, role: Role, controller: &Nonce, worker: &Nonce) -> Hmac<Sha256> {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_bytes()).expect("a key of any length");
        mac.update(match role {
            Role::Controller => b"throng cluster 1 controller".as_slice(),
            Role::Worker => b"throng cluster 1 worker",
            Role::Leader => b"throng fill 1 leader",
            Role::Member => b"throng fill 1 member",
        });
        mac.update(controller);
        mac.update(worker);
        mac
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Whose proof it is: a proof cannot be sent back as one's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Controller,
    Worker,
    /// Those of a fill, which speak another language: see [`crate::meeting`].
    Leader,
    Member,
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCES: (Nonce, Nonce) = ([1; 16], [2; 16]);

    #[test]
    fn a_proof_is_good_for_one_token_one_role_and_one_meeting() {
        let token = Token::new("correct horse").unwrap();
        let proof = token.prove(Role::Worker, &NONCES.0, &NONCES.1);
        assert!(token.accepts(Role::Worker, &NONCES.0, &NONCES.1, &proof));
        assert!(!token.accepts(Role::Controller, &NONCES.0, &NONCES.1, &proof));
        assert!(!token.accepts(Role::Worker, &[3; 16], &NONCES.1, &proof));
        assert!(!token.accepts(Role::Worker, &NONCES.0, &NONCES.1, &proof[..31]));
        assert!(!token.accepts(Role::Worker, &NONCES.0, &NONCES.1, b""));
        let other = Token::new("battery staple").unwrap();
        assert!(!other.accepts(Role::Worker, &NONCES.0, &NONCES.1, &proof));
    }

    #[test]
    fn tokens_are_long_enough_trimmed_and_hidden() {
        assert_eq!(Token::new("  short \n"), Err(TokenError::Short));
        assert_eq!(Token::new(" long enough\n").unwrap().reveal(), "long enough");
        let random = Token::random().unwrap();
        assert_eq!(random.reveal().len(), 32);
        assert_ne!(random, Token::random().unwrap());
        assert!(!format!("{random:?}").contains(random.reveal()));
    }
}
