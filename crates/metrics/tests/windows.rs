//! Thresholds that look at a part of a run, and thresholds on what is observed beside it.

#![expect(clippy::unwrap_used, reason = "helpers of tests may fail as tests do")]

use std::sync::Arc;
use std::time::Duration;

use throng_metrics::threshold::{Evaluation, Moments, Phase, Source};
use throng_metrics::{
    Aggregate, Breakdown, Contains, Kind, Recorder, RecorderConfig, Registry, Thresholds, UnixNanos,
};

struct Run {
    thresholds: Thresholds,
    aggregate: Aggregate,
    recorder: Recorder,
    registry: Arc<Registry>,
    now: u64,
}

impl Run {
    /// With these thresholds on the replicas that are observed.
    fn with(expressions: &[&str]) -> Self {
        let registry = Arc::new(Registry::new());
        registry.observe("replicas", Kind::Gauge, Contains::Default).unwrap();
        registry.observe("restarts", Kind::Counter, Contains::Default).unwrap();
        let source = |expression: &&str| {
            let (metric, expression) = expression.split_once(": ").unwrap();
            let source =
                Source { expression: expression.to_owned(), abort_on_fail: false, delay_abort_eval: None };
            (metric.to_owned(), vec![source])
        };
        let mut thresholds = Thresholds::default();
        thresholds.add_windowed(&expressions.iter().map(source).collect::<Vec<_>>(), &registry).unwrap();
        let mut aggregate = Aggregate::new(registry.clone(), thresholds.submetrics(), Breakdown::Totals)
            .track(thresholds.windowed());
        *aggregate.moments() = Moments { peak: Some(s(120)), descent: Some(s(120)), end: None };
        let recorder = Recorder::new(registry.clone(), RecorderConfig::default());
        Self { thresholds, aggregate, recorder, registry, now: 0 }
    }

    fn add(&mut self, metric: &str, hpa: &str, value: f64) {
        let root = self.recorder.root();
        let tags = self.recorder.with_tags(root, &[("hpa", hpa)]);
        self.recorder.add(
            self.registry.get(metric).unwrap(),
            tags,
            value,
            UnixNanos(self.now * 1_000_000_000),
        );
    }

    /// So many replicas each second until then.
    fn replicas(&mut self, until: u64, value: f64) {
        while self.now < until {
            self.add("replicas", "web", value);
            self.aggregate.at(s(self.now));
            let delta = self.recorder.take_delta();
            self.aggregate.merge(&delta).unwrap();
            self.now += 1;
        }
        self.aggregate.at(s(self.now));
    }

    fn end(&mut self) {
        self.aggregate.moments().end = Some(s(self.now));
    }

    fn judged(&self, phase: Phase) -> Evaluation {
        self.thresholds.evaluate(&self.aggregate, s(self.now), phase)
    }

    fn oks(&self) -> Vec<bool> {
        self.judged(Phase::Final).verdicts.iter().map(|verdict| verdict.ok).collect()
    }
}

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn four_replicas_by_the_peak_and_back_to_two_after_the_end() {
    let mut run = Run::with(&[
        "replicas{hpa:web}: max>=4 by peak",
        "replicas{hpa:web}: max>=5 by peak",
        "replicas{hpa:web}: value==2 within 10m of end",
        "replicas{hpa:web}: value==2 within 3m of end",
        "replicas{hpa:web}: max<=5 from peak to end",
        "replicas{hpa:web}: min>=3 after 2m",
    ]);
    run.replicas(100, 2.0);
    run.replicas(120, 4.0);
    assert_eq!(run.judged(Phase::Running).verdicts, [], "the peak's second still counts");
    run.replicas(121, 4.0);
    run.replicas(122, 5.0);
    // The two that look at the time up to the peak are judged now.
    let verdicts = run.judged(Phase::Running).verdicts;
    assert_eq!(
        verdicts.iter().map(|verdict| (verdict.index, verdict.ok)).collect::<Vec<_>>(),
        [(0, true), (1, false)]
    );
    assert_eq!(verdicts[0].observed, Some(4.0));
    run.replicas(210, 5.0);
    run.end();
    assert!(!run.thresholds.are_decided(&run.aggregate));
    run.replicas(210 + 240, 5.0);
    run.replicas(210 + 241, 2.0);
    assert!(run.thresholds.are_decided(&run.aggregate), "both that look beyond the end are decided");
    // It held once; that more come later takes nothing away.
    run.replicas(210 + 300, 3.0);
    assert_eq!(run.oks(), [true, false, true, false, true, false]);
    assert_eq!(run.judged(Phase::Final).crossed, ["replicas{hpa:web}"]);
}

#[test]
fn what_nobody_could_look_at_does_not_hold() {
    let mut run = Run::with(&["restarts: count==0", "restarts: count==0 by peak", "replicas: value>=0"]);
    run.now = 200;
    assert_eq!(run.judged(Phase::Running).verdicts, []);
    assert_eq!(run.oks(), [false, false, false]);
    run.now = 10;
    run.add("restarts", "web", 0.0);
    run.replicas(11, 1.0);
    assert_eq!(run.oks(), [true, true, true]);
}

#[test]
fn a_window_that_never_comes_does_not_hold() {
    let mut run = Run::with(&["replicas: max<9 after peak+1m"]);
    run.replicas(30, 2.0);
    assert_eq!(run.oks(), [false]);
}

#[test]
fn counts_are_related_to_the_length_of_the_window() {
    let mut run = Run::with(&["restarts: rate<0.5 from 10s to 20s", "restarts: count==10 from 10s to 20s"]);
    for _ in 0..40 {
        run.add("restarts", "web", f64::from(u8::from((10..20).contains(&run.now))));
        let next = run.now + 1;
        run.replicas(next, 1.0);
    }
    let verdicts = run.judged(Phase::Final).verdicts;
    assert_eq!(verdicts[0].observed, Some(1.0));
    assert_eq!((verdicts[0].ok, verdicts[1].ok), (false, true));
}

#[test]
fn extremes_of_gauges_are_for_what_is_observed() {
    let registry = Registry::new();
    registry.register("mine", Kind::Gauge, Contains::Default).unwrap();
    let source = Source { expression: "max>1".into(), abort_on_fail: false, delay_abort_eval: None };
    let error = Thresholds::parse(&[("mine".to_owned(), vec![source.clone()])], &registry).unwrap_err();
    assert!(error.to_string().contains("a gauge has no \"max\""), "{error}");
    registry.observe("mine", Kind::Gauge, Contains::Default).unwrap();
    assert!(Thresholds::parse(&[("mine".to_owned(), vec![source])], &registry).is_ok());
    // In k6's grammar there are no windows.
    let source = Source { expression: "max>1 by peak".into(), abort_on_fail: false, delay_abort_eval: None };
    assert!(Thresholds::parse(&[("mine".to_owned(), vec![source])], &registry).is_err());
}
