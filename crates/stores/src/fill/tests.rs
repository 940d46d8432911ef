//! Fills of a database in memory that loses connections, fills up and refuses.

use std::num::NonZeroUsize;
use std::time::Duration;

use proptest::prelude::*;

use super::testing::{Fate, Memory};
use super::*;
use crate::error::Trouble;
use crate::plan::{Goal, Kind};
use crate::secret::Address;
use crate::size::Size;
use crate::template::{KeyStyle, Template};

const TEXT: &str = r#"{"name": "$name", "u": {"$join": ["u", "$sequence"]}}"#;

pub(super) fn plan(goal: Goal) -> Plan {
    with_template(TEXT, goal)
}

pub(super) fn with_template(text: &str, goal: Goal) -> Plan {
    Plan {
        kind: Kind::MySql,
        address: Address::new("mysql://h/db", None).unwrap(),
        database: "db".into(),
        collection: "t".into(),
        template: Arc::new(Template::compile("t", text, "t", 1, KeyStyle::Column("id")).unwrap()),
        goal,
        indexes: Vec::new(),
        begin: Begin::Resume,
        batch: NonZeroUsize::new(7).unwrap(),
        parallel: NonZeroUsize::new(3).unwrap(),
        patience: Duration::from_secs(5),
    }
}

pub(super) fn fill(store: &Memory, plan: &Plan) -> Report {
    fill_until(store, plan, watch::channel(false).1)
}

fn fill_until(store: &Memory, plan: &Plan, stopped: watch::Receiver<bool>) -> Report {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    let progress = Arc::new(Progress::new(channel().0));
    let ended = runtime.block_on(drive(store.clone(), plan, &progress, None, stopped));
    Report::new(ended, &progress)
}

/// Every record that is there is the one that belongs there, and none before the last is missing.
pub(super) fn is_complete(store: &Memory, plan: &Plan) -> u64 {
    let records = store.records.lock().unwrap();
    for (expected, (sequence, record)) in records.iter().enumerate() {
        assert_eq!(*sequence, expected as u64, "a hole");
        assert_eq!(*record, plan.template.record(*sequence));
    }
    records.len() as u64
}

#[test]
fn the_record_that_reaches_the_size_is_the_last() {
    let (store, plan) = (Memory::default(), plan(Goal::Bytes(Size(10_000))));
    let report = fill(&store, &plan);
    assert!(matches!(report.ended, Ended::Reached), "{report:?}");
    let count = is_complete(&store, &plan);
    let longest = store.encode(plan.template.record(count - 1)).bytes;
    assert!((10_000..10_000 + longest).contains(&report.totals.bytes()), "{report:?}");
    assert_eq!(report.totals.records(), count);
    assert_eq!(report.server.unwrap().records, count);
}

#[test]
fn a_number_of_records_is_met_exactly() {
    let (store, plan) = (Memory::default(), plan(Goal::Records(100)));
    fill(&store, &plan);
    assert_eq!(is_complete(&store, &plan), 100);
}

#[test]
fn a_second_fill_adds_what_is_missing_and_nothing_else() {
    let (store, plan) = (Memory::default(), plan(Goal::Records(100)));
    fill(&store, &plan);
    store.records.lock().unwrap().retain(|sequence, _| !(20..30).contains(sequence) && *sequence != 99);
    let report = fill(&store, &plan);
    assert_eq!((report.totals.there_records, report.totals.inserted_records), (89, 11));
    assert_eq!(is_complete(&store, &plan), 100);
    let again = fill(&store, &plan);
    assert_eq!((again.totals.there_records, again.totals.inserted_records), (100, 0));
    // The bytes do not depend on who inserted them.
    assert_eq!(again.totals.bytes(), report.totals.bytes());
}

#[test]
fn the_same_size_is_met_by_the_same_records_however_often_it_was_interrupted() {
    let plan = plan(Goal::Bytes(Size(20_000)));
    let whole = Memory::default();
    fill(&whole, &plan);
    let pieces = Memory::default();
    for goal in [3_000, 9_000, 20_000] {
        let part = Plan { goal: Goal::Bytes(Size(goal)), ..plan.clone() };
        fill(&pieces, &part);
    }
    assert_eq!(*whole.records.lock().unwrap(), *pieces.records.lock().unwrap());
}

