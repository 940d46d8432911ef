//! The machines by themselves, message by message.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use prost::Message as _;
use support::{bundle, delta, iterations};
use throng_cluster::controller::{self, ConnectionId};
use throng_cluster::protocol::{
    Batch, Challenge, Command, Count, FromController, FromWorker, Heartbeat, Hello, Join, Milestone, Pulse,
    Refused, Status, Taken, Task, ToController, VERSION, Welcome,
};
use throng_cluster::{
    CountedWork, Disconnect, Happening, InstanceId, Instruction, Moment, OnWorkerLoss, Order, Report, RunId,
    worker,
};
use throng_engine::ScenarioIndex;
use throng_metrics::Delta;

fn at(millis: u64) -> Moment {
    Moment::from(Duration::from_millis(millis))
}

/// A controller without a token that expects two workers, and all it did.
struct Controller {
    machine: controller::Machine,
    now: u64,
    sleeps: bool,
}

impl Controller {
    fn new() -> Self {
        Self::that_redistributes(false)
    }

    fn that_redistributes(redistribute: bool) -> Self {
        let settings = controller::Settings {
            run: RunId::new(1),
            token: None,
            expected: 2,
            gather_timeout: Duration::from_mins(1),
            on_worker_loss: OnWorkerLoss::Continue,
            redistribute,
            unix_at_origin: Duration::from_secs(1_000),
            grace: Duration::ZERO,
        };
        Self { machine: controller::Machine::new(at(0), settings), now: 0, sleeps: false }
    }

    /// Its surroundings wake it when it is due, unless it `sleeps`.
    fn take(&mut self, event: controller::Event) -> Vec<controller::Action> {
        let mut actions = Vec::new();
        while !self.sleeps && self.machine.wakes_at() <= at(self.now) {
            self.machine.on_event(self.machine.wakes_at(), controller::Event::Tick, &mut actions);
        }
        self.machine.on_event(at(self.now), event, &mut actions);
        actions
    }

    fn hear(&mut self, connection: u64, message: FromWorker) -> Vec<controller::Action> {
        self.take(controller::Event::Received { connection: ConnectionId(connection), message })
    }

    fn join(&mut self, connection: u64, instance: u64, received: u64) -> Vec<controller::Action> {
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        let id = ConnectionId(connection);
        self.take(controller::Event::Accepted { connection: id, address, nonce: [0; 16] });
        self.hear(connection, FromWorker::Hello(Hello { version: VERSION, nonce: vec![1; 16] }));
        let name = format!("process {instance}");
        self.hear(
            connection,
            FromWorker::Join(Join { instance, name, received, takes_deals: true, ..Join::default() }),
        )
    }

    fn order(&mut self, order: Order) -> Vec<controller::Action> {
        self.take(controller::Event::Ordered(order))
    }
}

/// What was sent on a connection.
fn sent(actions: &[controller::Action], connection: u64) -> Vec<&FromController> {
    let on = |action| match action {
        &controller::Action::Send(to, ref message) if to == ConnectionId(connection) => Some(message),
        _ => None,
    };
    actions.iter().filter_map(on).collect()
}

fn told(actions: &[controller::Action]) -> Vec<&Happening> {
    let mut told = Vec::new();
    for action in actions {
        if let controller::Action::Tell(happening) = action {
            told.push(happening);
        }
    }
    told
}

fn owners(actions: &[controller::Action], connection: u64) -> Option<(u32, Vec<u32>)> {
    sent(actions, connection).into_iter().find_map(|message| match message {
        FromController::Command(Command { task: Some(Task::Prepare(prepare)), .. }) => {
            Some((prepare.seat, prepare.owners.clone()))
        }
        _ => None,
    })
}

