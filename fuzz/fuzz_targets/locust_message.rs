//! Bytes of a message: refused, or a message that is the same after being written and read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use throng_locust::Message;

fuzz_target!(|data: &[u8]| {
    if let Ok(message) = Message::decode(data) {
        let again = Message::decode(&message.clone().encode()).expect("our own bytes");
        // Not the values themselves: NaN is not equal to itself.
        assert_eq!(format!("{message:?}"), format!("{again:?}"));
    }
});
