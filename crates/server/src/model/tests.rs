//! What a page is told of a run: rows, points of the charts, amendments, bounds.

use serde_json::{Value, json};

use super::*;

/// An update `second` seconds after the start, of a run that makes requests.
fn running(second: u64, requests: Vec<Measured>) -> Update {
    let count = requests.iter().filter_map(|one| one.second).map(|second| second.count).sum();
    Update {
        now: 1_000_000 + second * 1_000,
        started_at: Some(1_000_000),
        state: RunState::Running,
        users: Users { now: 5, target: 10, max: 10, ..Users::default() },
        totals: Measured {
            count,
            second: Some(Second { count, time: 3.0 * count as f64, p95: Some(4.0), ..Second::default() }),
            ..Measured::default()
        },
        requests,
        ..Update::default()
    }
}

fn request(name: &str, count: u64, new: u64) -> Measured {
    Measured {
        method: "GET".into(),
        name: name.into(),
        count,
        avg: Some(3.0),
        second: (new > 0).then_some(Second { count: new, time: 3.0, p95: Some(9.0), ..Second::default() }),
        ..Measured::default()
    }
}

fn only_tick(events: &[Event]) -> Value {
    match events {
        [Event::Tick(text)] => serde_json::from_str(text).unwrap(),
        other => panic!("not one tick: {other:?}"),
    }
}

fn snapshot(model: &Model) -> Value {
    serde_json::from_str(&model.snapshot(model.now().now)).unwrap()
}

#[test]
fn a_page_that_is_opened_late_sees_the_whole_run() {
    let mut model = Model::default();
    let first = model.apply(running(1, vec![request("/a", 10, 10)]));
    assert!(matches!(&first[..], [Event::Snapshot(_)]), "a run that begins is told whole: {first:?}");
    let tick = only_tick(&model.apply(running(2, vec![request("/a", 30, 20), request("/b", 1, 1)])));
    assert_eq!(tick["point"]["index"], 1);
    assert_eq!(tick["point"]["rps"], 21.0);
    assert_eq!(tick["requests"].as_array().unwrap().len(), 2);
    assert_eq!(
        tick["per_request"][0],
        json!({"id": 0, "index": 1, "rps": 20.0, "fps": 0.0, "p50": null, "p95": 9.0, "p99": null})
    );
    let all = snapshot(&model);
    assert_eq!(all["timeline"]["rps"], json!([10.0, 21.0]));
    assert_eq!(all["timeline"]["users"], json!([5.0, 5.0]));
    assert_eq!(all["requests"][0]["rps"], 15.0);
    assert_eq!(all["requests"][1]["id"], 1);
    assert_eq!(all["elapsed"], 2.0);
    let timeline: Value = serde_json::from_str(&model.request_timeline(0).unwrap()).unwrap();
    assert_eq!((&timeline["from"], &timeline["rps"]), (&json!(0), &json!([10.0, 20.0])));
    assert_eq!(model.request_timeline(2), None);
}

#[test]
fn a_tick_has_only_what_changed() {
    let mut model = Model::default();
    let check = Check { name: "ok".into(), group: String::new(), passes: 1, fails: 0 };
    model.apply(Update { checks: vec![check.clone()], ..running(1, vec![request("/a", 10, 10)]) });
    // The rate is the mean of the last seconds: it falls while nothing comes.
    let tick = only_tick(&model.apply(Update { checks: vec![check.clone()], ..running(2, vec![]) }));
    assert_eq!(tick["requests"][0]["rps"], 5.0);
    for absent in ["checks", "workers", "failures", "thresholds", "lag", "host", "form"] {
        assert_eq!(tick.get(absent), None, "{absent}");
    }
    for second in 3..8 {
        model.apply(Update { checks: vec![check.clone()], ..running(second, vec![]) });
    }
    let tick = only_tick(&model.apply(Update { checks: vec![check], ..running(8, vec![]) }));
    assert_eq!(tick["requests"], json!([]));
}

#[test]
fn nothing_is_told_while_nothing_happens() {
    let mut model = Model::default();
    let ready = |now| Update { now, can: vec![Can::Start], ..Update::default() };
    assert_eq!(model.apply(ready(1_000)).len(), 1);
    assert_eq!(model.apply(ready(2_000)), []);
    assert_eq!(model.apply(Update { workers: vec![worker("w1", "ready")], ..ready(3_000) }).len(), 1);
}

