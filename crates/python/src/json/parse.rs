//! JSON text as Python objects, as `json.loads` makes them.

use std::borrow::Cow;
use std::cell::RefCell;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFloat, PyList, PyString};

use super::DEPTH;
use crate::gil::GilBound;

/// The value of a text; `None` if it is not plain JSON (RFC 8259), for Python to say what it is.
pub(crate) fn parse<'py>(py: Python<'py>, text: &str) -> Option<Bound<'py, PyAny>> {
    let mut parser = Parser { text, bytes: text.as_bytes(), at: 0 };
    let value = parser.value(py, DEPTH)?;
    parser.skip_space();
    (parser.at == parser.bytes.len()).then_some(value)
}

struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Parser<'a> {
    fn skip_space(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    /// The next byte that is no space.
    fn peek(&mut self) -> Option<u8> {
        self.skip_space();
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, word: &str) -> Option<()> {
        self.text.get(self.at..)?.starts_with(word).then(|| self.at += word.len())
    }

    fn value<'py>(&mut self, py: Python<'py>, depth: u32) -> Option<Bound<'py, PyAny>> {
        match self.peek()? {
            b'"' => Some(PyString::new(py, &self.string()?).into_any()),
            b'{' if depth > 0 => self.object(py, depth - 1),
            b'[' if depth > 0 => self.array(py, depth - 1),
            b't' => self.take("true").and_then(|()| Some(true.into_pyobject(py).ok()?.to_owned().into_any())),
            b'f' => {
                self.take("false").and_then(|()| Some(false.into_pyobject(py).ok()?.to_owned().into_any()))
            }
            b'n' => self.take("null").map(|()| py.None().into_bound(py)),
            b'-' | b'0'..=b'9' => self.number(py),
            _ => None,
        }
    }

    fn object<'py>(&mut self, py: Python<'py>, depth: u32) -> Option<Bound<'py, PyAny>> {
        let dict = PyDict::new(py);
        self.at += 1;
        if self.peek()? == b'}' {
            self.at += 1;
            return Some(dict.into_any());
        }
        loop {
            if self.peek()? != b'"' {
                return None;
            }
            let key = known_key(py, &self.string()?);
            if self.peek()? != b':' {
                return None;
            }
            self.at += 1;
            let value = self.value(py, depth)?;
            dict.set_item(key, value).ok()?;
            match self.peek()? {
                b',' => self.at += 1,
                b'}' => {
                    self.at += 1;
                    return Some(dict.into_any());
                }
                _ => return None,
            }
        }
    }

    fn array<'py>(&mut self, py: Python<'py>, depth: u32) -> Option<Bound<'py, PyAny>> {
        let mut items = Vec::new();
        self.at += 1;
        if self.peek()? == b']' {
            self.at += 1;
            return Some(PyList::empty(py).into_any());
        }
        loop {
            items.push(self.value(py, depth)?);
            match self.peek()? {
                b',' => self.at += 1,
                b']' => {
                    self.at += 1;
                    return Some(PyList::new(py, items).ok()?.into_any());
                }
                _ => return None,
            }
        }
    }

    /// A string, from its opening quotation mark.
    fn string(&mut self) -> Option<Cow<'a, str>> {
        self.at += 1;
        let start = self.at;
        let length = self.bytes[start..].iter().position(|b| matches!(b, b'"' | b'\\' | ..b' '))?;
        self.at += length;
        if self.bytes[self.at] == b'"' {
            self.at += 1;
            return Some(Cow::Borrowed(&self.text[start..start + length]));
        }
        let mut out = self.text[start..self.at].to_owned();
        loop {
            match *self.bytes.get(self.at)? {
                b'"' => {
                    self.at += 1;
                    return Some(Cow::Owned(out));
                }
                b'\\' => out.push(self.escape()?),
                ..b' ' => return None,
                _ => {
                    let rest = &self.bytes[self.at..];
                    let plain = rest.iter().position(|b| matches!(b, b'"' | b'\\' | ..b' '))?;
                    out.push_str(&self.text[self.at..self.at + plain]);
                    self.at += plain;
                }
            }
        }
    }

    fn escape(&mut self) -> Option<char> {
        let kind = *self.bytes.get(self.at + 1)?;
        self.at += 2;
        Some(match kind {
            b'"' | b'\\' | b'/' => char::from(kind),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.hex()?;
                if !(0xd800..0xdc00).contains(&first) {
                    return char::from_u32(first);
                }
                self.take("\\u")?;
                let second = self.hex().filter(|unit| (0xdc00..0xe000).contains(unit))?;
                return char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00));
            }
            _ => return None,
        })
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    fn number<'py>(&mut self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        let start = self.at;
        if self.bytes[self.at] == b'-' {
            self.at += 1;
        }
        if self.bytes.get(self.at) == Some(&b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        let mut whole = true;
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
            whole = false;
        }
        if matches!(self.bytes.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.bytes.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
            whole = false;
        }
        let digits = &self.text[start..self.at];
        if whole {
            return Some(digits.parse::<i64>().ok()?.into_pyobject(py).ok()?.into_any());
        }
        Some(PyFloat::new(py, digits.parse().ok()?).into_any())
    }
}

/// Keys that were seen, by a hash of few bytes: those of an API are always the same ones.
static KEYS: GilBound<RefCell<Vec<Option<Py<PyString>>>>> = GilBound::new(RefCell::new(Vec::new()));

const KEYS_KEPT: usize = 256;
const KEY_AT_MOST: usize = 32;

fn known_key<'py>(py: Python<'py>, key: &str) -> Bound<'py, PyString> {
    if key.len() > KEY_AT_MOST {
        return PyString::new(py, key);
    }
    let mix = |hash: usize, byte: u8| (hash ^ usize::from(byte)).wrapping_mul(0x0100_0193);
    let place = key.bytes().fold(0x811c_9dc5, mix) % KEYS_KEPT;
    let mut keys = KEYS.get(py).borrow_mut();
    if keys.is_empty() {
        keys.resize_with(KEYS_KEPT, || None);
    }
    if let Some(known) = &keys[place]
        && known.bind(py).to_str().is_ok_and(|known| known == key)
    {
        return known.bind(py).clone();
    }
    let new = PyString::new(py, key);
    keys[place] = Some(new.clone().unbind());
    new
}
