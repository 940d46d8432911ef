//! Clients that are no workers, while a test runs: none joins, and none does harm.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use prost::Message as _;
use support::{Run, bundle, config, delta, token};
use throng_cluster::protocol::{Frame, FromWorker, Hello, Join, ToController, VERSION};
use throng_cluster::{ControllerConfig, Happening, Instruction, Order, Report, WorkerClient};

/// Writes something and reads until the controller closes, or resets, the connection.
fn send(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(support::PATIENCE)).unwrap();
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}"),
    }
    answer
}

/// Calls the controller with this body; what it says in the end.
fn call(address: SocketAddr, path: &str, body: Vec<u8>) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let (h2, connection) = h2::client::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        let mut h2 = h2.ready().await.unwrap();
        let request = http::Request::post(format!("http://controller{path}"));
        let request = request.header("content-type", "application/grpc").body(()).unwrap();
        let (response, mut sender) = h2.send_request(request, false).unwrap();
        // The controller may refuse before it has read everything.
        let _ = sender.send_data(Bytes::from(body), false);
        let Ok(response) = response.await else { return "reset".to_owned() };
        let header = |headers: &http::HeaderMap| {
            headers.get("grpc-message").map(|text| text.to_str().unwrap().replace("%20", " "))
        };
        if let Some(message) = header(response.headers()) {
            return message;
        }
        let mut body = response.into_body();
        let mut text = String::new();
        while let Some(Ok(data)) = body.data().await {
            let _ = body.flow_control().release_capacity(data.len());
            text.push_str(&String::from_utf8_lossy(&data));
        }
        text
    })
}

fn grpc(message: &FromWorker) -> Vec<u8> {
    let part = ToController::from(message.clone()).encode_to_vec().into();
    let frame = Frame { part, more: false }.encode_to_vec();
    [&[0][..], &(frame.len() as u32).to_be_bytes(), &frame].concat()
}

/// Lets the worker end also when an assertion fails.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

const JOIN: &str = "/throng.cluster.v1.Cluster/Join";

#[test]
fn rogue_clients_neither_join_nor_disturb_a_run() {
    let mut run = Run::bind(ControllerConfig::loopback(1, token()));
    let address = run.controller.address();
    let (client, instructions) = WorkerClient::connect(config(address, "good")).unwrap();
    run.until(|h| matches!(h, Happening::AllJoined));
    run.controller.order(Order::Prepare(bundle()));
    while !matches!(instructions.recv().unwrap(), Instruction::Prepare { .. }) {}
    client.report(Report::Initialised);
    run.until(|h| matches!(h, Happening::Ready));
    run.controller.order(Order::Start { setup_data: None, elapsed: Duration::ZERO });
    while !matches!(instructions.recv().unwrap(), Instruction::Start { .. }) {}

    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let worker = scope.spawn(|| {
            let mut sent = 0;
            while !over.load(Ordering::Acquire) {
                client.report(Report::Delta(delta(1, 1)));
                sent += 1;
                assert!(client.lease().is_valid(std::time::Instant::now()), "the lease is held all the time");
                std::thread::sleep(Duration::from_millis(10));
            }
            client.report(Report::Done);
            sent
        });

        let _ends = SetOnDrop(&over);
        // Hundreds of half-open connections, of which the oldest have to go.
        let half_open: Vec<TcpStream> = (0..400).map(|_| TcpStream::connect(address).unwrap()).collect();
        for (bytes, reason) in [
            (&b"GET / HTTP/1.1\r\n\r\n"[..], "neither HTTP/2 nor TLS"),
            (b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\0NULL", "Locust"),
            (b"\x16\x03\x01\x02\0\x01\0", "no certificate"),
        ] {
            assert_eq!(send(address, bytes), b"");
            run.until(|h| matches!(h, Happening::Refused { reason: r, .. } if r.contains(reason)));
        }
        // The same again is not told again so soon.
        assert_eq!(send(address, b"\0garbage\0"), b"");
        // Begins as HTTP/2 does, and goes on otherwise.
        send(address, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\ngarbage garbage garbage garbage");

        let text = call(address, "/admin", Vec::new());
        assert!(text.contains("knows one call"), "{text}");
        // A frame that says it has 1 GB.
        let text = call(address, JOIN, [&[0, 0x40, 0, 0, 0][..], &[0; 4096]].concat());
        assert!(text.is_empty() || text == "reset", "{text}");
        // A message of 1 GB in small frames ends at the strangers' limit.
        let frame = Frame { part: vec![0; 9 << 10].into(), more: true }.encode_to_vec();
        let frame = [&[0][..], &(frame.len() as u32).to_be_bytes(), &frame].concat();
        call(address, JOIN, frame.repeat(50));
        // Joins without having been greeted.
        let join = FromWorker::Join(Join { instance: 1, name: "rogue".to_owned(), ..Join::default() });
        assert!(call(address, JOIN, grpc(&join)).contains("out of place"));
        // Does not know the token.
        let hello = FromWorker::Hello(Hello { version: VERSION, nonce: vec![0; 16] });
        let guess = FromWorker::Join(Join { proof: vec![0; 32], instance: 1, ..Join::default() });
        assert!(call(address, JOIN, [grpc(&hello), grpc(&guess)].concat()).contains("token is wrong"));
        // Speaks a later version.
        let hello = FromWorker::Hello(Hello { version: 99, nonce: vec![0; 16] });
        assert!(call(address, JOIN, grpc(&hello)).contains("same throng"));

        over.store(true, Ordering::Release);
        let sent = worker.join().unwrap();
        run.until(|h| matches!(h, Happening::AllDone));
        assert_eq!(run.iterations, sent);
        drop(half_open);
    });
    assert!(!run.seen.iter().any(|h| h.starts_with("Lost") || h.contains("rogue")), "{:#?}", run.seen);
    run.controller.order(Order::End);
    run.until(|h| matches!(h, Happening::Ended));
}

#[test]
fn strangers_that_say_nothing_are_thrown_out_in_time() {
    let run = Run::bind(ControllerConfig::loopback(1, token()));
    let address = run.controller.address();
    // Connected, and at the start of HTTP/2: both are silent from there on.
    let silent: Vec<_> = [&b""[..], b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"]
        .into_iter()
        .map(|bytes| std::thread::spawn(move || send(address, bytes)))
        .collect();
    for stranger in silent {
        stranger.join().unwrap();
    }
}
