//! Teams that fill a database in memory, whose members die and whose connections are lost.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use proptest::prelude::*;
use tokio::sync::{mpsc, watch};

use super::dealer::{Dealer, Next};
use super::*;
use crate::error::FillError;
use crate::fill::progress::Progress;
use crate::fill::testing::Memory;
use crate::fill::tests::{fate, fill, is_complete, plan, with_template};
use crate::fill::{Ended, Given, Report, drive};
use crate::inventory::Inventory;
use crate::plan::{Goal, Plan};
use crate::size::Size;

/// What becomes of a member.
#[derive(Debug, Clone, Copy)]
enum Life {
    /// It stays to the end.
    Whole,
    /// After so many answers nothing is heard of it any more; what it does then arrives without anybody knowing.
    Until(usize),
}

/// Fills with members in this process; the plan of each may differ from the leader's.
fn together(store: &Memory, plan: &Plan, lives: &[Life], theirs: impl Fn(usize) -> Plan) -> Report {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    let (gate, events) = gate();
    for (member, life) in lives.iter().enumerate() {
        let (said, mut answers) = mpsc::unbounded_channel();
        let orders = gate.joined(member);
        let (gate, store, plan, life) = (gate.clone(), store.clone(), theirs(member), *life);
        runtime.spawn(async move {
            let say: Arc<dyn Fn(Answer) + Send + Sync> = Arc::new(move |answer| {
                // Nobody listens to the dead.
                let _ = said.send(answer);
            });
            say(Answer::Ready(mark(&plan)));
            let progress = Arc::new(Progress::new(channel().0));
            if let Err(Given::Failed(error)) =
                super::member::work(store, &plan, &progress, orders, &say).await
            {
                say(Answer::Failed { kind: error.trouble(), message: error.to_string() });
            }
        });
        runtime.spawn(async move {
            let mut heard = 0;
            while let Some(answer) = answers.recv().await {
                if matches!(life, Life::Until(last) if heard > last) {
                    break;
                }
                heard += 1;
                gate.said(member, answer);
            }
            gate.gone(member, "killed".into());
        });
    }
    drop(gate);
    let progress = Arc::new(Progress::new(channel().0));
    let (_stop, stopped) = watch::channel(false);
    let ended = runtime.block_on(drive(store.clone(), plan, &progress, Some(events), stopped));
    Report::new(ended, &progress)
}

fn alike(plan: &Plan) -> impl Fn(usize) -> Plan {
    |_| plan.clone()
}

#[test]
fn three_bring_about_what_one_does() {
    for goal in [Goal::Bytes(Size(40_000)), Goal::Records(500), Goal::Bytes(Size(1)), Goal::Records(0)] {
        let plan = plan(goal);
        let (alone, team) = (Memory::default(), Memory::default());
        let one = fill(&alone, &plan);
        let three = together(&team, &plan, &[Life::Whole; 3], alike(&plan));
        assert!(matches!(three.ended, Ended::Reached), "{three:?}");
        assert_eq!(*alone.records.lock().unwrap(), *team.records.lock().unwrap(), "{goal:?}");
        assert_eq!(one.totals.bytes(), three.totals.bytes());
        assert_eq!(one.totals.records(), three.totals.records());
    }
}

#[test]
fn a_team_goes_on_where_somebody_stopped_and_fills_the_holes() {
    let plan = plan(Goal::Records(300));
    let store = Memory::default();
    fill(&store, &plan);
    store.records.lock().unwrap().retain(|sequence, _| !(20..60).contains(sequence) && *sequence < 250);
    let report = together(&store, &plan, &[Life::Whole; 2], alike(&plan));
    assert_eq!((report.totals.there_records, report.totals.inserted_records), (210, 90));
    assert_eq!(is_complete(&store, &plan), 300);
}

#[test]
fn a_time_is_kept_by_a_team() {
    let plan = plan(Goal::Time(Duration::from_millis(30)));
    let store = Memory::default();
    let report = together(&store, &plan, &[Life::Whole; 2], alike(&plan));
    assert!(matches!(report.ended, Ended::Reached), "{report:?}");
    assert!(report.totals.records() > 0);
    assert_eq!(is_complete(&store, &plan), report.totals.records());
}

