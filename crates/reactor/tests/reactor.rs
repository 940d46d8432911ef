//! The reactor against real sockets, threads and clocks on loopback.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::sync::mpsc;
use std::task::Poll;
use std::time::{Duration, Instant};

use throng_reactor::{Config, ConnectOptions, Handle, Reactor, Stamp, TcpStream};

async fn recv(stream: &TcpStream, buffer: &mut [u8]) -> std::io::Result<throng_reactor::Received> {
    poll_fn(|cx| stream.poll_recv(cx, buffer)).await
}

async fn send_all(stream: &TcpStream, mut data: &[u8]) {
    while !data.is_empty() {
        let n = poll_fn(|cx| stream.poll_send(cx, data)).await.unwrap();
        data = &data[n..];
    }
}

fn echo_server() -> (std::net::SocketAddr, std::thread::JoinHandle<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let addr = listener.local_addr().unwrap();
    let thread = std::thread::spawn(move || {
        let (mut peer, _) = listener.accept().unwrap();
        let mut buffer = vec![0; 1 << 16];
        while let Ok(n) = peer.read(&mut buffer) {
            if n == 0 || peer.write_all(&buffer[..n]).is_err() {
                break;
            }
        }
    });
    (addr, thread)
}

#[test]
fn tasks_interleave_and_results_come_back() {
    let mut reactor = Reactor::new().unwrap();
    let handle = reactor.handle();
    let log = Rc::new(RefCell::new(Vec::new()));
    let total = reactor
        .run_until(async {
            let tasks: Vec<_> = (0..3)
                .map(|i| {
                    let (handle, log) = (handle.clone(), Rc::clone(&log));
                    handle.clone().spawn_join(async move {
                        for step in 0..2 {
                            log.borrow_mut().push((step, i));
                            handle.yield_now().await;
                        }
                        i
                    })
                })
                .collect();
            let mut total = 0;
            for task in tasks {
                total += task.await.unwrap();
            }
            total
        })
        .unwrap();
    assert_eq!(total, 3);
    assert_eq!(*log.borrow(), [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]);
}

#[test]
fn sleeps_end_in_order_and_close_to_their_time() {
    let mut reactor = Reactor::new().unwrap();
    let handle = reactor.handle();
    reactor
        .run_until(async {
            let start = Instant::now();
            let late = handle.spawn_join({
                let handle = handle.clone();
                async move {
                    handle.sleep(Duration::from_millis(6)).await;
                    Instant::now()
                }
            });
            handle.sleep(Duration::from_millis(2)).await;
            let early = start.elapsed();
            assert!(early >= Duration::from_millis(2));
            let late = late.await.unwrap();
            assert!(late >= start + Duration::from_millis(6));
        })
        .unwrap();
}

#[test]
fn an_aborted_task_is_dropped_and_its_joiner_told() {
    struct Flag(Rc<Cell<bool>>);
    impl Drop for Flag {
        fn drop(&mut self) {
            self.0.set(true);
        }
    }
    let mut reactor = Reactor::new().unwrap();
    let handle = reactor.handle();
    let dropped = Rc::new(Cell::new(false));
    let flag = Flag(Rc::clone(&dropped));
    let task = handle.spawn_join(async move {
        let _flag = flag;
        pending::<()>().await;
    });
    reactor
        .run_until(async {
            handle.yield_now().await;
            task.abort();
            assert!(task.await.is_none());
        })
        .unwrap();
    assert!(dropped.get());
}

#[test]
fn dropping_the_reactor_drops_tasks_that_hold_its_handle() {
    let reactor = Reactor::new().unwrap();
    let alive = Rc::new(());
    let (handle, held) = (reactor.handle(), Rc::clone(&alive));
    reactor.handle().spawn(async move {
        handle.sleep(Duration::from_hours(1)).await;
        drop(held);
    });
    drop(reactor);
    assert_eq!(Rc::strong_count(&alive), 1);
}

