//! Writes numbers and numbered strings.

use std::collections::BTreeMap;

pub(super) struct Writer<'a> {
    bytes: Vec<u8>,
    strings: BTreeMap<&'a str, u64>,
}

impl<'a> Writer<'a> {
    /// Starts with the version and the table of strings, numbered in their order.
    pub(super) fn new(version: u8, strings: BTreeMap<&'a str, u64>) -> Self {
        let mut writer = Self { bytes: vec![version], strings: BTreeMap::new() };
        writer.varint(strings.len() as u64);
        for text in strings.keys() {
            writer.varint(text.len() as u64);
            writer.bytes.extend_from_slice(text.as_bytes());
        }
        writer.strings = strings;
        writer
    }

    pub(super) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    pub(super) fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    pub(super) fn float(&mut self, value: f64) {
        self.bytes.extend_from_slice(&value.to_bits().to_le_bytes());
    }

    pub(super) fn string(&mut self, text: &str) {
        let index = self.strings.get(text).copied();
        debug_assert!(index.is_some(), "the table holds every string");
        self.varint(index.unwrap_or_default());
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.bytes
    }
}