#[test]
fn what_others_made_is_not_counted_as_ours() {
    let store = Memory::default();
    fill(&store, &plan(Goal::Records(10)));
    let other = with_template(r#"{"name": "$city"}"#, Goal::Records(20));
    let report = fill(&store, &other);
    assert!(matches!(report.ended, Ended::Failed(FillError::Foreign { .. })), "{report:?}");
    assert_eq!(store.records.lock().unwrap().len(), 10);
}

#[test]
fn an_application_may_have_changed_some_of_the_records() {
    let (store, plan) = (Memory::default(), plan(Goal::Records(50)));
    fill(&store, &plan);
    for (_, record) in store.records.lock().unwrap().iter_mut().take(40) {
        record.fields.clear();
    }
    assert!(matches!(fill(&store, &plan).ended, Ended::Reached));
}

#[test]
fn a_record_that_is_too_large_is_named_and_those_before_are_there() {
    let text = r#"{"t": {"$text": {"min": 10, "max": 1000}}}"#;
    let plan = with_template(text, Goal::Records(10_000));
    let store = Memory { longest: Some(900), ..Memory::default() };
    let report = fill(&store, &plan);
    let Ended::Failed(FillError::TooLarge { sequence, bytes, limit: 900 }) = report.ended else {
        panic!("{report:?}")
    };
    assert!(bytes > 900);
    assert!(is_complete(&store, &plan) <= sequence);
}

#[test]
fn a_full_disk_ends_the_fill_and_the_next_one_goes_on() {
    let plan = plan(Goal::Records(500));
    let full = Memory { room: Some(200), ..Memory::default() };
    let report = fill(&full, &plan);
    let Ended::Failed(error) = &report.ended else { panic!("{report:?}") };
    assert_eq!(error.trouble(), Trouble::Full);
    assert!(error.to_string().contains("run the same command again"), "{error}");
    let roomy = Memory { room: None, ..full };
    fill(&roomy, &plan);
    assert_eq!(is_complete(&roomy, &plan), 500);
}

#[test]
fn a_violated_key_that_is_not_ours_is_an_error() {
    let plan = plan(Goal::Records(100));
    let store = Memory { taken: Some("u42".into()), ..Memory::default() };
    let report = fill(&store, &plan);
    assert!(matches!(report.ended, Ended::Failed(FillError::Unique { .. })), "{report:?}");
}

#[test]
fn a_server_that_stays_away_is_given_up_with_its_reason() {
    let mut plan = plan(Goal::Records(100));
    plan.patience = Duration::from_millis(250);
    let store = Memory::default();
    store.fates.lock().unwrap().extend([Fate::LostBefore; 100]);
    let report = fill(&store, &plan);
    let Ended::Failed(error) = &report.ended else { panic!("{report:?}") };
    assert_eq!(error.trouble(), Trouble::Unreachable);
    assert!(error.to_string().starts_with("connect: lost"), "{error}");
}

#[test]
fn a_fill_that_is_stopped_says_so_and_the_next_one_goes_on() {
    let plan = plan(Goal::Records(1_000));
    let store = Memory::default();
    let (stop, stopped) = watch::channel(false);
    stop.send_replace(true);
    let report = fill_until(&store, &plan, stopped);
    assert!(matches!(report.ended, Ended::Stopped), "{report:?}");
    fill(&store, &plan);
    assert_eq!(is_complete(&store, &plan), 1_000);
}

pub(super) fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        4 => Just(Fate::Done),
        1 => Just(Fate::LostBefore),
        1 => Just(Fate::LostAfter),
        1 => Just(Fate::LostBetween),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn lost_connections_neither_lose_nor_double(fates in prop::collection::vec(fate(), 0..12)) {
        let mut plan = plan(Goal::Records(60));
        // Chance may lose all twelve in a row, which five seconds are not patient enough for.
        plan.patience = Duration::from_mins(1);
        let store = Memory::default();
        store.fates.lock().unwrap().extend(fates);
        let report = fill(&store, &plan);
        prop_assert!(matches!(report.ended, Ended::Reached), "{:?}", report);
        prop_assert_eq!(is_complete(&store, &plan), 60);
        prop_assert_eq!(report.totals.records(), 60);
    }
}