#[test]
fn other_threads_wake_tasks_and_send_jobs() {
    let mut reactor = Reactor::new().unwrap();
    let handle = reactor.handle();
    let (waker_sent, waker) = mpsc::channel();
    let remote = handle.remote();
    let done = Rc::new(Cell::new(false));
    let thread = std::thread::spawn(move || {
        let waker: std::task::Waker = waker.recv().unwrap();
        remote.spawn(|handle: &Handle| {
            handle.spawn(async {});
        });
        waker.wake();
    });
    let mut polls = 0;
    reactor
        .run_until(poll_fn(|cx| {
            polls += 1;
            if polls == 1 {
                waker_sent.send(cx.waker().clone()).unwrap();
                return Poll::Pending;
            }
            done.set(true);
            Poll::Ready(())
        }))
        .unwrap();
    thread.join().unwrap();
    assert!(done.get());
}

#[test]
fn a_wake_after_the_end_of_the_reactor_is_harmless() {
    let mut reactor = Reactor::new().unwrap();
    let waker = reactor.run_until(poll_fn(|cx| Poll::Ready(cx.waker().clone()))).unwrap();
    drop(reactor);
    waker.wake();
}

#[test]
fn bytes_travel_both_ways_and_carry_the_kernels_receive_time() {
    let (addr, server) = echo_server();
    let mut reactor = Reactor::new().unwrap();
    let handle = reactor.handle();
    reactor
        .run_until(async {
            let options = ConnectOptions {
                receive_stamps: true,
                local_ip: Some(Ipv4Addr::LOCALHOST.into()),
                keepalive: Some(Duration::from_secs(30)),
            };
            let stream = TcpStream::connect(&handle, addr, options).await.unwrap();
            // The kernel switches stamping on in the background, so the first packets may lack it.
            let mut stamped = false;
            let give_up = Instant::now() + Duration::from_secs(10);
            while !stamped {
                assert!(Instant::now() < give_up, "no packet carried a time");
                let start = Stamp::now();
                send_all(&stream, b"hello").await;
                let mut buffer = [0; 64];
                let received = recv(&stream, &mut buffer).await.unwrap();
                assert_eq!(&buffer[..received.len], b"hello");
                if let Some(at) = received.kernel_time {
                    stamped = true;
                    assert!(at >= start.unix && at <= throng_reactor::unix_now());
                }
            }
        })
        .unwrap();
    server.join().unwrap();
}

#[test]
fn large_transfers_survive_full_socket_buffers() {
    let (addr, server) = echo_server();
    let mut reactor = Reactor::new().unwrap();
    let handle = reactor.handle();
    let data: Vec<u8> = (0..4_000_000u32).map(|i| (i % 251) as u8).collect();
    let expected = data.clone();
    reactor
        .run_until(async {
            let stream = Rc::new(TcpStream::connect(&handle, addr, ConnectOptions::default()).await.unwrap());
            let sender = Rc::clone(&stream);
            handle.spawn(async move { send_all(&sender, &data).await });
            let mut got = Vec::new();
            while got.len() < expected.len() {
                let n = poll_fn(|cx| {
                    let mut buffer = handle.read_buffer();
                    let n = match stream.poll_recv(cx, &mut buffer) {
                        Poll::Ready(received) => received.unwrap().len,
                        Poll::Pending => 0,
                    };
                    got.extend_from_slice(&buffer[..n]);
                    Poll::Ready(n)
                })
                .await;
                if n == 0 {
                    poll_fn(|cx| stream.poll_readable(cx)).await;
                }
            }
            assert!(got == expected);
        })
        .unwrap();
    server.join().unwrap();
}

#[test]
fn a_refused_connection_names_the_peer() {
    let addr = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let mut reactor = Reactor::new().unwrap();
    let handle = reactor.handle();
    let error = reactor
        .run_until(async { TcpStream::connect(&handle, addr, ConnectOptions::default()).await.unwrap_err() })
        .unwrap();
    assert_eq!(error.io_error().kind(), std::io::ErrorKind::ConnectionRefused);
    assert!(error.to_string().contains(&addr.to_string()));
}

