//! Messages between Locust's nodes: a `MessagePack` array of type, data and the worker's name.
//!
//! As msgpack-python packs with its defaults, which is what Locust 2.47 uses: texts as UTF-8 `str`, bytes as `bin`,
//! floats with 64 bits, integers in their shortest form, maps with any keys.

use rmpv::Value;

/// Arrays and maps inside each other; no report is deeper than five.
const DEPTH_AT_MOST: usize = 100;

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// What it is, such as `heartbeat`, or a type that a locustfile made up.
    pub kind: String,
    /// What it carries.
    pub data: Value,
    /// The worker that sent it, or that it is for.
    pub node: String,
}

/// Why bytes are no message.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    /// They are not `MessagePack`, or too deep.
    #[error("not MessagePack: {0}")]
    Decode(#[from] rmpv::decode::Error),
    /// Something follows the value.
    #[error("{0} bytes follow the message")]
    Trailing(usize),
    /// A text that is not UTF-8, or an extension that nobody here uses.
    #[error("{0}")]
    Content(&'static str),
    /// The value is not a message.
    #[error("not an array of type, data and node")]
    Shape,
}

impl Message {
    /// The bytes of the message.
    pub fn encode(self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let parts = Value::Array(vec![self.kind.into(), self.data, self.node.into()]);
        // Writing to memory does not fail.
        let _ = rmpv::encode::write_value(&mut bytes, &parts);
        bytes
    }

    /// The message that bytes stand for; nothing may follow it.
    pub fn decode(bytes: &[u8]) -> Result<Self, MessageError> {
        let mut rest = bytes;
        let value = rmpv::decode::read_value_with_max_depth(&mut rest, DEPTH_AT_MOST)?;
        if !rest.is_empty() {
            return Err(MessageError::Trailing(rest.len()));
        }
        check(&value)?;
        let Value::Array(parts) = value else { return Err(MessageError::Shape) };
        let Ok([Value::String(kind), data, node]) = <[Value; 3]>::try_from(parts) else {
            return Err(MessageError::Shape);
        };
        let node = match node {
            Value::String(node) => node,
            // Messages for all workers of clients in other languages may name none.
            Value::Nil => "".into(),
            _ => return Err(MessageError::Shape),
        };
        match (kind.into_str(), node.into_str()) {
            (Some(kind), Some(node)) => Ok(Self { kind, data, node }),
            _ => Err(MessageError::Shape),
        }
    }
}

/// Refuses what `MessagePack` allows and Locust does not read.
fn check(value: &Value) -> Result<(), MessageError> {
    match value {
        Value::String(text) if text.is_err() => Err(MessageError::Content("a text is not UTF-8")),
        Value::Ext(..) => Err(MessageError::Content("an extension type is not known")),
        Value::Array(items) => items.iter().try_for_each(check),
        Value::Map(pairs) => pairs.iter().try_for_each(|(key, value)| check(key).and_then(|()| check(value))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Nil),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-1e300..1e300).prop_map(Value::F64),
            ".{0,40}".prop_map(Value::from),
            proptest::collection::vec(any::<u8>(), 0..40).prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 64, 8, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..8).prop_map(Value::Array),
                proptest::collection::vec((inner.clone(), inner), 0..8).prop_map(Value::Map),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(kind in ".{0,20}", node in ".{0,40}", data in value()) {
            let message = Message { kind, data, node };
            prop_assert_eq!(Message::decode(&message.clone().encode()).unwrap(), message);
        }

        #[test]
        fn garbage_is_an_error_and_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Message::decode(&bytes);
            let _ = Message::decode(&[&[0x93, 0xa0][..], &bytes].concat());
        }
    }

    #[test]
    fn a_heartbeat_is_the_bytes_that_locust_sends() {
        let node = "alpha_0a446163db9b4335a33c825f059264ab";
        let reply = Message { kind: "heartbeat".into(), data: Value::Nil, node: node.into() }.encode();
        assert_eq!(&reply[..14], b"\x93\xa9heartbeat\xc0\xd9\x26");
        assert_eq!(&reply[14..], node.as_bytes());
    }

    #[test]
    fn announced_sizes_reserve_nothing() {
        // An array, a text and a map of four billion elements each, and nothing of them.
        for head in [&[0xdd][..], &[0xdb], &[0xdf]] {
            let bytes = [&[0x93, 0xa1, b'x'], head, &[0xff; 4]].concat();
            assert!(matches!(Message::decode(&bytes), Err(MessageError::Decode(_))));
        }
    }

    #[test]
    fn what_is_nested_without_end_is_refused() {
        let deep = [&[0x93, 0xa1, b'x'][..], &vec![0x91; 100_000], &[0xc0, 0xa0]].concat();
        assert!(matches!(Message::decode(&deep), Err(MessageError::Decode(_))));
    }

    #[test]
    fn other_shapes_and_leftovers_are_refused() {
        let message = Message { kind: "a".into(), data: Value::Nil, node: "b".into() }.encode();
        assert!(matches!(Message::decode(&[&message[..], b"x"].concat()), Err(MessageError::Trailing(1))));
        for bytes in [&[0xc0][..], &[0x92, 0xa0, 0xa0], &[0x93, 1, 2, 3]] {
            assert!(matches!(Message::decode(bytes), Err(MessageError::Shape)), "{bytes:?}");
        }
        // Texts that are none, as the type and as a key of the data; a timestamp extension.
        for bytes in [
            &[0x93, 0xa1, 0xff, 0xc0, 0xa0][..],
            &[0x93, 0xa0, 0x81, 0xa1, 0xff, 0, 0xa0],
            &[0x93, 0xa0, 0xd6, 0xff, 0, 0, 0, 0, 0xa0],
        ] {
            assert!(matches!(Message::decode(bytes), Err(MessageError::Content(_))), "{bytes:?}");
        }
    }
}
