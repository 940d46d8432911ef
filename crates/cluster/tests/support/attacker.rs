//! Made-up bytes for a controller, for the fuzz target and for tests: frames, messages in them, and a machine that has to
//! stay whole whatever they say.
//!
//! The first byte says who speaks: a stranger to a controller with a token, one to a controller without, or a worker of a
//! run that is gathering, preparing or running. Then come frames, each after its length in two bytes.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use prost::Message as _;
use throng_cluster::controller::{Action, ConnectionId, Event, Machine, Settings};
use throng_cluster::protocol::{
    Assembly, Batch, Frame, FromWorker, Hello, Join, MAX_STRANGERS_MESSAGE, MAX_WORKERS_MESSAGE, Milestone,
    ToController, VERSION,
};
use throng_cluster::{Bundle, BundleFile, Happening, Moment, OnWorkerLoss, Order, RunId, Token};

/// The one whose bytes are made up, and a worker that behaves.
const ATTACKER: ConnectionId = ConnectionId(1);
const GOOD: ConnectionId = ConnectionId(2);

struct Controller {
    machine: Machine,
    now: Duration,
    /// Whether the attacker was let in.
    trusted: bool,
}

impl Controller {
    fn new(token: Option<Token>) -> Self {
        let settings = Settings {
            run: RunId::new(7),
            token,
            expected: 2,
            gather_timeout: Duration::from_mins(5),
            on_worker_loss: OnWorkerLoss::Continue,
            redistribute: true,
            unix_at_origin: Duration::from_secs(1_000),
            grace: Duration::ZERO,
        };
        Self { machine: Machine::new(Moment::default(), settings), now: Duration::ZERO, trusted: false }
    }

    fn take(&mut self, event: Event) -> Vec<Happening> {
        self.now += Duration::from_millis(20);
        let mut actions = Vec::new();
        self.machine.on_event(self.now.into(), event, &mut actions);
        let mut told = Vec::new();
        for action in actions {
            match action {
                Action::Trust(ATTACKER) => self.trusted = true,
                Action::Tell(happening) => told.push(happening),
                _ => {}
            }
        }
        told
    }

    /// Lets time pass; it is woken whenever it is due.
    fn pass(&mut self, time: Duration) -> Vec<Happening> {
        let until = self.now + time;
        let mut told = Vec::new();
        while self.machine.wakes_at() <= until.into() {
            self.now = self.now.max(self.machine.wakes_at().since_origin());
            told.extend(self.take(Event::Tick));
        }
        self.now = self.now.max(until);
        told.extend(self.take(Event::Tick));
        told
    }

    fn accept(&mut self, connection: ConnectionId) {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        self.take(Event::Accepted { connection, address, nonce: [3; 16] });
    }

    fn says(&mut self, connection: ConnectionId, message: FromWorker) -> Vec<Happening> {
        self.take(Event::Received { connection, message })
    }

    /// Joins as a worker does; only without a token.
    fn join(&mut self, connection: ConnectionId) {
        self.accept(connection);
        self.says(connection, FromWorker::Hello(Hello { version: VERSION, nonce: vec![5; 16] }));
        let join = Join { instance: connection.0, threads: 1, takes_deals: true, ..Join::default() };
        self.says(connection, FromWorker::Join(join));
    }

    fn initialised(&mut self, connection: ConnectionId) {
        let milestones = vec![Milestone::Initialised(true).into()];
        self.says(connection, FromWorker::Batch(Batch { number: 1, milestones, ..Batch::default() }));
    }
}

fn order(order: Order) -> Event {
    Event::Ordered(order)
}

/// A controller, how far it has come, and who attacks it.
fn setup(choice: u8) -> Controller {
    let token = choice.is_multiple_of(4).then(|| Token::new("nobody knows it").expect("long enough"));
    let mut controller = Controller::new(token);
    if choice % 4 < 2 {
        controller.accept(ATTACKER);
        return controller;
    }
    controller.join(ATTACKER);
    controller.join(GOOD);
    if choice & 0b100 != 0 {
        let files = vec![BundleFile::new("s", "export default 1")];
        let bundle = Bundle::new("s", files, Vec::new(), "{}", Vec::new()).expect("a bundle");
        controller.take(order(Order::Prepare(Arc::new(bundle))));
    }
    if choice & 0b1100 == 0b1100 {
        controller.initialised(ATTACKER);
        controller.initialised(GOOD);
        controller.take(order(Order::Start { setup_data: None, elapsed: Duration::ZERO }));
    }
    controller
}

/// Has a controller hear this.
///
/// # Panics
/// When it does what it must not.
pub(crate) fn attack(data: &[u8]) {
    let Some((choice, mut bytes)) = data.split_first() else { return };
    let mut controller = setup(*choice);
    let is_worker = controller.trusted;
    let mut assembly = Assembly::default();
    while let Some((length, rest)) = bytes.split_first_chunk::<2>() {
        let (frame, rest) = rest.split_at(rest.len().min(usize::from(u16::from_be_bytes(*length))));
        bytes = rest;
        let Ok(frame) = Frame::decode(frame) else { break };
        let limit = if controller.trusted { MAX_WORKERS_MESSAGE } else { MAX_STRANGERS_MESSAGE };
        let message = match assembly.add(frame, limit) {
            Ok(None) => {
                controller.take(Event::Heard(ATTACKER));
                continue;
            }
            Ok(Some(message)) => message,
            Err(_) => break,
        };
        assert!(assembly.held() <= limit);
        let Ok(ToController { message: Some(message) }) = ToController::decode(message) else { break };
        controller.says(ATTACKER, message);
    }
    assert!(is_worker || choice % 4 != 0 || !controller.trusted, "who does not know the token stays outside");
    controller.take(Event::Closed { connection: ATTACKER, why: String::new() });
    // The run comes to its end, also if the attacker goes silent now.
    controller.pass(Duration::from_secs(33));
    controller.take(order(Order::End));
    let told = controller.pass(Duration::from_secs(11));
    let ended = told.iter().any(|happening| matches!(happening, Happening::Ended));
    assert!(ended || controller.machine.wakes_at() == Moment::NEVER, "it ends");
}
