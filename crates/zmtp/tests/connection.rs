//! Whole conversations: with ourselves, with what libzmq 4.3.5 sent when Locust 2.47 spoke through it, and with garbage.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use proptest::prelude::*;
use throng_zmtp::{Connection, Error, Event, Limits, Local, Peer, SocketType, Stranger};

/// What Locust 2.47's worker sent from its first byte to its last: a run of two seconds.
const FROM_WORKER: &[u8] = include_bytes!("fixtures/locust-2.47-worker.bin");
/// What the master answered.
const FROM_MASTER: &[u8] = include_bytes!("fixtures/locust-2.47-master.bin");

fn router() -> Connection {
    Connection::new(Local {
        socket_type: SocketType::Router,
        identity: Vec::new(),
        limits: Limits::default(),
    })
}

fn dealer(identity: &str) -> Connection {
    Connection::new(Local {
        socket_type: SocketType::Dealer,
        identity: identity.into(),
        limits: Limits::default(),
    })
}

fn events(connection: &mut Connection) -> Vec<Event> {
    std::iter::from_fn(|| connection.poll()).collect()
}

/// What each side says until nobody has anything to say.
fn converse(a: &mut Connection, b: &mut Connection) {
    loop {
        let (from_a, from_b) = (a.take_output(), b.take_output());
        if from_a.is_empty() && from_b.is_empty() {
            return;
        }
        a.receive(&from_b).unwrap();
        b.receive(&from_a).unwrap();
    }
}

#[test]
fn a_dealer_and_a_router_meet_and_talk() {
    let (mut worker, mut master) = (dealer("host_1"), router());
    worker.send(b"before the handshake");
    converse(&mut worker, &mut master);
    assert!(worker.is_open() && master.is_open());
    assert_eq!(
        events(&mut master),
        [
            Event::Ready(Peer { identity: b"host_1".to_vec(), minor_version: 1 }),
            Event::Message(vec![b"before the handshake".to_vec()]),
        ]
    );
    master.send(&vec![7; 70_000]);
    converse(&mut worker, &mut master);
    assert_eq!(events(&mut worker)[1], Event::Message(vec![vec![7; 70_000]]));
}

#[test]
fn what_locust_sent_is_understood_and_what_we_send_is_the_same_bytes() {
    let (mut master, mut worker) = (router(), dealer("alpha_0"));
    master.receive(FROM_WORKER).unwrap();
    worker.receive(FROM_MASTER).unwrap();
    let (from_worker, from_master) = (events(&mut master), events(&mut worker));
    let Event::Ready(peer) = &from_worker[0] else { panic!("{from_worker:?}") };
    assert!(peer.identity.starts_with(b"alpha_"));
    assert!(matches!(from_master[0], Event::Ready(_)));
    // A side that says the same makes the same bytes, but for the padding of the greeting, which libzmq fills with the
    // length of the identity.
    for (theirs, events, socket_type, identity) in [
        (FROM_WORKER, from_worker.clone(), SocketType::Dealer, peer.identity.clone()),
        (FROM_MASTER, from_master, SocketType::Router, Vec::new()),
    ] {
        let mut again = Connection::new(Local { socket_type, identity, limits: Limits::default() });
        let mut other = if socket_type == SocketType::Router { dealer("") } else { router() };
        let mut ours = again.take_output();
        again.receive(&other.take_output()).unwrap();
        ours.extend(again.take_output());
        other.receive(&ours).unwrap();
        again.receive(&other.take_output()).unwrap();
        for event in events {
            if let Event::Message(parts) = event {
                again.send(&parts[0]);
            }
        }
        ours.extend(again.take_output());
        ours[8] = theirs[8];
        assert!(ours == theirs, "{socket_type}");
    }
}