#[test]
fn a_worker_lost_before_the_start_is_replaced_with_the_same_slots() {
    let mut controller = Controller::new();
    controller.join(1, 11, 0);
    let joined = controller.join(2, 22, 0);
    assert!(matches!(told(&joined)[..], [Happening::Joined { .. }, Happening::AllJoined]), "{joined:?}");
    let prepared = controller.order(Order::Prepare(bundle()));
    let lost = owners(&prepared, 2).unwrap();
    // A third one is not needed yet, and may ask again.
    let refused = controller.join(3, 33, 0);
    assert!(matches!(sent(&refused, 3)[..], [FromController::Refused(r)] if r.for_now), "{refused:?}");

    controller.take(controller::Event::Closed { connection: ConnectionId(2), why: String::new() });
    controller.now = 3_000;
    controller.hear(1, FromWorker::Heartbeat(Heartbeat { sent: 1, received: 1 }));
    let joined = controller.join(4, 33, 0);
    assert_eq!(owners(&joined, 4), Some(lost));
    // The lost one's place is taken.
    let refused = controller.join(5, 22, 1);
    assert!(matches!(sent(&refused, 5)[..], [FromController::Refused(r)] if !r.for_now), "{refused:?}");
}

#[test]
fn one_that_comes_too_late_hears_that_the_run_is_over_and_nobody_is_warned() {
    let mut controller = Controller::new();
    controller.join(1, 11, 0);
    controller.join(2, 22, 0);
    controller.order(Order::End);
    let late = controller.join(3, 33, 0);
    assert!(told(&late).is_empty(), "{late:?}");
    let [FromController::Refused(refused)] = sent(&late, 3)[..] else { panic!("{late:?}") };
    let mut worker = worker::Machine::new(at(0), settings(), &mut Vec::new());
    hear(&mut worker, 1, worker::Event::Connected([1; 16]));
    let challenge = Challenge { nonce: vec![0; 16], proof: Vec::new() };
    hear(&mut worker, 2, worker::Event::Received(FromController::Challenge(challenge)));
    let heard = hear(&mut worker, 3, worker::Event::Received(FromController::Refused(refused.clone())));
    let is_over = |action: &worker::Action| {
        matches!(action, worker::Action::Instruct(Instruction::Disconnected(Disconnect::Over { .. })))
    };
    assert!(heard.iter().any(is_over) && worker.is_over(), "{heard:?}");
}

#[test]
fn a_process_that_connects_again_gets_what_it_missed() {
    let mut controller = Controller::new();
    controller.join(1, 11, 0);
    controller.join(2, 22, 0);
    controller.order(Order::Prepare(bundle()));
    controller.order(Order::Abort { reason: "enough".to_owned() });
    let again = controller.join(3, 11, 1);
    assert!(again.iter().any(|a| matches!(a, controller::Action::Close(ConnectionId(1)))), "{again:?}");
    let commands: Vec<u64> = sent(&again, 3)
        .into_iter()
        .filter_map(|message| match message {
            FromController::Command(command) => Some(command.number),
            _ => None,
        })
        .collect();
    assert_eq!(commands, [2], "the preparation had arrived, the abort had not");
    let again = controller.join(4, 11, 2);
    assert!(!sent(&again, 4).iter().any(|m| matches!(m, FromController::Command(_))), "{again:?}");
}

#[test]
fn a_batch_counts_once_and_is_acknowledged_each_time() {
    let mut controller = Controller::new();
    controller.join(1, 11, 0);
    let batch = || {
        FromWorker::Batch(Batch {
            number: 1,
            delta: Some(delta(1, 5).encode().into()),
            milestones: vec![Milestone::ScriptFailed(true).into()],
            ..Batch::default()
        })
    };
    let first = controller.hear(1, batch());
    assert!(
        matches!(told(&first)[..], [Happening::Delta { delta, .. }, Happening::ScriptFailed { .. }] if iterations(delta) == 5),
        "{first:?}"
    );
    assert!(matches!(sent(&first, 1)[..], [FromController::Taken(Taken { batch: 1 })]));
    let second = controller.hear(1, batch());
    assert!(told(&second).is_empty());
    assert!(matches!(sent(&second, 1)[..], [FromController::Taken(Taken { batch: 1 })]));
}

#[test]
fn a_delta_that_cannot_be_read_costs_the_worker_its_place() {
    let mut controller = Controller::new();
    controller.join(1, 11, 0);
    let batch = Batch { number: 1, delta: Some(vec![99, 1, 2].into()), ..Batch::default() };
    let actions = controller.hear(1, FromWorker::Batch(batch));
    assert!(
        matches!(told(&actions)[..], [Happening::Lost(loss)] if loss.why.contains("version 99")),
        "{actions:?}"
    );
    assert!(sent(&actions, 1).is_empty());
}

