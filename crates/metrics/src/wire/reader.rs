//! Reads numbers and numbered strings, and never past the end.

use std::sync::Arc;

use super::WireError;

pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    strings: Vec<Arc<str>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8], version: u8) -> Result<Self, WireError> {
        let mut reader = Self { bytes, at: 0, strings: Vec::new() };
        let found = reader.byte()?;
        if found != version {
            return Err(WireError::Version(found));
        }
        reader.strings = reader.list(|reader| {
            let length = reader.length()?;
            let at = reader.at;
            let text = std::str::from_utf8(reader.take(length)?);
            text.map(Arc::from).map_err(|_| WireError::Invalid { what: "a string", at })
        })?;
        Ok(reader)
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], WireError> {
        let rest = &self.bytes[self.at..];
        let taken = rest.get(..length).ok_or(WireError::Truncated(self.bytes.len()))?;
        self.at += length;
        Ok(taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, WireError> {
        Ok(self.take(1)?[0])
    }

    pub(super) fn varint(&mut self) -> Result<u64, WireError> {
        let at = self.at;
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                break;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(WireError::Invalid { what: "a number", at })
    }

    /// A number of bytes or elements, which cannot be larger than the number of bytes left.
    pub(super) fn length(&mut self) -> Result<usize, WireError> {
        let length = usize::try_from(self.varint()?).unwrap_or(usize::MAX);
        if length > self.bytes.len() - self.at {
            return Err(WireError::Truncated(self.bytes.len()));
        }
        Ok(length)
    }

    /// A value that is not NaN.
    pub(super) fn float(&mut self) -> Result<f64, WireError> {
        let at = self.at;
        let mut bits = [0; 8];
        bits.copy_from_slice(self.take(8)?);
        let value = f64::from_bits(u64::from_le_bytes(bits));
        if value.is_nan() { Err(WireError::Invalid { what: "a value", at }) } else { Ok(value) }
    }

    pub(super) fn string(&mut self) -> Result<Arc<str>, WireError> {
        let at = self.at;
        let index = self.varint()?;
        let text = usize::try_from(index).ok().and_then(|index| self.strings.get(index));
        text.cloned().ok_or(WireError::Invalid { what: "a string's number", at })
    }

    pub(super) fn list<T>(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<T, WireError>,
    ) -> Result<Vec<T>, WireError> {
        let length = self.length()?;
        // A length is only said: what is large has to be there.
        let mut list = Vec::with_capacity(length.min(1_024));
        for _ in 0..length {
            list.push(element(self)?);
        }
        Ok(list)
    }

    pub(super) fn finish(self) -> Result<(), WireError> {
        if self.at == self.bytes.len() {
            return Ok(());
        }
        Err(WireError::Invalid { what: "what follows the end", at: self.at })
    }
}