#[test]
fn a_member_that_would_make_other_records_is_not_let_in() {
    let plan = plan(Goal::Records(100));
    let other = with_template(r#"{"name": "$city"}"#, Goal::Records(100));
    let store = Memory::default();
    let report =
        together(
            &store,
            &plan,
            &[Life::Whole; 2],
            |member| if member == 1 { other.clone() } else { plan.clone() },
        );
    assert!(matches!(report.ended, Ended::Reached), "{report:?}");
    assert_eq!(is_complete(&store, &plan), 100);
    let report = together(&Memory::default(), &plan, &[Life::Whole; 2], |_| other.clone());
    assert!(matches!(report.ended, Ended::Failed(FillError::Alone)), "{report:?}");
}

#[test]
fn only_who_makes_the_same_records_counts_as_a_member() {
    let plan = plan(Goal::Time(Duration::from_mins(1)));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    let (gate, events) = gate();
    let (stop, stopped) = watch::channel(false);
    let (store, its_plan, progress) = (Memory::default(), plan.clone(), Arc::new(Progress::new(channel().0)));
    let leader =
        runtime.spawn(async move { drive(store, &its_plan, &progress, Some(events), stopped).await });
    let mut other = gate.joined(1);
    gate.said(1, Answer::Ready("others".to_owned()));
    assert!(matches!(other.wait(), Some(Order::Differs)));
    assert_eq!(gate.members(), 0);
    let mut same = gate.joined(2);
    gate.said(2, Answer::Ready(mark(&plan)));
    assert!(matches!(same.wait(), Some(Order::Make(_))));
    while gate.members() == 0 {
        std::thread::yield_now();
    }
    gate.gone(2, "killed".to_owned());
    while gate.members() > 0 {
        std::thread::yield_now();
    }
    stop.send(true).unwrap();
    // Who sees that there is nobody any more, and not the stop, says so.
    assert!(matches!(runtime.block_on(leader).unwrap(), Err(Given::Stopped)));
    drop(gate);
}

#[test]
fn a_team_without_members_is_said() {
    let plan = plan(Goal::Records(100));
    let report = together(&Memory::default(), &plan, &[Life::Until(0); 2], alike(&plan));
    assert!(matches!(report.ended, Ended::Failed(FillError::Alone)), "{report:?}");
}

#[test]
fn a_member_that_cannot_go_on_ends_the_fill_with_its_reason_and_the_next_one_goes_on() {
    let plan = plan(Goal::Records(500));
    let full = Memory { room: Some(200), ..Memory::default() };
    let report = together(&full, &plan, &[Life::Whole; 3], alike(&plan));
    let Ended::Failed(error @ FillError::Member { .. }) = &report.ended else { panic!("{report:?}") };
    assert_eq!(error.trouble(), crate::error::Trouble::Full);
    assert!(error.to_string().contains("no space left"), "{error}");
    let roomy = Memory { room: None, ..full };
    together(&roomy, &plan, &[Life::Whole; 3], alike(&plan));
    assert_eq!(is_complete(&roomy, &plan), 500);
}

#[test]
fn orders_and_answers_are_lines_of_json() {
    let share = Share { id: 3, records: 5..9, missing: vec![6..7, 8..9], is_doubtful: true };
    let order = Order::Make(share);
    let line = serde_json::to_string(&order).unwrap();
    assert!(!line.contains('\n'));
    assert_eq!(serde_json::from_str::<Order>(&line).unwrap(), order);
    let answer = Answer::Failed { kind: crate::error::Trouble::TooLarge, message: "a\nb".into() };
    let line = serde_json::to_string(&answer).unwrap();
    assert!(!line.contains('\n'));
    assert_eq!(serde_json::from_str::<Answer>(&line).unwrap(), answer);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn lost_members_and_connections_neither_lose_nor_double(
        fates in prop::collection::vec(fate(), 0..12),
        deaths in prop::collection::vec(0usize..6, 0..3),
        bytes in 1_000u64..20_000,
    ) {
        let mut plan = plan(Goal::Bytes(Size(bytes)));
        plan.patience = Duration::from_mins(1);
        let whole = Memory::default();
        fill(&whole, &plan);
        let store = Memory::default();
        store.fates.lock().unwrap().extend(fates);
        let lives: Vec<Life> =
            deaths.into_iter().map(Life::Until).chain([Life::Whole]).collect();
        let report = together(&store, &plan, &lives, alike(&plan));
        prop_assert!(matches!(report.ended, Ended::Reached), "{:?}", report);
        prop_assert_eq!(&*whole.records.lock().unwrap(), &*store.records.lock().unwrap());
        let counted: u64 = store.records.lock().unwrap().values()
            .map(|record| crate::store::Store::encode(&store, record.clone()).bytes).sum();
        prop_assert_eq!(report.totals.bytes(), counted);
        prop_assert_eq!(report.totals.records(), is_complete(&store, &plan));
    }

    #[test]
    fn a_size_is_met_by_the_same_record_whatever_the_shares(
        sizes in prop::collection::vec(1u64..2_000, 1..40),
        goal in 1u64..50_000,
        length in 1u64..50,
        under_way in 1usize..20,
    ) {
        let size_of = |sequence: u64| sizes[sequence as usize % sizes.len()];
        let heaviest = sizes.iter().copied().max().unwrap() as f64;
        let mut dealer = Dealer::new(Goal::Bytes(Size(goal)), Inventory::default(), length, heaviest);
        let mut open: Vec<Share> = Vec::new();
        let (mut last, mut bytes) = (0, 0);
        loop {
            let next = if open.len() < under_way {
                dealer.next(Duration::ZERO, size_of)
            } else {
                Next::Wait
            };
            match next {
                Next::Deal(share) => open.push(share),
                Next::Wait => {
                    let share = open.remove(open.len() / 2);
                    let records = share.records.end - share.records.start;
                    let sum: u64 = share.records.clone().map(size_of).sum();
                    last = last.max(share.records.end);
                    bytes += sum;
                    dealer.made(&Made {
                        id: share.id,
                        inserted: Amount { records, bytes: sum },
                        ..Made::default()
                    });
                }
                Next::Met => break,
            }
        }
        prop_assert!(bytes >= goal);
        prop_assert!(bytes - size_of(last - 1) < goal);
    }
}
