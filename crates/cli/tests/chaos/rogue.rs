//! Clients that are no workers, against the binary's controller while a test runs.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use super::cluster::{Process, worker};
use super::support::THRONG;
use super::{Chaos, RATE, expect_back, expect_never_more};

/// Writes something and reads until the controller closes, or resets, the connection.
fn send(address: &str, parts: &[&[u8]]) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    for part in parts {
        // The controller may have closed it by then.
        if stream.write_all(part).is_err() {
            return;
        }
    }
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}"),
    }
}

/// An HTTP/2 connection that opens the workers' call, by hand.
fn call() -> Vec<u8> {
    let literal = |prefix: &[u8], value: &str| [prefix, &[value.len() as u8], value.as_bytes()].concat();
    // POST and http are in HPACK's table; :path is its name 4, :authority 1, content-type 31.
    let headers = [
        vec![0x83, 0x86],
        literal(&[0x04], "/throng.cluster.v1.Cluster/Join"),
        literal(&[0x01], "controller"),
        literal(&[0x0f, 0x10], "application/grpc"),
    ]
    .concat();
    let frame = |kind: u8, flags: u8, stream: u8, payload: &[u8]| {
        let length = (payload.len() as u32).to_be_bytes();
        [&length[1..], &[kind, flags, 0, 0, 0, stream], payload].concat()
    };
    [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        // Settings, the request's headers, and the beginning of a message that says it has 1 GB.
        frame(4, 0, 0, &[]),
        frame(1, 4, 1, &headers),
        frame(0, 0, 1, &[&[0, 0x40, 0, 0, 0][..], &[0; 4096]].concat()),
    ]
    .concat()
}

/// Resident memory of a process, in MB.
fn memory(process: &Process) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() / 1_024
}

#[test]
fn clients_that_are_no_workers_do_a_running_test_no_harm() {
    let mut chaos = Chaos::with(RATE, 2);
    let before = memory(&chaos.controller);
    let half_open: Vec<TcpStream> = (0..1_000).map(|_| TcpStream::connect(&chaos.address).unwrap()).collect();
    send(&chaos.address, &[b"GET / HTTP/1.1\r\n\r\n"]);
    chaos.controller.until("neither HTTP/2 nor TLS");
    send(&chaos.address, &[b"\0garbage\0"]);
    send(&chaos.address, &[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &[0x5a; 4096]]);
    // A frame of 16 MB, HTTP/2's largest, and bytes without end.
    let endless = vec![0; 32 << 20];
    send(&chaos.address, &[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\0\0\0\0\0\x01", &endless]);
    send(&chaos.address, &[&call()]);

    let wrong = Process::start(&["worker", "--controller", &chaos.address], "a wrong token");
    wrong.wait().expect_code(104).expect_error("does not know the join token");
    let none = ["worker", "--insecure", "--controller", &chaos.address];
    let mut none = Process::spawn(Command::new(THRONG.link()).args(none).env_clear(), "");
    none.finish().expect_code(104).expect_error("the controller asks for a join token");
    chaos.controller.until("its join token is another one than this controller's");
    chaos.controller.until("the controller asks for a join token");

    // One that knows it gets through all of this.
    chaos.workers.push(worker(&chaos.address, "late"));
    chaos.controller.until("3 workers share the whole test from");
    let grown = memory(&chaos.controller).saturating_sub(before);
    assert!(grown < 64, "the controller has grown by {grown} MB");
    drop(half_open);
    let (done, target, iterations) = chaos.end();
    done.expect_code(0);
    expect_never_more(&target, 60);
    expect_back(&target, 60, 7);
    assert_eq!((target.count(), iterations), (540, 540));
}