#[test]
fn a_reset_forgets_the_rows_and_keeps_the_charts() {
    let mut model = Model::default();
    let failure = Failure {
        method: "GET".into(),
        name: "/a".into(),
        error: "500".into(),
        count: 2,
        first: None,
        last: None,
    };
    model.apply(Update { failures: vec![failure], ..running(1, vec![request("/a", 10, 10)]) });
    let events = model.apply(Update { epoch: 1, ..running(2, vec![request("/b", 1, 1)]) });
    assert!(matches!(&events[..], [Event::Reset, Event::Snapshot(_)]), "{events:?}");
    let all = snapshot(&model);
    assert_eq!(all["requests"].as_array().unwrap().len(), 1);
    assert_eq!(all["requests"][0]["name"], "/b");
    assert_eq!(all["failures"], json!([]));
    assert_eq!(all["timeline"]["rps"], json!([10.0, 1.0]));
}

#[test]
fn a_new_test_begins_everything_anew_but_the_log() {
    let mut model = Model::default();
    model.log(LogLine { at: 1, level: LogLevel::Info, text: "hello".into(), worker: None });
    model.apply(running(1, vec![request("/a", 10, 10)]));
    let next = Update { started_at: Some(1_100_000), run: 1, ..running(101, vec![request("/b", 7, 7)]) };
    assert!(matches!(&model.apply(next)[..], [Event::Snapshot(_)]));
    let all = snapshot(&model);
    assert_eq!(all["timeline"]["rps"], json!([7.0]));
    assert_eq!(all["requests"][0]["name"], "/b");
    assert_eq!(all["logs"][0]["text"], "hello");
}

#[test]
fn the_last_rest_of_a_second_belongs_to_the_second_before() {
    let mut model = Model::default();
    model.apply(running(1, vec![request("/a", 10, 10)]));
    let last = Update {
        now: 1_001_100,
        ended_at: Some(1_001_100),
        state: RunState::Stopped,
        ..running(1, vec![request("/a", 11, 1)])
    };
    model.apply(last);
    let all = snapshot(&model);
    assert_eq!(all["timeline"]["rps"], json!([10.0]));
    assert_eq!((&all["state"], &all["elapsed"]), (&json!("stopped"), &json!(1.1)));
    assert_eq!(all["requests"][0]["rps"], 0.0, "what is over has no rate");
    assert_eq!(
        model.apply(Update {
            now: 1_005_000,
            ended_at: Some(1_001_100),
            state: RunState::Stopped,
            ..still()
        }),
        []
    );
}

fn still() -> Update {
    let mut update = running(1, vec![request("/a", 11, 0)]);
    update.totals.second = None;
    update.totals.count = 1;
    update
}

#[test]
fn a_long_run_becomes_coarser_and_the_page_is_told() {
    let mut model = Model::default();
    model.apply(running(1, vec![request("/a", 10, 10)]));
    let far = timeline::MOST_POINTS as u64 + 1;
    model.apply(running(far - 1, vec![request("/a", 20, 10)]));
    let events = model.apply(running(far, vec![request("/a", 30, 10)]));
    assert!(matches!(&events[..], [Event::Snapshot(_)]), "{} events", events.len());
    let all = snapshot(&model);
    assert_eq!(all["timeline"]["step"], 2);
    assert_eq!(all["timeline"]["rps"].as_array().unwrap().len(), timeline::MOST_POINTS / 2 + 1);
    // The same index again, as the step is two seconds now.
    let tick = only_tick(&model.apply(running(far + 1, vec![request("/a", 40, 10)])));
    assert_eq!(tick["point"]["index"], timeline::MOST_POINTS / 2);
}

fn worker(id: &str, state: &str) -> Worker {
    Worker { id: id.into(), state: state.into(), users: 0, cpu: None, memory: None, lag: None }
}

#[test]
fn what_happens_is_marked_once() {
    let mut model = Model::default();
    let threshold = |ok| Threshold {
        metric: "http_req_duration".into(),
        source: "p(95)<200".into(),
        value: None,
        ok,
        abort: false,
    };
    let with = |second, state, workers: Vec<Worker>, ok| Update {
        state,
        workers,
        thresholds: vec![threshold(ok)],
        ..running(second, vec![])
    };
    model.apply(with(1, RunState::Spawning, vec![worker("w1", "ready")], None));
    model.apply(with(
        2,
        RunState::Running,
        vec![worker("w1", "missing"), worker("w2", "ready")],
        Some(false),
    ));
    model.apply(with(3, RunState::Running, vec![worker("w2", "ready")], Some(false)));
    let all = snapshot(&model);
    let texts: Vec<&str> =
        all["marks"].as_array().unwrap().iter().map(|mark| mark["text"].as_str().unwrap()).collect();
    assert_eq!(
        texts,
        [
            "worker w1 joined",
            "all 5 users are started",
            "worker w1 is missing",
            "worker w2 joined",
            "http_req_duration: p(95)<200 is crossed",
            "worker w1 left",
        ]
    );
}

