//! The first 64 bytes of each side: signature, version, security mechanism.

use crate::error::Error;
use crate::stranger::Stranger;

pub(crate) const LENGTH: usize = 64;
const SIGNATURE: usize = 10;
const MECHANISM: std::ops::Range<usize> = 12..32;

/// Our greeting: ZMTP 3.1, NULL.
pub(crate) fn ours() -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    bytes[0] = 0xff;
    // Where versions 1 and 2 expect the length of an identity; libzmq writes the same.
    bytes[8] = 1;
    bytes[9] = 0x7f;
    bytes[10] = 3;
    bytes[11] = 1;
    bytes[MECHANISM.start..MECHANISM.start + 4].copy_from_slice(b"NULL");
    bytes
}

/// The minor version of a peer with these first bytes; `None` while there are too few to tell.
///
/// Each byte is judged as soon as it is there: a peer that is none need not send 64 of them.
pub(crate) fn read(bytes: &[u8]) -> Result<Option<u8>, Error> {
    let stranger = || Error::NotZmtp(Stranger::guess(bytes));
    match bytes.first() {
        None => return Ok(None),
        // What says what it is gets the time to say it.
        Some(first) if *first != 0xff => {
            return if bytes.len() < 4 && first.is_ascii_graphic() { Ok(None) } else { Err(stranger()) };
        }
        Some(_) => {}
    }
    if bytes.get(SIGNATURE - 1).is_some_and(|last| *last != 0x7f) {
        return Err(stranger());
    }
    if let Some(major) = bytes.get(SIGNATURE)
        && *major < 3
    {
        // Version 1 is 0 here; version 2 is 1.
        return Err(Error::Version(major + 1));
    }
    let Some(greeting) = bytes.first_chunk::<LENGTH>() else { return Ok(None) };
    let mechanism = &greeting[MECHANISM];
    let end = mechanism.iter().position(|byte| *byte == 0).unwrap_or(mechanism.len());
    if &mechanism[..end] != b"NULL" {
        return Err(Error::Mechanism(String::from_utf8_lossy(&mechanism[..end]).into_owned()));
    }
    Ok(Some(greeting[11]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_greeting_is_accepted_and_no_shorter_one() {
        for length in 0..LENGTH {
            assert_eq!(read(&ours()[..length]), Ok(None), "{length}");
        }
        assert_eq!(read(&ours()), Ok(Some(1)));
    }

    #[test]
    fn old_versions_and_other_mechanisms_are_refused_by_name() {
        let mut greeting = ours();
        greeting[10] = 1;
        assert_eq!(read(&greeting[..11]), Err(Error::Version(2)));
        let mut greeting = ours();
        greeting[12..17].copy_from_slice(b"CURVE");
        assert_eq!(read(&greeting), Err(Error::Mechanism("CURVE".to_owned())));
    }

    #[test]
    fn a_stranger_is_refused_after_few_bytes() {
        assert_eq!(read(b"GET / "), Err(Error::NotZmtp(Stranger::Http1)));
        assert_eq!(read(&[0x16, 3]), Err(Error::NotZmtp(Stranger::Tls)));
        assert_eq!(read(&[0xff; 10]), Err(Error::NotZmtp(Stranger::Unknown)));
    }
}
