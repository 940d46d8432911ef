//! A peer that sends anything: it is refused or understood, holds no more memory than it sent, and how its bytes are cut
//! changes nothing.

#![no_main]

use libfuzzer_sys::fuzz_target;
use throng_zmtp::{Connection, Event, Limits, Local, SocketType};

/// The first byte says which end is attacked, whether the handshake is already done, and how long the pieces are.
fn setup(choice: u8) -> (Connection, usize) {
    let local = |socket_type, identity: &[u8]| Local {
        socket_type,
        identity: identity.to_vec(),
        limits: Limits { message: 1000, first_message: 500, frames: 4, command: 200 },
    };
    let (ours, theirs) = if choice & 1 == 0 {
        (SocketType::Router, SocketType::Dealer)
    } else {
        (SocketType::Dealer, SocketType::Router)
    };
    let mut connection = Connection::new(local(ours, b""));
    if choice & 2 == 0 {
        let mut peer = Connection::new(local(theirs, b"peer"));
        for _ in 0..3 {
            let (from, to) = (peer.take_output(), connection.take_output());
            connection.receive(&from).expect("our own handshake");
            peer.receive(&to).expect("our own handshake");
        }
        assert!(connection.is_open() && peer.is_open());
        events(&mut connection);
    }
    (connection, usize::from(choice >> 2) + 1)
}

fn events(connection: &mut Connection) -> Vec<Event> {
    std::iter::from_fn(|| connection.poll()).collect()
}

fuzz_target!(|data: &[u8]| {
    let Some((choice, bytes)) = data.split_first() else { return };
    let (mut whole, piece) = setup(*choice);
    let (mut cut, _) = setup(*choice);
    let in_one = whole.receive(bytes);
    let in_pieces = bytes.chunks(piece).try_for_each(|piece| cut.receive(piece));
    assert_eq!(in_one.is_err(), in_pieces.is_err());
    let seen = events(&mut whole);
    assert_eq!(seen, events(&mut cut));
    let held: usize = seen
        .iter()
        .map(|event| match event {
            Event::Message(parts) => parts.iter().map(Vec::len).sum(),
            Event::Ready(peer) => peer.identity.len(),
        })
        .sum();
    assert!(held <= bytes.len());
    // Our greeting and READY, and at most one answer to each ping.
    assert!(whole.take_output().len() <= 200 + bytes.len());
});
