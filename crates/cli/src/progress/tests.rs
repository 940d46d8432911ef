//! Layouts against what k6 1.1 printed for the same situations. Line ends are marked, as blanks before
//! them are part of the layout.

use std::time::Duration;

use insta::assert_snapshot;

use super::*;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn scenario(name: &str, status: Status, millis: u64, work: Work) -> ScenarioProgress {
    ScenarioProgress { name: name.to_owned(), status, duration: Some(ms(millis)), work }
}

fn running(millis: u64) -> Status {
    Status::Running { elapsed: ms(millis) }
}

fn marked(snapshot: &Snapshot, style: Style) -> String {
    render(snapshot, style).to_text().lines().fold(String::new(), |text, line| text + line + "|\n")
}

/// Two scenarios, `millis` after the start of the run.
fn two(millis: u64, active: u64, complete: u64, reads: Status, writes: Status, busy: u64) -> Snapshot {
    let rate = Work::ArrivalRate { busy, initialised: 2, max: 2, rate: 5.0, peak_rate: 5.0 };
    Snapshot {
        phase: Phase::Running { elapsed: ms(millis), active, initialised: 4, complete, interrupted: 0 },
        max_duration: ms(33_000),
        max_vus: 4,
        scenarios: vec![
            scenario("reads", reads, 2_000, Work::ConstantVus { vus: 2 }),
            scenario("writes", writes, 2_000, rate),
        ],
    }
}

fn waiting() -> Snapshot {
    two(1_010, 2, 2, running(1_000), Status::Waiting { start: ms(1_000), left: ms(40) }, 0)
}