/// Whoever knows the token may still be broken: what it sends is read or refused, and the machine lives on.
#[test]
fn damaged_messages_are_read_or_refused() {
    let status = Status { vus_ready: Some(3), lag: Some(7), cpu: Some(0.5), ..Status::default() };
    let milestones = vec![Milestone::InitFailed("text".to_owned()).into(), Milestone::Dealt(3).into()];
    let delta = Some(delta(1, 5).encode().into());
    let good: Vec<Vec<u8>> = [
        FromWorker::Batch(Batch { number: 1, delta, milestones, ..Batch::default() }),
        FromWorker::Status(status),
        FromWorker::Heartbeat(Heartbeat { sent: 1, received: 1 }),
        FromWorker::Join(Join { instance: 11, ..Join::default() }),
    ]
    .into_iter()
    .map(|message| ToController::from(message).encode_to_vec())
    .collect();
    let mut random = 1_u64;
    let mut next = |below: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % below
    };
    let mut read = 0;
    for _ in 0..20_000 {
        let mut bytes = good[next(good.len())].clone();
        for _ in 0..=next(3) {
            let at = next(bytes.len());
            bytes[at] = next(256) as u8;
        }
        bytes.truncate(bytes.len() - next(2) * next(bytes.len()));
        let Ok(ToController { message: Some(message) }) = ToController::decode(&bytes[..]) else { continue };
        read += 1;
        let mut controller = Controller::new();
        controller.join(1, 11, 0);
        controller.hear(1, message);
        assert!(controller.machine.wakes_at() > at(0));
    }
    assert!(read > 1_000, "{read}");
}

#[test]
fn a_running_test_takes_no_newcomers_yet() {
    let mut controller = ready(Vec::new());
    let started = controller.order(Order::Start { setup_data: None, elapsed: Duration::ZERO });
    assert!(started.iter().any(|a| matches!(a, controller::Action::Starting(_))), "{started:?}");
    let refused = controller.join(3, 33, 0);
    assert!(
        matches!(sent(&refused, 3)[..], [FromController::Refused(r)] if r.reason.contains("not supported yet"))
    );
}

/// Two workers that are ready to start; of this work the iterations are counted.
fn ready(works: Vec<CountedWork>) -> Controller {
    ready_at(Controller::new(), works)
}

fn ready_at(mut controller: Controller, works: Vec<CountedWork>) -> Controller {
    controller.join(1, 11, 0);
    controller.join(2, 22, 0);
    controller.order(Order::Count(works));
    controller.order(Order::Prepare(bundle()));
    for connection in [1, 2] {
        let milestones = vec![Milestone::Initialised(true).into()];
        controller.hear(connection, FromWorker::Batch(Batch { number: 1, milestones, ..Batch::default() }));
    }
    controller
}

/// Two workers at work since 300 ms, last heard at 0.
fn running() -> Controller {
    let mut controller = ready(Vec::new());
    controller.order(Order::Start { setup_data: None, elapsed: Duration::ZERO });
    controller
}

/// Tasks that went out on a connection.
fn tasks(actions: &[controller::Action], connection: u64) -> Vec<&Task> {
    let task = |message| match message {
        &FromController::Command(Command { ref task, .. }) => task.as_ref(),
        _ => None,
    };
    sent(actions, connection).into_iter().filter_map(task).collect()
}

fn says(
    controller: &mut Controller,
    connection: u64,
    number: u64,
    milestones: &[Milestone],
) -> Vec<controller::Action> {
    let milestones = milestones.iter().cloned().map(Into::into).collect();
    controller.hear(connection, FromWorker::Batch(Batch { number, milestones, ..Batch::default() }))
}

