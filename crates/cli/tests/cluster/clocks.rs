//! Machines whose clocks differ, as a library that is loaded before the C library makes this one's seem.

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::cluster::{Process, Script, TOKEN, controller, worker};
use super::support::THRONG;

/// The wall clock is an hour fast; clocks that measure are as they were.
const FAST: &str = "
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>
int clock_gettime(clockid_t clock, struct timespec *time) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, \"clock_gettime\");
  int result = real(clock, time);
  if (!result && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) time->tv_sec += 3600;
  return result;
}
time_t time(time_t *into) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (into) *into = now.tv_sec;
  return now.tv_sec;
}
int gettimeofday(struct timeval *restrict into, void *restrict zone) {
  (void)zone;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  into->tv_sec = now.tv_sec;
  into->tv_usec = now.tv_nsec / 1000;
  return 0;
}
";

#[expect(clippy::disallowed_methods, reason = "the time that samples of the right machine have")]
fn unix_now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

/// Seconds since 1970 of a moment that is written as RFC 3339 in UTC.
fn seconds(text: &str) -> f64 {
    let number = |range: std::ops::Range<usize>| text[range].parse::<i64>().unwrap();
    let (year, month, day) = (number(0..4), number(5..7), number(8..10));
    // Days from civil (Hinnant): March begins the year.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468;
    let rest = text[17..].trim_end_matches('Z').parse::<f64>().unwrap();
    (days * 86_400 + number(11..13) * 3_600 + number(14..16) * 60) as f64 + rest
}

#[test]
fn samples_of_a_worker_whose_clock_is_an_hour_fast_are_on_the_time_of_the_controller() {
    let script = Script::new(
        "import { Trend } from 'k6/metrics'; import { sleep } from 'k6';
         const seen = new Trend('seen');
         export const options = { vus: 4, duration: '2s' };
         export default function () { seen.add(Date.now()); sleep(0.2) }",
    )
    .with("fast.c", FAST);
    let (source, library) = (script.path("fast.c"), script.path("fast.so"));
    let compiler =
        Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source).arg("-ldl").status();
    assert!(compiler.unwrap().success(), "the C compiler that builds throng's own C code");
    let out = script.path("out.json");
    let began = unix_now();
    let flags = ["--expect-workers", "2", "-o", &format!("json={}", out.display())];
    let (controller, address) = controller(&script, &flags);
    let right = worker(&address, "right");
    let args = ["worker", "--controller", &address, "--name", "fast", "--threads", "1"];
    let mut fast = Command::new(THRONG.link());
    let fast = Process::spawn(fast.args(args).env_clear().env("LD_PRELOAD", &library), TOKEN);
    controller.wait().expect_code(0);
    let ended = unix_now();
    for worker in [right, fast] {
        worker.wait().expect_code(0);
    }
    let text = std::fs::read_to_string(out).unwrap();
    let points = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let points: Vec<Value> = points.filter(|p| p["metric"] == "seen" && p["type"] == "Point").collect();
    // What a script asks its own machine is as that machine's clock shows it.
    let fast = points.iter().filter(|p| p["data"]["value"].as_f64().unwrap() / 1e3 > ended + 1_800.0).count();
    assert!(fast >= 10 && points.len() - fast >= 10, "{fast} of {} are of the fast worker", points.len());
    for point in &points {
        let time = seconds(point["data"]["time"].as_str().unwrap());
        assert!(began <= time && time <= ended, "{began} to {ended}: {point}");
    }
}