#[test]
fn log_lines_are_bounded() {
    let mut model = Model::default();
    for at in 0..600 {
        model.log(LogLine { at, level: LogLevel::Info, text: at.to_string(), worker: None });
    }
    let all = snapshot(&model);
    let lines = all["logs"].as_array().unwrap();
    assert_eq!((lines.len(), &lines[0]["text"]), (500, &json!("100")));
}

#[test]
fn an_event_is_one_frame_whatever_is_in_it() {
    let mut model = Model::default();
    let event = model.log(LogLine {
        at: 1,
        level: LogLevel::Error,
        text: "a\n\nevent: x\r\n</script>".into(),
        worker: None,
    });
    let frame = event.frame();
    assert_eq!(frame.matches('\n').count(), 3, "{frame}");
    assert!(frame.starts_with("event: log\ndata: {") && frame.ends_with("}\n\n"));
}

#[test]
fn what_comes_late_is_of_the_seconds_in_which_it_was_measured() {
    let mut model = Model::default();
    for second in 1..=5 {
        model.apply(running(second, vec![request("/a", second * 10, 10)]));
    }
    let mut late = request("/a", 0, 5);
    late.second.as_mut().unwrap().p95 = Some(900.0);
    let late = Late { from: 1_001_000, until: 1_003_000, totals: late.clone(), requests: vec![late] };
    // The totals and the row have it already.
    let update = running(6, vec![request("/a", 65, 10)]);
    let tick = only_tick(&model.apply(Update { late: vec![late], ..update }));
    let amended: Vec<_> = tick["amend"].as_array().unwrap().iter().map(|point| &point["rps"]).collect();
    assert_eq!(amended, [&json!(13.0), &json!(12.0)], "5 in two seconds, beside 10 in each");
    assert_eq!(tick["amend"][0]["index"], 1);
    assert_eq!(tick["amend"][0]["p95"], 900.0);
    assert_eq!(tick["point"]["rps"], 10.0, "nothing of it is of the present");
    let of_row: Vec<_> =
        tick["per_request"].as_array().unwrap().iter().map(|point| &point["index"]).collect();
    assert_eq!(of_row, [&json!(5), &json!(1), &json!(2)]);
    assert_eq!(snapshot(&model)["timeline"]["rps"], json!([10.0, 13.0, 12.0, 10.0, 10.0, 10.0]));
    let timeline: Value = serde_json::from_str(&model.request_timeline(0).unwrap()).unwrap();
    assert_eq!(timeline["rps"], json!([10.0, 13.0, 12.0, 10.0, 10.0, 10.0]));
}

#[test]
fn what_comes_late_fills_the_gap_that_a_page_held_up_left() {
    let mut model = Model::default();
    for second in [1, 2, 12] {
        model.apply(running(second, vec![request("/a", second * 10, 10)]));
    }
    assert_eq!(snapshot(&model)["timeline"]["rps"][5], Value::Null);
    let late = request("/a", 0, 90);
    let late = Late { from: 1_002_000, until: 1_011_000, totals: late.clone(), requests: vec![late] };
    // Told by two workers, each second is in the tick once.
    let update = running(13, vec![request("/a", 310, 10)]);
    let tick = only_tick(&model.apply(Update { late: vec![late.clone(), late], ..update }));
    assert_eq!(tick["amend"].as_array().unwrap().len(), 10);
    let rps = &snapshot(&model)["timeline"]["rps"];
    assert_eq!(
        (&rps[1], &rps[5], &rps[11], &rps[12]),
        (&json!(10.0), &json!(20.0), &json!(10.0), &json!(10.0))
    );
    let row: Value = serde_json::from_str(&model.request_timeline(0).unwrap()).unwrap();
    let rps = &row["rps"];
    assert_eq!((&rps[5], &rps[11], &rps[12]), (&json!(20.0), &json!(10.0), &json!(10.0)), "{row}");
}