#[test]
fn who_is_lost_before_it_was_given_its_part_does_not_share_the_test() {
    let mut controller = ready_at(Controller::that_redistributes(true), Vec::new());
    controller.order(Order::Start { setup_data: None, elapsed: Duration::ZERO });
    controller.join(3, 33, 0);
    says(&mut controller, 3, 1, &[Milestone::Initialised(true)]);
    controller.now = 400;
    says(&mut controller, 1, 2, &[Milestone::Dealt(1)]);
    let broken = Batch { number: 2, delta: Some(vec![99, 1, 2].into()), ..Batch::default() };
    let lost = controller.hear(3, FromWorker::Batch(broken));
    assert!(matches!(told(&lost)[..], [Happening::Lost(_)]), "{lost:?}");
    let all = says(&mut controller, 2, 2, &[Milestone::Dealt(1)]);
    assert!(matches!(told(&all)[..], [Happening::Dealt { workers: 2, .. }]), "{:?}", told(&all));
}

#[test]
fn iterations_that_ended_before_the_last_promise_are_waited_for_by_nobody() {
    let mut controller = ready_at(Controller::that_redistributes(true), Vec::new());
    controller.order(Order::Start { setup_data: None, elapsed: Duration::ZERO });
    controller.join(3, 33, 0);
    let dealt = says(&mut controller, 3, 1, &[Milestone::Initialised(true)]);
    for giver in [1, 2] {
        assert!(matches!(tasks(&dealt, giver)[..], [Task::Deal(deal)] if deal.version == 1), "{dealt:?}");
    }
    controller.now = 400;
    let promised = says(&mut controller, 1, 2, &[Milestone::Dealt(1), Milestone::Still(1)]);
    assert!(tasks(&promised, 3).is_empty(), "{promised:?}");
    let all = says(&mut controller, 2, 2, &[Milestone::Dealt(1)]);
    assert!(matches!(tasks(&all, 3)[..], [Task::Deal(deal)] if deal.version == 2), "{all:?}");
    let still = says(&mut controller, 2, 3, &[Milestone::Still(1)]);
    assert!(matches!(tasks(&still, 3)[..], [Task::Still(2)]), "{still:?}");
}

#[test]
fn a_controller_that_was_itself_away_gives_nobody_up_for_that() {
    let heartbeat = || FromWorker::Heartbeat(Heartbeat { sent: 1, received: 9 });
    let mut controller = running();
    (controller.now, controller.sleeps) = (12_000, true);
    let woken = controller.take(controller::Event::Tick);
    let [Happening::HeldUp { absent }] = told(&woken)[..] else { panic!("{woken:?}") };
    assert_eq!(*absent, Duration::from_secs(12));
    controller.sleeps = false;
    // What they had said waits to be read; one of them says nothing.
    controller.hear(1, heartbeat());
    controller.now = 13_050;
    let actions = controller.take(controller::Event::Tick);
    assert!(matches!(told(&actions)[..], [Happening::Lost(loss)] if loss.worker.index() == 1), "{actions:?}");

    // With it there all the time everyone is given up in time.
    let mut controller = running();
    controller.now = 2_250;
    let actions = controller.take(controller::Event::Tick);
    assert_eq!(told(&actions).iter().filter(|h| matches!(h, Happening::Lost(_))).count(), 2, "{actions:?}");
}

#[test]
fn an_order_at_the_wrong_time_fails_the_run() {
    let mut controller = Controller::new();
    let actions = controller.order(Order::Start { setup_data: None, elapsed: Duration::ZERO });
    assert!(matches!(told(&actions)[..], [Happening::Failed(_), Happening::AllDone]), "{actions:?}");
}

#[test]
fn what_only_the_failed_disk_of_a_controller_knew_is_said_and_orders_it_forgot_are_not_given_anew() {
    let mut controller = Controller::new();
    controller.join(1, 11, 0);
    // The worker knows that its first three batches were taken, and this controller does not.
    controller.take(controller::Event::Accepted {
        connection: ConnectionId(2),
        address: SocketAddr::from(([127, 0, 0, 1], 1)),
        nonce: [0; 16],
    });
    controller.hear(2, FromWorker::Hello(Hello { version: VERSION, nonce: vec![1; 16] }));
    let again = controller.hear(2, FromWorker::Join(Join { instance: 11, kept_from: 4, ..Join::default() }));
    assert!(
        told(&again).iter().any(|h| matches!(h, Happening::ReportsMissing { reports: 3, .. })),
        "{again:?}"
    );
    let next = controller.hear(2, FromWorker::Batch(Batch { number: 4, ..Batch::default() }));
    assert!(matches!(sent(&next, 2)[..], [FromController::Taken(Taken { batch: 4 })]), "{next:?}");
    let refused = controller.join(3, 11, 5);
    assert!(
        matches!(sent(&refused, 3)[..], [FromController::Refused(r)] if r.reason.contains("remembers")),
        "{refused:?}"
    );
}