proptest! {
    #[test]
    fn it_does_not_matter_how_the_bytes_are_cut(cuts in proptest::collection::vec(1_usize..400, 0..200)) {
        let mut whole = router();
        whole.receive(FROM_WORKER).unwrap();
        let (mut cut, mut rest, mut cuts) = (router(), FROM_WORKER, cuts.into_iter());
        while !rest.is_empty() {
            let (now, later) = rest.split_at(cuts.next().unwrap_or(1000).min(rest.len()));
            cut.receive(now).unwrap();
            rest = later;
        }
        prop_assert_eq!(events(&mut cut), events(&mut whole));
        prop_assert_eq!(cut.take_output(), whole.take_output());
    }

    #[test]
    fn garbage_is_refused_or_waited_for_and_never_a_panic(
        open in any::<bool>(),
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut connection = router();
        if open {
            converse(&mut connection, &mut dealer("x"));
        }
        let _ = connection.receive(&bytes);
    }

    #[test]
    fn a_changed_byte_is_refused_or_read_and_never_a_panic(at in 0..FROM_WORKER.len(), to in any::<u8>()) {
        let mut bytes = FROM_WORKER.to_vec();
        bytes[at] = to;
        let _ = router().receive(&bytes);
    }
}

#[test]
fn the_wrong_kind_of_socket_is_refused() {
    let (mut a, mut b) = (router(), router());
    a.receive(&b.take_output()).unwrap();
    let refused = b.receive(&a.take_output());
    assert_eq!(refused, Err(Error::SocketType { found: "ROUTER".to_owned(), wanted: "DEALER" }));
}

#[test]
fn nothing_is_said_before_the_handshake_and_nothing_twice() {
    let mut greeting = dealer("x").take_output();
    let mut early = greeting.clone();
    early.extend(b"\x00\x01!");
    assert!(matches!(router().receive(&early), Err(Error::Malformed(_))));
    let ready = b"\x04\x1c\x05READY\x0bSocket-Type\0\0\0\x06DEALER";
    greeting.extend(ready);
    let mut master = router();
    master.receive(&greeting).unwrap();
    assert!(matches!(master.receive(ready), Err(Error::Malformed(_))));
}

#[test]
fn a_ping_is_answered_and_a_flood_of_them_is_not_stored() {
    let (mut master, mut worker) = (router(), dealer("x"));
    converse(&mut master, &mut worker);
    master.receive(b"\x04\x0a\x04PING\0\x0aabc").unwrap();
    assert_eq!(master.take_output(), b"\x04\x08\x04PONGabc");
    for _ in 0..100_000 {
        master.receive(b"\x04\x07\x04PING\0\x0a").unwrap();
    }
    assert!(master.take_output().len() < 100_000);
}

#[test]
fn a_message_in_too_many_parts_is_refused() {
    let (mut master, mut worker) = (router(), dealer("x"));
    converse(&mut master, &mut worker);
    let parts = [1, 0].repeat(17);
    assert!(matches!(master.receive(&parts), Err(Error::TooLarge { what: "a number of parts", .. })));
}

#[test]
fn the_first_message_has_a_limit_of_its_own_and_the_second_may_follow_at_once() {
    let limits = Limits { first_message: 100, ..Limits::default() };
    let small = |bytes: &[u8]| {
        let local = Local { socket_type: SocketType::Router, identity: Vec::new(), limits };
        let (mut master, mut worker) = (Connection::new(local), dealer("x"));
        converse(&mut master, &mut worker);
        worker.send(bytes);
        worker.send(&vec![7; 1 << 20]);
        // In one piece, as a fast peer's bytes arrive.
        master.receive(&worker.take_output())
    };
    assert_eq!(small(b"hello"), Ok(()));
    assert_eq!(small(&[1; 101]), Err(Error::TooLarge { what: "a message", size: 101, limit: 100 }));
}

#[test]
fn a_browser_is_told_apart() {
    assert_eq!(router().receive(b"GET / HTTP/1.1\r\n"), Err(Error::NotZmtp(Stranger::Http1)));
}
