//! Records in a file: each after its length and its checksum, so that a write that was not finished is known from one that
//! was.

/// What a file begins with; the digit is the version.
pub(super) const HEADER: &[u8] = b"throng journal 2\n";

/// Length and CRC-32, four bytes each, least significant first.
const PREFIX: usize = 8;

/// Adds a record.
pub(super) fn append(bytes: &mut Vec<u8>, payload: &[u8]) {
    bytes.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&crc32fast::hash(payload).to_le_bytes());
    bytes.extend_from_slice(payload);
}

/// The records of a file, and how many bytes at its end are none; nothing if it is no such file.
pub(super) fn records(bytes: &[u8]) -> Option<(Vec<&[u8]>, usize)> {
    let mut rest = bytes.strip_prefix(HEADER)?;
    let mut records = Vec::new();
    while let Some((record, after)) = first(rest) {
        records.push(record);
        rest = after;
    }
    Some((records, rest.len()))
}

fn first(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (prefix, rest) = bytes.split_at_checked(PREFIX)?;
    let number = |at: usize| u32::from_le_bytes([prefix[at], prefix[at + 1], prefix[at + 2], prefix[at + 3]]);
    let (payload, rest) = rest.split_at_checked(number(0) as usize)?;
    // Zeros, which a file system may leave at the end, have a checksum that fits.
    (!payload.is_empty() && crc32fast::hash(payload) == number(4)).then_some((payload, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_or_damaged_at_the_end_is_left_out() {
        let mut bytes = HEADER.to_vec();
        append(&mut bytes, b"first");
        let whole = bytes.len();
        append(&mut bytes, b"second");
        assert_eq!(records(&bytes), Some((vec![&b"first"[..], b"second"], 0)));
        for end in whole..bytes.len() {
            assert_eq!(records(&bytes[..end]), Some((vec![&b"first"[..]], end - whole)));
        }
        let mut zeros = bytes[..whole].to_vec();
        zeros.resize(whole + 100, 0);
        assert_eq!(records(&zeros), Some((vec![&b"first"[..]], 100)));
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        assert_eq!(records(&bytes), Some((vec![&b"first"[..]], bytes.len() - whole)));
        assert_eq!(records(b"something else"), None);
    }
}