#[test]
fn iterations_of_reports_that_are_missing_are_run_again() {
    let work = CountedWork { scenario: ScenarioIndex::new(0), vus: 2, iterations: 4, is_each: true };
    let mut controller = ready(vec![work]);
    controller.order(Order::Start { setup_data: None, elapsed: Duration::ZERO });
    let address = SocketAddr::from(([127, 0, 0, 1], 1));
    controller.take(controller::Event::Accepted { connection: ConnectionId(3), address, nonce: [0; 16] });
    controller.hear(3, FromWorker::Hello(Hello { version: VERSION, nonce: vec![1; 16] }));
    let join = Join { instance: 11, received: 1, kept_from: 5, ..Join::default() };
    let again = controller.hear(3, FromWorker::Join(join));
    let counts = |message: &FromController| match message {
        FromController::Command(Command { task: Some(Task::Count(count)), .. }) => Some(count.clone()),
        _ => None,
    };
    let counts: Vec<Count> = sent(&again, 3).into_iter().filter_map(counts).collect();
    // What it was given first, that it forgets that, and the same again.
    let told: Vec<(u32, bool, usize)> = counts.iter().map(|c| (c.epoch, c.void, c.grants.len())).collect();
    assert_eq!(told, [(0, false, 1), (1, true, 0), (1, false, 1)]);
    assert_eq!(counts[0].grants, counts[2].grants);
}

/// A worker that has joined, at 1 s.
fn joined() -> worker::Machine {
    joined_with(Duration::ZERO)
}

/// One that may go on for so long without a controller.
fn joined_with(grace: Duration) -> worker::Machine {
    let mut machine = worker::Machine::new(at(0), settings(), &mut Vec::new());
    hear(&mut machine, 900, worker::Event::Connected([1; 16]));
    let challenge = Challenge { nonce: vec![0; 16], proof: Vec::new() };
    hear(&mut machine, 900, worker::Event::Received(FromController::Challenge(challenge)));
    let welcome = Welcome { run: 1, worker: 0, taken: 0, grace: grace.as_nanos() as u64 };
    hear(&mut machine, 1_000, worker::Event::Received(FromController::Welcome(welcome)));
    machine
}

fn settings() -> worker::Settings {
    worker::Settings {
        controller: "controller:5557".to_owned(),
        name: "worker".to_owned(),
        threads: 1,
        instance: InstanceId::new(7),
        token: None,
        join_timeout: Duration::from_mins(1),
        takes_deals: false,
        unix_at_origin: Duration::from_secs(1_003),
    }
}

fn hear(machine: &mut worker::Machine, now: u64, event: worker::Event) -> Vec<worker::Action> {
    let mut actions = Vec::new();
    machine.on_event(at(now), event, &mut actions);
    actions
}

fn batches(actions: &[worker::Action]) -> Vec<&Batch> {
    let batch = |action| match action {
        &worker::Action::Send(FromWorker::Batch(ref batch)) => Some(batch),
        _ => None,
    };
    actions.iter().filter_map(batch).collect()
}

#[test]
fn the_lease_counts_from_when_the_heartbeat_was_sent() {
    let mut machine = joined();
    let pulse = |leased| Pulse { sent: at(1_000).as_nanos(), at: 0, leased };
    let actions = hear(&mut machine, 1_040, worker::Event::Received(FromController::Pulse(pulse(true))));
    let until =
        |action: &worker::Action| matches!(action, worker::Action::Lease(until) if *until == at(3_000));
    assert!(actions.iter().any(until), "{actions:?}");
    assert_eq!(machine.clock_error(), Some(Duration::from_millis(20)));
    let actions = hear(&mut machine, 1_041, worker::Event::Received(FromController::Pulse(pulse(false))));
    assert!(!actions.iter().any(|action| matches!(action, worker::Action::Lease(_))), "{actions:?}");
}

