//! The rule by example.

use super::*;

fn row(name: &str, count: u64, fails: u64, p95: f64) -> Request {
    Request { method: "GET".into(), name: name.into(), count, fails, p95: Some(p95), ..Request::default() }
}

fn run(rows: Vec<Request>) -> Measured {
    let totals = Request {
        count: rows.iter().map(|row| row.count).sum(),
        fails: rows.iter().map(|row| row.fails).sum(),
        p95: rows.iter().filter_map(|row| row.p95).reduce(f64::max),
        ..Request::default()
    };
    Measured { elapsed: 20.0, totals, requests: rows, ..Measured::default() }
}

fn judged(base: Vec<Request>, after: Vec<Request>) -> Comparison {
    compare(&run(base), &run(after), &Tolerance::default())
}

#[test]
fn a_run_that_is_as_the_base_is_the_same() {
    let found = judged(vec![row("/a", 500, 2, 20.0)], vec![row("/a", 480, 3, 21.5)]);
    assert_eq!(found.judgement, Judgement::Same);
    assert_eq!(found.rows[0].judgement, Judgement::Same);
    assert_eq!(found.total.run.unwrap().rps, Some(24.0));
}

#[test]
fn one_slow_request_makes_the_whole_worse_and_is_named() {
    let found = judged(
        vec![row("/a", 500, 0, 90.0), row("/b", 500, 0, 20.0)],
        vec![row("/a", 500, 0, 90.0), row("/b", 500, 0, 30.0)],
    );
    assert_eq!(found.judgement, Judgement::Worse);
    assert_eq!(found.total.judgement, Judgement::Same);
    assert_eq!(found.reasons, ["GET /b: p95 30 ms, 20 ms before (+50 %; +10 % tolerated)"]);
}

#[test]
fn growth_below_the_floor_is_of_no_account() {
    let found = judged(vec![row("/a", 500, 0, 0.5)], vec![row("/a", 500, 0, 1.4)]);
    assert_eq!(found.judgement, Judgement::Same);
    let tolerance = Tolerance { floor: 0.0, ..Tolerance::default() };
    let strict = compare(&run(vec![row("/a", 500, 0, 0.5)]), &run(vec![row("/a", 500, 0, 1.4)]), &tolerance);
    assert_eq!(strict.judgement, Judgement::Worse);
}

#[test]
fn failures_are_judged_in_points() {
    let found = judged(vec![row("/a", 1_000, 10, 5.0)], vec![row("/a", 1_000, 25, 5.0)]);
    assert_eq!(found.judgement, Judgement::Worse);
    assert!(found.reasons[0].contains("2.5 % failed, 1 % before (+1.5 points; +1 tolerated)"), "{found:?}");
    let found = judged(vec![row("/a", 1_000, 25, 5.0)], vec![row("/a", 1_000, 10, 5.0)]);
    assert_eq!(found.judgement, Judgement::Better);
}

#[test]
fn too_few_requests_say_nothing() {
    let found = judged(vec![row("/a", 150, 0, 5.0)], vec![row("/a", 500, 0, 50.0)]);
    assert_eq!(found.judgement, Judgement::Unclear);
    assert!(found.reasons[0].contains("not enough to say: 150 requests, and 200 are needed"), "{found:?}");
    // But a share of failures can be said.
    let found = judged(vec![row("/a", 150, 0, 5.0)], vec![row("/a", 150, 150, 5.0)]);
    assert_eq!(found.judgement, Judgement::Worse);
    assert_eq!(judged(vec![], vec![]).judgement, Judgement::Unclear);
}

#[test]
fn a_rare_request_does_not_keep_the_whole_from_being_judged() {
    let found = judged(
        vec![row("/a", 500, 0, 20.0), row("/rare", 3, 0, 5.0)],
        vec![row("/a", 500, 0, 10.0), row("/rare", 4, 0, 9.0)],
    );
    assert_eq!(found.rows[1].judgement, Judgement::Unclear);
    assert_eq!(found.judgement, Judgement::Better);
}

#[test]
fn rows_of_one_run_only_are_told_apart_and_not_judged() {
    let found = judged(vec![row("/old", 500, 0, 20.0)], vec![row("/new", 500, 0, 20.0)]);
    let rows: Vec<_> = found.rows.iter().map(|row| (row.name.as_str(), row.judgement)).collect();
    assert_eq!(rows, [("/new", Judgement::New), ("/old", Judgement::Gone)]);
    assert_eq!(found.judgement, Judgement::Same);
}

#[test]
fn a_rate_is_judged_where_that_is_asked_for() {
    let tolerance = Tolerance::default().with("rps=5%").unwrap();
    let base = run(vec![row("/a", 1_000, 0, 5.0)]);
    let mut after = run(vec![row("/a", 900, 0, 5.0)]);
    assert_eq!(compare(&base, &after, &tolerance).judgement, Judgement::Worse);
    after.elapsed = 5.0;
    assert_eq!(compare(&base, &after, &tolerance).judgement, Judgement::Unclear);
}
