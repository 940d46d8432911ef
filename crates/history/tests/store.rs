//! A history on disk: what is kept, what is forgotten, and what is said of files that are none.

#![expect(clippy::unwrap_used, reason = "what a test cannot do without ends it")]

use std::path::Path;

use throng_history::{HistoryError, NewRun, Side, Store, Verdict};

fn snapshot(count: u64, ok: bool) -> String {
    serde_json::json!({
        "kind": "k6", "file": "script.js", "started_at": 1_700_000_000_000_u64, "elapsed": 10.0,
        "totals": { "count": count, "fails": 1, "median": 2.5, "p95": 7.0, "p99": null },
        "requests": [{ "method": "GET", "name": "<script>", "count": count, "fails": 1 }],
        "thresholds": [{ "ok": ok }, { "ok": null }],
        "timeline": { "start": 0, "rps": [1.0, 2.0] },
    })
    .to_string()
}

fn new(name: &str) -> NewRun {
    NewRun { name: name.to_owned(), checksum: "abc".to_owned() }
}

fn open(folder: &Path) -> Store {
    Store::open(folder).unwrap()
}

#[test]
fn a_run_is_there_after_the_process_ended() {
    let folder = tempfile::tempdir().unwrap();
    let text = snapshot(50, true);
    let id = open(&folder.path().join("made")).add(&new("nightly"), &text, None).unwrap();
    let store = Store::open_existing(&folder.path().join("made")).unwrap();
    let run = store.run(id).unwrap();
    assert_eq!(
        (run.name.as_str(), run.file.as_str(), run.checksum.as_str()),
        ("nightly", "script.js", "abc")
    );
    assert_eq!((run.requests, run.failures, run.rps, run.p95), (50, 1, Some(5.0), Some(7.0)));
    assert_eq!((run.verdict, run.exit_code, run.baseline), (None, None, false));
    assert_eq!(store.snapshot(id).unwrap(), text);
    let side = Side::of_store(&store, id).unwrap();
    assert_eq!((side.measured.requests[0].name.as_str(), side.label().as_str()), ("<script>", "#1 nightly"));
    assert!(store.packed_snapshot(id).unwrap().starts_with(&[0x1f, 0x8b]));
    store.conclude(id, 99).unwrap();
    let run = store.run(id).unwrap();
    assert_eq!((run.verdict, run.exit_code), (Some(Verdict::Failed), Some(99)));
}

#[test]
fn a_crossed_threshold_is_a_failure_before_the_exit_code_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let id = store.add(&new("a"), &snapshot(1, false), None).unwrap();
    assert_eq!(store.run(id).unwrap().verdict, Some(Verdict::Failed));
    store.replace(id, &new("a"), &snapshot(9, false)).unwrap();
    assert_eq!(store.list().unwrap().len(), 1);
    assert_eq!(store.run(id).unwrap().requests, 9);
}

#[test]
fn old_runs_make_room_but_baselines_stay_and_no_number_is_given_twice() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let ids: Vec<i64> = (0..4).map(|_| store.add(&new("a"), &snapshot(1, true), Some(3)).unwrap()).collect();
    assert_eq!(store.list().unwrap().iter().map(|run| run.id).collect::<Vec<_>>(), [ids[3], ids[2], ids[1]]);
    store.set_baseline(ids[1], true).unwrap();
    store.set_baseline(ids[2], true).unwrap();
    assert!(!store.run(ids[1]).unwrap().baseline, "a script has one baseline");
    assert_eq!(store.baseline("k6", "script.js").unwrap().unwrap().id, ids[2]);
    assert_eq!(store.baseline("k6", "other.js").unwrap(), None);
    let last = store.add(&new("b"), &snapshot(1, true), Some(1)).unwrap();
    assert_eq!(store.list().unwrap().iter().map(|run| run.id).collect::<Vec<_>>(), [last, ids[2]]);
    store.delete(last).unwrap();
    assert!(matches!(store.snapshot(last), Err(HistoryError::NoRun { .. })));
    assert!(matches!(store.delete(last), Err(HistoryError::NoRun { .. })));
    assert!(store.add(&new("c"), &snapshot(1, true), None).unwrap() > last);
    store.rename(ids[2], "the good one").unwrap();
    assert_eq!(store.run(ids[2]).unwrap().name, "the good one");
}

#[test]
fn runs_that_end_at_the_same_time_are_all_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::thread::scope(|scope| {
        for name in ["a", "b", "c", "d"] {
            scope.spawn(move || {
                // Each opens it itself, as processes do.
                for _ in 0..5 {
                    open(path).add(&new(name), &snapshot(3, true), None).unwrap();
                }
            });
        }
    });
    assert_eq!(open(path).list().unwrap().len(), 20);
}

#[test]
fn files_that_are_no_history_are_named_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.db");
    let nonsense = "this is not a database, but a text that is long enough to be looked at".repeat(20);
    std::fs::write(&file, &nonsense).unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(matches!(error, HistoryError::Damaged { .. }), "{error}");
    assert!(
        error.to_string().contains("history.db") && error.to_string().contains("move it away"),
        "{error}"
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), nonsense);

    std::fs::remove_file(&file).unwrap();
    let other = rusqlite::Connection::open(&file).unwrap();
    other.execute_batch("CREATE TABLE theirs (a)").unwrap();
    drop(other);
    assert!(matches!(Store::open(folder.path()), Err(HistoryError::Foreign { .. })));

    std::fs::remove_file(&file).unwrap();
    drop(open(folder.path()));
    let later = rusqlite::Connection::open(&file).unwrap();
    later.pragma_update(None, "user_version", 7).unwrap();
    drop(later);
    let error = Store::open(folder.path()).unwrap_err().to_string();
    assert!(error.contains("newer throng (format 7; this one knows 1)"), "{error}");
}

#[test]
fn a_folder_that_cannot_be_had_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Store::open(&file.join("below")).unwrap_err().to_string();
    assert!(error.contains("file/below"), "{error}");
    let error = Store::open_existing(folder.path()).unwrap_err().to_string();
    assert!(error.contains("No such file"), "{error}");
}