/// A worker at work that has a lease until 3 s, whose connection broke at 1.1 s and that connects again at 1.15 s.
fn connecting(grace: Duration) -> worker::Machine {
    let mut machine = joined_with(grace);
    let pulse = Pulse { sent: at(1_000).as_nanos(), at: 0, leased: true };
    hear(&mut machine, 1_040, worker::Event::Received(FromController::Pulse(pulse)));
    let start = Task::Start(throng_cluster::protocol::Start::default());
    let command = Command { number: 1, task: Some(start) };
    hear(&mut machine, 1_050, worker::Event::Received(FromController::Command(command)));
    hear(&mut machine, 1_100, worker::Event::Closed("reset".to_owned()));
    let actions = hear(&mut machine, 1_150, worker::Event::Tick);
    assert!(matches!(actions[..], [worker::Action::Connect]), "{actions:?}");
    machine
}

fn leases(actions: &[worker::Action]) -> Vec<Moment> {
    let lease = |action: &worker::Action| match action {
        worker::Action::Lease(until) => Some(*until),
        _ => None,
    };
    actions.iter().filter_map(lease).collect()
}

#[test]
fn a_worker_goes_on_for_the_grace_only_if_nobody_listens_while_its_lease_is_valid() {
    let refused = || worker::Event::NobodyListens("refused".to_owned());
    let grace = Duration::from_mins(1);
    let mut machine = connecting(grace);
    let actions = hear(&mut machine, 1_160, refused());
    assert_eq!(leases(&actions), [at(61_150)], "counted from when it tried to connect");
    assert!(actions.iter().any(|action| matches!(action, worker::Action::Orphaned(_))), "{actions:?}");
    // Refused again: the grace is not begun anew.
    hear(&mut machine, 2_000, worker::Event::Tick);
    assert_eq!(leases(&hear(&mut machine, 2_001, refused())), []);
    // Before it says who it is it has no more than the ordinary lease.
    hear(&mut machine, 4_000, worker::Event::Tick);
    hear(&mut machine, 4_001, worker::Event::Connected([1; 16]));
    let challenge = Challenge { nonce: vec![0; 16], proof: Vec::new() };
    let actions = hear(&mut machine, 4_010, worker::Event::Received(FromController::Challenge(challenge)));
    assert!(matches!(actions[..], [worker::Action::Lease(_), worker::Action::Send(_)]), "{actions:?}");
    assert_eq!(leases(&actions), [at(6_010)]);

    assert_eq!(
        leases(&hear(&mut connecting(grace), 3_000, refused())),
        [],
        "it may have been given up by then"
    );
    assert_eq!(leases(&hear(&mut connecting(Duration::ZERO), 1_160, refused())), [], "nobody will go on");
    let silent = worker::Event::Closed("no answer".to_owned());
    assert_eq!(leases(&hear(&mut connecting(grace), 1_160, silent)), [], "who is cut off is given up");
}

#[test]
fn what_looks_like_a_mistake_is_said_once_and_tried_again() {
    let settings = worker::Settings { join_timeout: Duration::from_secs(2), ..settings() };
    let mut machine = worker::Machine::new(at(0), settings, &mut Vec::new());
    let (mut said, mut attempts, mut is_connecting) = (0, 1, true);
    for millis in (0..5_000).step_by(50) {
        let event = if std::mem::take(&mut is_connecting) {
            worker::Event::Doubtful("no TLS".to_owned())
        } else {
            worker::Event::Tick
        };
        let actions = hear(&mut machine, millis, event);
        is_connecting = actions.iter().any(|action| matches!(action, worker::Action::Connect));
        attempts += u32::from(is_connecting);
        let told = |is: fn(&Instruction) -> bool| {
            actions.iter().filter(|one| matches!(one, worker::Action::Instruct(told) if is(told))).count()
        };
        said += told(|told| matches!(told, Instruction::Doubtful { .. }));
        if told(|told| matches!(told, Instruction::Disconnected(Disconnect::Unreachable { .. }))) > 0 {
            assert_eq!(said, 1);
            assert!(attempts > 3 && millis >= 2_000, "{attempts} attempts in {millis} ms");
            return;
        }
    }
    panic!("it has not given up");
}

