//! Whole runs over real sockets on loopback, with workers that only count.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use support::{Run, bundle, config, token, worker};
use throng_cluster::{
    ClientTls, ControllerConfig, Disconnect, Happening, Instruction, OnWorkerLoss, Order, Report, ServerTls,
    Steering, Token, WorkerClient,
};

fn start(setup_data: Option<&str>) -> Order {
    Order::Start { setup_data: setup_data.map(Arc::from), elapsed: Duration::from_millis(5) }
}

#[test]
fn three_workers_run_a_test_from_bundle_to_end() {
    let mut run = Run::bind(ControllerConfig::loopback(3, token()));
    let address = run.controller.address();
    let workers: Vec<_> = ["a", "b", "c"].map(|name| worker(config(address, name), 40)).into();
    run.until(|h| matches!(h, Happening::AllJoined));
    run.controller.order(Order::Prepare(bundle()));
    run.until(|h| matches!(h, Happening::Ready));
    run.controller.order(start(Some(r#"{"key":1}"#)));
    let Happening::Starting { at } = run.until(|h| matches!(h, Happening::Starting { .. })) else {
        unreachable!()
    };
    run.until(|h| matches!(h, Happening::AllDone));
    assert_eq!((run.iterations, run.logs, run.samples), (120, 120, 9));
    assert_eq!(run.seen.iter().filter(|h| h.starts_with("Done")).count(), 3);
    run.controller.order(Order::End);
    run.until(|h| matches!(h, Happening::Ended));
    for ended in workers.into_iter().map(|worker| worker.join().unwrap()) {
        assert!((ended.share - 1.0 / 3.0).abs() < 1e-9 && ended.disconnected.is_none());
        assert_eq!(ended.setup_data.as_deref(), Some(r#"{"key":1}"#));
        let start = ended.start.unwrap();
        let apart = start.max(at) - start.min(at);
        assert!(apart < Duration::from_millis(100), "clocks of one machine are {apart:?} apart");
    }
}

#[test]
fn an_abort_reaches_all_and_they_report_before_they_are_done() {
    let mut run = Run::bind(ControllerConfig::loopback(2, token()));
    let address = run.controller.address();
    let workers: Vec<_> = ["a", "b"].map(|name| worker(config(address, name), 1)).into();
    run.until(|h| matches!(h, Happening::AllJoined));
    run.controller.order(Order::Prepare(bundle()));
    run.until(|h| matches!(h, Happening::Ready));
    run.controller.order(Order::Abort { reason: "thresholds".to_owned() });
    run.until(|h| matches!(h, Happening::AllDone));
    run.controller.order(Order::End);
    run.until(|h| matches!(h, Happening::Ended));
    for ended in workers.into_iter().map(|worker| worker.join().unwrap()) {
        assert_eq!(ended.aborted.as_deref(), Some("thresholds"));
    }
}

#[test]
fn a_wrong_token_is_refused_on_both_sides() {
    let mut run = Run::bind(ControllerConfig::loopback(1, token()));
    let address = run.controller.address();
    let other = Some(Token::new("another token").unwrap());
    let ended =
        worker(throng_cluster::WorkerConfig { token: other, ..config(address, "a") }, 0).join().unwrap();
    // The worker does not trust a controller that does not know its token, and says nothing more.
    let Some(Disconnect::Refused { reason, .. }) = ended.disconnected else { panic!("{ended:?}") };
    assert!(reason.contains("join token"), "{reason}");
    run.until(
        |h| matches!(h, Happening::Refused { reason, .. } if reason.contains("its join token is another one than this controller")),
    );
    let none = throng_cluster::WorkerConfig { token: None, ..config(address, "b") };
    let ended = worker(none, 0).join().unwrap();
    let Some(Disconnect::Refused { reason, .. }) = ended.disconnected else { panic!("{ended:?}") };
    assert!(reason.contains("asks for a join token"), "{reason}");
    run.until(|h| matches!(h, Happening::Refused { reason, .. } if reason.contains("asks for a join token")));
}

#[test]
fn a_worker_that_vanishes_is_lost_and_the_others_go_on() {
    for policy in [OnWorkerLoss::Continue, OnWorkerLoss::Fail] {
        let settings = ControllerConfig { on_worker_loss: policy, ..ControllerConfig::loopback(2, token()) };
        let mut run = Run::bind(settings);
        let address = run.controller.address();
        let (client, instructions) = WorkerClient::connect(config(address, "vanishing")).unwrap();
        run.until(|h| matches!(h, Happening::Joined { .. }));
        let other = worker(config(address, "staying"), 7);
        run.until(|h| matches!(h, Happening::AllJoined));
        run.controller.order(Order::Prepare(bundle()));
        while !matches!(instructions.recv().unwrap(), Instruction::Prepare { .. }) {}
        client.report(Report::Initialised);
        run.until(|h| matches!(h, Happening::Ready));
        run.controller.order(start(None));
        let Happening::Starting { at } = run.until(|h| matches!(h, Happening::Starting { .. })) else {
            unreachable!()
        };
        drop(client);
        let Happening::Lost(loss) = run.until(|h| matches!(h, Happening::Lost(_))) else { unreachable!() };
        assert_eq!((loss.name.as_str(), loss.share), ("vanishing", 0.5));
        assert!(loss.at.unwrap() <= at.elapsed() && loss.silent >= Duration::from_secs(2), "{loss:?}");
        if policy == OnWorkerLoss::Fail {
            run.until(|h| matches!(h, Happening::Failed(_)));
        }
        run.until(|h| matches!(h, Happening::AllDone));
        assert_eq!(run.iterations, 7);
        run.controller.order(Order::End);
        run.until(|h| matches!(h, Happening::Ended));
        other.join().unwrap();
    }
}

#[test]
fn what_is_set_from_outside_reaches_workers_once_they_have_started() {
    let mut run = Run::bind(ControllerConfig::loopback(1, token()));
    let (client, instructions) = WorkerClient::connect(config(run.controller.address(), "steered")).unwrap();
    run.until(|h| matches!(h, Happening::AllJoined));
    run.controller.order(Order::Prepare(bundle()));
    let early = Steering { paused: true, vus: None };
    run.controller.order(Order::Steer(early));
    while !matches!(instructions.recv().unwrap(), Instruction::Prepare { .. }) {}
    client.report(Report::Initialised);
    run.until(|h| matches!(h, Happening::Ready));
    run.controller.order(start(None));
    assert!(matches!(instructions.recv().unwrap(), Instruction::Start { .. }));
    assert!(matches!(instructions.recv().unwrap(), Instruction::Steer(told) if told == early));
    let late = Steering { paused: false, vus: Some((3, 8)) };
    run.controller.order(Order::Steer(late));
    assert!(matches!(instructions.recv().unwrap(), Instruction::Steer(told) if told == late));
    client.report(Report::Done);
    run.until(|h| matches!(h, Happening::AllDone));
    run.controller.order(Order::End);
    run.until(|h| matches!(h, Happening::Ended));
}

#[test]
fn a_worker_that_leaves_reports_everything_and_is_let_go() {
    let mut run = Run::bind(ControllerConfig::loopback(2, token()));
    let address = run.controller.address();
    let (client, instructions) = WorkerClient::connect(config(address, "leaving")).unwrap();
    let other = worker(config(address, "staying"), 5);
    run.until(|h| matches!(h, Happening::AllJoined));
    run.controller.order(Order::Prepare(bundle()));
    while !matches!(instructions.recv().unwrap(), Instruction::Prepare { .. }) {}
    client.report(Report::Initialised);
    run.until(|h| matches!(h, Happening::Ready));
    run.controller.order(start(None));
    while !matches!(instructions.recv().unwrap(), Instruction::Start { .. }) {}
    client.report(Report::Delta(support::delta(9, 3)));
    client.report(Report::Leaving);
    client.report(Report::Done);
    run.until(|h| matches!(h, Happening::Left { share, .. } if *share == 0.5));
    while !matches!(instructions.recv().unwrap(), Instruction::End) {}
    if !run.seen.iter().any(|h| h == "AllDone") {
        run.until(|h| matches!(h, Happening::AllDone));
    }
    assert_eq!(run.iterations, 8);
    run.controller.order(Order::End);
    run.until(|h| matches!(h, Happening::Ended));
    other.join().unwrap();
}

#[test]
fn a_controller_that_nobody_joins_says_so() {
    let gather_timeout = Duration::from_millis(200);
    let settings = ControllerConfig { gather_timeout, ..ControllerConfig::loopback(2, token()) };
    let mut run = Run::bind(settings);
    let Happening::Failed(text) = run.until(|h| matches!(h, Happening::Failed(_))) else { unreachable!() };
    assert!(text.contains("only 0 of 2 workers"), "{text}");
    run.controller.order(Order::End);
    run.until(|h| matches!(h, Happening::Ended));
}

#[test]
fn a_worker_without_a_controller_gives_up_in_time() {
    // A port that was free a moment ago.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let join_timeout = Duration::from_millis(300);
    let settings = throng_cluster::WorkerConfig { join_timeout, ..config(address, "alone") };
    let since = Instant::now();
    let ended = worker(settings, 0).join().unwrap();
    assert!(matches!(ended.disconnected, Some(Disconnect::Unreachable { .. })), "{ended:?}");
    assert!(since.elapsed() >= join_timeout);
}

#[test]
fn tls_protects_a_run_and_asks_workers_for_their_certificate() {
    let authority = Authority::new();
    let (certificates, key) = authority.issue("controller.example");
    let server = ServerTls { certificates, key, client_authority: Some(authority.pem()) };
    let settings = ControllerConfig { tls: Some(server), ..ControllerConfig::loopback(1, token()) };
    let mut run = Run::bind(settings);
    let address = run.controller.address();
    let client = |identity| ClientTls {
        authority: authority.pem(),
        server_name: Some("controller.example".to_owned()),
        identity,
    };

    // Without a certificate the worker does not come as far as joining.
    let ended = worker(support::config_tls(address, client(None)), 0).join().unwrap();
    let Some(Disconnect::Refused { reason, .. }) = ended.disconnected else { panic!("{ended:?}") };
    assert!(reason.contains("--tls-certificate"), "{reason}");

    let good = worker(support::config_tls(address, client(Some(authority.issue("worker.example")))), 4);
    run.until(|h| matches!(h, Happening::AllJoined));
    run.controller.order(Order::Prepare(bundle()));
    run.until(|h| matches!(h, Happening::Ready));
    run.controller.order(start(None));
    run.until(|h| matches!(h, Happening::AllDone));
    assert_eq!(run.iterations, 4);
    run.controller.order(Order::End);
    run.until(|h| matches!(h, Happening::Ended));
    good.join().unwrap();
}

/// A certificate authority of this test's own.
struct Authority {
    issuer: rcgen::CertifiedIssuer<'static, rcgen::KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().unwrap();
        Self { issuer: rcgen::CertifiedIssuer::self_signed(params, key).unwrap() }
    }

    fn pem(&self) -> Vec<u8> {
        self.issuer.pem().into_bytes()
    }

    fn issue(&self, name: &str) -> (Vec<u8>, Vec<u8>) {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem().into_bytes(), key.serialize_pem().into_bytes())
    }
}