#[test]
fn a_scenario_waits_for_its_start() {
    assert_snapshot!(marked(&waiting(), Style::Plain), @r"
    |
    running (01.0s), 2/4 VUs, 2 complete and 0 interrupted iterations|
    reads    [  50% ] 2 VUs    1.0s/2s|
    writes • [   0% ] waiting  0.0s|
    ");
}

#[test]
fn a_free_last_column_is_padded_when_another_row_goes_on() {
    let snapshot = two(2_000, 2, 11, running(1_990), running(1_000), 0);
    assert_snapshot!(marked(&snapshot, Style::Plain), @r"
    |
    running (02.0s), 2/4 VUs, 11 complete and 0 interrupted iterations|
    reads    [ 100% ] 2 VUs    1.9s/2s |
    writes   [  50% ] 0/2 VUs  1.0s/2s  5.00 iters/s|
    ");
}

#[test]
fn the_final_block_has_marks_and_totals() {
    let done = Status::Done { elapsed: ms(2_000) };
    assert_snapshot!(marked(&two(3_100, 0, 19, done, done, 0), Style::Plain), @r"
    |
    running (03.1s), 0/4 VUs, 19 complete and 0 interrupted iterations|
    reads  ✓ [ 100% ] 2 VUs    2s |
    writes ✓ [ 100% ] 0/2 VUs  2s  5.00 iters/s|
    ");
}

fn all_executors() -> Snapshot {
    let arrivals = |busy, initialised, max, rate, peak_rate| Work::ArrivalRate {
        busy,
        initialised,
        max,
        rate,
        peak_rate,
    };
    let at = running(1_800);
    let shared = Work::SharedIterations { vus: 3, done: 36, total: 100 };
    Snapshot {
        phase: Phase::Running {
            elapsed: ms(3_000),
            active: 40,
            initialised: 56,
            complete: 193,
            interrupted: 5,
        },
        max_duration: ms(120_000),
        max_vus: 181,
        scenarios: vec![
            scenario("car", at, 3_000, arrivals(2, 2, 120, 7.5, 7.5)),
            scenario("const", Status::Stopping { elapsed: ms(2_100) }, 2_000, Work::ConstantVus { vus: 10 }),
            scenario("ext", running(3_000), 4_000, Work::External { active: 2, max: 12 }),
            scenario("pervu", at, 120_000, Work::PerVuIterations { vus: 12, done: 84, each: 20 }),
            scenario("ramp", at, 3_000, Work::RampingVus { active: 8, max: 12 }),
            scenario("rar", at, 2_000, arrivals(3, 5, 12, 7.6, 20.0)),
            scenario("shared", Status::Unfinished { elapsed: ms(3_000) }, 3_000, shared),
            scenario(
                "late",
                Status::Waiting { start: ms(62_000), left: ms(60_200) },
                1_000,
                Work::ConstantVus { vus: 1 },
            ),
        ],
    }
}

#[test]
fn every_executor_has_its_columns() {
    assert_snapshot!(marked(&all_executors(), Style::Plain), @r"
    |
    running (0m03.0s), 040/056 VUs, 193 complete and 5 interrupted iterations|
    car      [  60% ] 002/002 VUs  1.8s/3s       7.50 iters/s|
    const  ↓ [ 100% ] 10 VUs       2s           |
    ext      [  75% ] 02/12 VUs    3.0s/4s        |
    pervu    [  35% ] 12 VUs       0m01.8s/2m0s  084/240 iters, 20 per VU|
    ramp     [  60% ] 08/12 VUs    1.8s/3.0s    |
    rar      [  90% ] 03/05 VUs    1.8s/2s       07.60 iters/s|
    shared ✗ [  36% ] 3 VUs        3.0s/3s       036/100 shared iters|
    late   • [   0% ] waiting      1m00.2s      |
    ");
}

#[test]
fn an_endless_scenario_shows_the_time_it_runs() {
    let mut snapshot = waiting();
    snapshot.scenarios = vec![ScenarioProgress {
        name: "ext".into(),
        status: running(61_500),
        duration: None,
        work: Work::External { active: 2, max: 12 },
    }];
    assert!(marked(&snapshot, Style::Plain).contains("ext    [ 100% ] 02/12 VUs  1m01.5s   |\n"));
}

#[test]
fn before_the_run_the_first_line_is_a_bar() {
    let mut snapshot = all_executors();
    snapshot.scenarios.truncate(2);
    snapshot.scenarios.iter_mut().for_each(|scenario| scenario.status = Status::Created);
    let mut text = String::new();
    for phase in [Phase::Init { ready: 2, total: 30 }, Phase::Setup, Phase::Paused] {
        snapshot.phase = phase;
        text += &marked(&snapshot, Style::Plain);
    }
    assert_snapshot!(text, @r"
    |
    Init    [   7% ] 02/30 VUs initialized|
    car     [   0% ]|
    const   [   0% ]|
    |
    Run     [ 100% ] setup()|
    car     [   0% ]|
    const   [   0% ]|
    |
    Run     [ 100% ] paused|
    car     [   0% ]|
    const   [   0% ]|
    ");
}

#[test]
fn bars_take_what_the_terminal_leaves() {
    let mut text = String::new();
    for width in [100, 60, 40, 30] {
        text += &marked(&waiting(), Style::Bars { width, coloured: false });
    }
    assert_snapshot!(text, @r"
    |
    running (01.0s), 2/4 VUs, 2 complete and 0 interrupted iterations|
    reads    [==================>-------------------] 2 VUs    1.0s/2s|
    writes • [--------------------------------------] waiting  0.0s|
    |
    running (01.0s), 2/4 VUs, 2 complete and 0 interrupted iterations|
    reads    [==============>----------------] 2 VUs    1.0s/2s|
    writes • [-------------------------------] waiting  0.0s|
    |
    running (01.0s), 2/4 VUs, 2 complete and 0 interrupted iterations|
    reads    [====>------] 2 VUs    1.0s/2s|
    writes • [-----------] waiting  0.0s|
    |
    running (01.0s), 2/4 VUs, 2 complete and 0 interrupted iterations|
    reads    [  50% ] 2 VUs    1.0s/2s|
    writes • [   0% ] waiting  0.0s|
    ");
}

#[test]
fn colours_dim_what_is_left_and_mark_the_end() {
    let done = Status::Done { elapsed: ms(2_000) };
    let snapshot = two(3_000, 0, 19, done, Status::Waiting { start: ms(1_000), left: ms(1) }, 0);
    let text = marked(&snapshot, Style::Bars { width: 36, coloured: true }).replace('\x1b', "ESC");
    assert_snapshot!(text, @r"
    |
    running (03.0s), 0/4 VUs, 19 complete and 0 interrupted iterations|
    reads  ESC[32m✓ESC[0m [==========ESC[2mESC[22m] 2 VUs    2s|
    writes ESC[2m•ESC[22m [ESC[2m----------ESC[22m] waiting  0.0s|
    ");
}