#[test]
fn one_that_took_part_does_not_end_well_when_it_comes_back_too_late() {
    let refused = Refused { reason: "the run is over".to_owned(), over: true, ..Refused::default() };
    let ends = |machine: &mut worker::Machine| -> Vec<Disconnect> {
        let actions = hear(machine, 2_000, worker::Event::Received(FromController::Refused(refused.clone())));
        let end = |action| match action {
            worker::Action::Instruct(Instruction::Disconnected(why)) => Some(why),
            _ => None,
        };
        actions.into_iter().filter_map(end).collect()
    };
    assert!(matches!(ends(&mut joined())[..], [Disconnect::Refused { .. }]));
    let mut late = worker::Machine::new(at(0), settings(), &mut Vec::new());
    hear(&mut late, 900, worker::Event::Connected([1; 16]));
    assert!(matches!(ends(&mut late)[..], [Disconnect::Over { .. }]));
}

#[test]
fn what_cannot_be_sent_yet_folds_into_one_batch() {
    let mut machine = joined();
    let mut numbers = Vec::new();
    for _ in 0..100 {
        let actions = hear(&mut machine, 1_001, worker::Event::Reported(Report::Delta(delta(1, 1))));
        numbers.extend(batches(&actions).iter().map(|batch| batch.number));
    }
    assert_eq!(numbers, (1..=8).collect::<Vec<_>>());
    let taken = worker::Event::Received(FromController::Taken(Taken { batch: 1 }));
    let actions = hear(&mut machine, 1_002, taken);
    let [batch] = batches(&actions)[..] else { panic!("{actions:?}") };
    let folded = Delta::decode(batch.delta.as_deref().unwrap()).unwrap();
    assert_eq!((batch.number, iterations(&folded)), (9, 92));
}

#[test]
fn a_command_is_carried_out_once() {
    let mut machine = joined();
    let abort = || {
        let task = Some(Task::Abort("enough".to_owned()));
        worker::Event::Received(FromController::Command(Command { number: 1, task }))
    };
    let instructed = |actions: Vec<worker::Action>| {
        actions.iter().filter(|action| matches!(action, worker::Action::Instruct(_))).count()
    };
    assert_eq!(instructed(hear(&mut machine, 1_001, abort())), 1);
    assert_eq!(instructed(hear(&mut machine, 1_002, abort())), 0);
}

#[test]
fn a_silent_controller_is_left_and_looked_for_again() {
    let mut machine = joined();
    let actions = hear(&mut machine, 11_001, worker::Event::Tick);
    assert!(matches!(actions[..], [worker::Action::Close]), "{actions:?}");
    assert_eq!(machine.wakes_at(), at(11_051));
    let actions = hear(&mut machine, 11_051, worker::Event::Tick);
    assert!(matches!(actions[..], [worker::Action::Connect]), "{actions:?}");
}

#[test]
fn a_worker_knows_by_how_much_its_wall_clock_is_ahead() {
    let mut machine = joined();
    // The controller's own moments are 100 ms ahead; a round trip takes 4 ms.
    let pulse = Pulse { sent: at(2_000).as_nanos(), at: at(2_102).as_nanos(), leased: true };
    hear(&mut machine, 2_004, worker::Event::Received(FromController::Pulse(pulse)));
    let start = |unix_millis: u64| throng_cluster::protocol::Start {
        at: at(2_600).as_nanos(),
        unix: unix_millis * 1_000_000,
        ..Default::default()
    };
    let mut ahead = |number, unix| {
        let command = Command { number, task: Some(Task::Start(start(unix))) };
        let actions = hear(&mut machine, 2_010, worker::Event::Received(FromController::Command(command)));
        actions.into_iter().find_map(|action| match action {
            worker::Action::Start { ahead, .. } => Some(ahead),
            _ => None,
        })
    };
    // At its 2,500 this worker's clock shows 1,005.5 s.
    assert_eq!(ahead(1, 1_005_500 - 3_000), Some(3_000_000_000));
    assert_eq!(ahead(2, 1_005_500 + 40), Some(-40_000_000));
    assert_eq!(ahead(3, 1_005_500 + 1), Some(0), "less than can be told");
}
