//! Two processes that prove to each other over a plain connection that they know the token, before they say anything else.
//!
//! For `throng fill`, whose workers speak a simpler language than those of a test. What is said afterwards is not protected.

use std::io::{self, Read, Write};

use crate::token::{Nonce, Role, Token};

/// The length of a proof.
const PROOF: usize = 32;

/// The side that was connected to.
pub fn receive(stream: &mut (impl Read + Write), token: &Token) -> io::Result<()> {
    let (leader, member) = (nonce()?, &mut [0; 16]);
    stream.write_all(&leader)?;
    stream.read_exact(member)?;
    let proof = &mut [0; PROOF];
    stream.read_exact(proof)?;
    if !token.accepts(Role::Member, &leader, member, proof) {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it has another join token"));
    }
    stream.write_all(&token.prove(Role::Leader, &leader, member))
}

/// The side that connects.
pub fn join(stream: &mut (impl Read + Write), token: &Token) -> io::Result<()> {
    let (leader, member) = (&mut [0; 16], nonce()?);
    stream.read_exact(leader)?;
    stream.write_all(&member)?;
    stream.write_all(&token.prove(Role::Member, leader, &member))?;
    let proof = &mut [0; PROOF];
    let refused = || io::Error::new(io::ErrorKind::PermissionDenied, "it has another join token");
    // Who is not let in is hung up on; anything else is a trouble of the network, or of a leader that is slow.
    stream.read_exact(proof).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => refused(),
        _ => error,
    })?;
    if token.accepts(Role::Leader, leader, &member, proof) { Ok(()) } else { Err(refused()) }
}

fn nonce() -> io::Result<Nonce> {
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(|_| io::Error::other("the system gave no random numbers"))?;
    Ok(nonce)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    fn meet(ours: &str, theirs: &str) -> (io::Result<()>, io::Result<()>) {
        let (mut here, mut there) = UnixStream::pair().unwrap();
        let (ours, theirs) = (Token::new(ours).unwrap(), Token::new(theirs).unwrap());
        let other = std::thread::spawn(move || join(&mut there, &theirs));
        let received = receive(&mut here, &ours);
        drop(here);
        (received, other.join().unwrap())
    }

    #[test]
    fn those_who_know_the_token_meet() {
        let (received, joined) = meet("correct horse", "correct horse");
        assert!(received.is_ok() && joined.is_ok());
    }

    #[test]
    fn others_do_not() {
        let (received, joined) = meet("correct horse", "battery staple");
        assert_eq!(received.unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        assert!(joined.unwrap_err().to_string().contains("another join token"));
    }

    #[test]
    fn a_leader_that_does_not_know_it_is_found_out() {
        let (mut here, mut there) = UnixStream::pair().unwrap();
        let token = Token::new("correct horse").unwrap();
        let other = std::thread::spawn(move || join(&mut there, &token));
        here.write_all(&[7; 16]).unwrap();
        let mut heard = [0; 48];
        here.read_exact(&mut heard).unwrap();
        // Sending the member's own proof back does not help.
        here.write_all(&heard[16..]).unwrap();
        assert!(other.join().unwrap().is_err());
    }
}