#[test]
fn an_idle_connection_closed_by_the_peer_becomes_readable_without_being_read() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let addr = listener.local_addr().unwrap();
    let mut reactor = Reactor::new().unwrap();
    let handle = reactor.handle();
    reactor
        .run_until(async {
            let stream = TcpStream::connect(&handle, addr, ConnectOptions::default()).await.unwrap();
            let (peer, _) = listener.accept().unwrap();
            assert!(!stream.is_readable());
            drop(peer);
            poll_fn(|cx| stream.poll_readable(cx)).await;
            assert!(stream.is_readable());
        })
        .unwrap();
}

fn readable(fd: i32, wait: Duration) -> bool {
    let mut poll = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    // SAFETY: one valid pollfd.
    unsafe { libc::poll(&raw mut poll, 1, i32::try_from(wait.as_millis()).unwrap()) == 1 }
}

#[test]
fn a_nested_reactor_signals_its_host_for_spawns_and_timers() {
    let config = Config { nested: true, turn_budget: Some(Duration::from_millis(2)) };
    let mut reactor = Reactor::with_config(config).unwrap();
    let fd = reactor.as_raw_fd();
    reactor.turn(Some(Duration::ZERO)).unwrap();
    assert!(!readable(fd, Duration::ZERO));

    let done = Rc::new(Cell::new(false));
    let (handle, flag) = (reactor.handle(), Rc::clone(&done));
    reactor.handle().spawn(async move {
        handle.sleep(Duration::from_millis(5)).await;
        flag.set(true);
    });
    assert!(readable(fd, Duration::ZERO), "a spawn between turns must reach the host");
    reactor.turn(Some(Duration::ZERO)).unwrap();
    assert!(!done.get());
    assert!(readable(fd, Duration::from_secs(5)), "the timer must reach the host");
    reactor.turn(Some(Duration::ZERO)).unwrap();
    assert!(done.get());
}

#[test]
fn a_nested_turn_ends_within_its_budget_and_asks_to_be_called_again() {
    let config = Config { nested: true, turn_budget: Some(Duration::from_millis(1)) };
    let mut reactor = Reactor::with_config(config).unwrap();
    let handle = reactor.handle();
    reactor.handle().spawn(async move {
        loop {
            handle.yield_now().await;
        }
    });
    let turn = reactor.turn(Some(Duration::ZERO)).unwrap();
    assert!(turn.unfinished);
    assert!(turn.polls > 1);
    assert!(readable(reactor.as_raw_fd(), Duration::ZERO));
}

#[test]
fn busy_tasks_do_not_starve_timers_or_sockets() {
    let (addr, server) = echo_server();
    let mut reactor = Reactor::new().unwrap();
    let handle = reactor.handle();
    let busy = handle.clone();
    reactor.handle().spawn(async move {
        loop {
            busy.yield_now().await;
        }
    });
    reactor
        .run_until(async {
            let stream = TcpStream::connect(&handle, addr, ConnectOptions::default()).await.unwrap();
            send_all(&stream, b"x").await;
            let mut buffer = [0; 8];
            assert_eq!(recv(&stream, &mut buffer).await.unwrap().len, 1);
            handle.sleep(Duration::from_millis(1)).await;
        })
        .unwrap();
    server.join().unwrap();
}

#[test]
fn a_task_that_computes_in_slices_does_not_hold_timers_back() {
    let mut reactor = Reactor::new().unwrap();
    let handle = reactor.handle();
    let busy = handle.clone();
    reactor.handle().spawn(async move {
        loop {
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_millis(1) {
                std::hint::spin_loop();
            }
            busy.yield_now().await;
        }
    });
    let started = Instant::now();
    reactor
        .run_until(async {
            for _ in 0..10 {
                handle.sleep(Duration::from_millis(1)).await;
            }
        })
        .unwrap();
    // Ten sleeps that each wait for 256 slices would take 2.5 s.
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
}
