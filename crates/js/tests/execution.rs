//! `k6/execution`: where a script is, and the tags of its virtual user. Observed on k6 1.1.

mod common;

use common::{ATTEMPT, Script};
use throng_js::log::Level;

/// A script with two iterations of one virtual user in a scenario `one`, whose body is `body`.
fn one(body: &str) -> Script {
    Script::new(format!(
        "import exec, {{ instance, scenario, test, vu }} from 'k6/execution';
         import {{ Counter }} from 'k6/metrics'; import {{ check, group, sleep }} from 'k6'; {ATTEMPT}
         const c = new Counter('cc'); const show = (...values) => console.log(JSON.stringify(values));
         export const options = {{ tags: {{ run: 'r' }}, systemTags: ['group', 'scenario', 'check'], scenarios: {{
           one: {{ executor: 'per-vu-iterations', vus: 1, iterations: 2, exec: 'one', tags: {{ st: 'a' }} }} }} }};
         export function one() {{ {body} }}"
    ))
}

#[test]
fn a_script_knows_its_scenario_and_its_virtual_user() {
    let script = one(
        "show(scenario.name, scenario.executor, scenario.iterationInInstance, scenario.iterationInTest, scenario.progress,
           Math.abs(Date.now() - scenario.startTime) < 10000, Number.isInteger(scenario.startTime), vu.idInInstance, vu.idInTest,
           vu.iterationInInstance, vu.iterationInScenario, instance.iterationsCompleted, instance.iterationsInterrupted,
           instance.vusActive, instance.vusInitialized, instance.currentTestRunDuration > 0, exec.vu === vu, Object.keys(exec),
           Object.keys(scenario).length)",
    );
    script.run();
    let tail = "1,1,true,true,[\"instance\",\"scenario\",\"test\",\"vu\"],6]";
    assert_eq!(
        script.console(),
        [
            format!("[\"one\",\"per-vu-iterations\",0,0,0,true,true,1,1,0,0,0,0,{tail}"),
            format!("[\"one\",\"per-vu-iterations\",1,1,0.5,true,true,1,1,1,1,1,0,{tail}"),
        ]
    );
}

#[test]
fn outside_of_iterations_accessors_throw_as_in_k6() {
    let script = Script::new(format!(
        "import {{ instance, scenario, test, vu }} from 'k6/execution'; {ATTEMPT}
         const all = () => [() => instance.vusActive, () => scenario.name, () => vu.idInTest, () => vu.metrics.tags,
           () => vu.tags.x, () => test.options, () => vu.metrics.metadata].map(f => {{ try {{ return typeof f() }} catch {{ return 'threw' }} }});
         console.log('init', all().join(), attempt(() => test.fail('x')));
         export function setup() {{ console.log('setup', all().join(), JSON.stringify(vu.metrics)) }}
         export function teardown() {{ console.log('teardown', all().join(), JSON.stringify(vu.tags)) }}
         export default function () {{}}"
    ));
    script.run();
    let lines = script.console();
    assert!(lines[0].starts_with("init threw,threw,threw,threw,threw,threw,threw Error: "), "{}", lines[0]);
    let setup = "setup number,threw,number,object,undefined,object,object {\"tags\":{\"group\":\"::setup\"},\"metadata\":{}}";
    assert!(lines.contains(&setup.to_owned()), "{lines:?}");
    let teardown = "teardown number,threw,number,object,undefined,object,object {\"group\":\"::teardown\"}";
    assert_eq!(lines.last().unwrap(), teardown);
}

#[test]
fn tags_are_live() {
    let script = one(
        "show(vu.metrics.tags); vu.metrics.tags.k = 1.5; vu.tags.old = true; c.add(1);
         show(vu.metrics.tags.k, vu.metrics.tags.old, 'k' in vu.metrics.tags, vu.metrics.tags.hasOwnProperty('old'),
           Object.keys(vu.metrics.tags), { ...vu.metrics.tags }, `${vu.metrics.tags}`);
         show(delete vu.metrics.tags.k, delete vu.metrics.tags.nope, vu.metrics.tags.k); delete vu.metrics.tags.scenario; c.add(2);
         vu.metrics.tags.scenario = 'mine'; Object.assign(vu.metrics.tags, { group: 'g', run: 'rr' }); c.add(3);
         group('inner', () => { show(vu.metrics.tags.group); c.add(4) });
         c.add(5, { old: 'call' }); check(1, { ck: () => vu.metrics.tags.group === 'g' });
         show(['s', 1, true, NaN].map(v => { vu.metrics.tags.v = v; return vu.metrics.tags.v }));
         delete vu.metrics.tags.v;
         show([null, undefined, {}, [1], () => 1, 10n, new Date(0)].map(v => attempt(() => { vu.metrics.tags.bad = v })
           .startsWith('TypeError')), 'bad' in vu.metrics.tags, attempt(() => { vu.metrics.tags = {} }).slice(0, 9));",
    );
    let ran = script.run();
    let console = script.console();
    assert_eq!(
        console[..6],
        [
            r#"[{"group":"","run":"r","scenario":"one","st":"a"}]"#,
            r#"["1.5","true",true,true,["group","k","old","run","scenario","st"],{"group":"","k":"1.5","old":"true","run":"r","scenario":"one","st":"a"},"[object Object]"]"#,
            "[true,true,null]",
            r#"["g::inner"]"#,
            r#"[["s","1","true","NaN"]]"#,
            r#"[[true,true,true,true,true,true,true],false,"TypeError"]"#,
        ]
    );
    assert_eq!(
        ran.samples("cc")[..5],
        [
            "1 group=,k=1.5,old=true,run=r,scenario=one,st=a",
            "2 group=,old=true,run=r,st=a",
            "3 group=g,old=true,run=rr,scenario=mine,st=a",
            "4 group=g::inner,old=true,run=rr,scenario=mine,st=a",
            "5 group=g,old=call,run=rr,scenario=mine,st=a",
        ]
    );
    assert_eq!(ran.samples("checks")[0], "1 check=ck,group=g,old=true,run=rr,scenario=mine,st=a");
    // They outlive the iteration.
    assert!(console[6].contains(r#""old":"true","run":"rr","scenario":"mine""#), "{}", console[6]);
}

#[test]
fn metadata_goes_to_raw_samples_only() {
    let script = one(
        "vu.metrics.metadata.k = 1; c.add(1); show(vu.metrics.metadata, attempt(() => { vu.metrics.metadata.bad = {} }).slice(0, 9));
         delete vu.metrics.metadata.k; c.add(2)",
    );
    let ran = script.run();
    let tags = "group=,run=r,scenario=one,st=a";
    assert_eq!(ran.samples("cc")[..2], [format!("1 {tags}; k=1"), format!("2 {tags}")]);
    assert_eq!(script.console()[0], r#"[{"k":"1"},"TypeError"]"#);
}

#[test]
fn vu_and_iter_are_metadata_where_they_are_wanted() {
    let script = Script::new(
        "import { Counter } from 'k6/metrics'; const c = new Counter('cc');
         export const options = { iterations: 2, systemTags: ['vu', 'iter'] };
         export default function () { c.add(1) }",
    );
    let ran = script.run();
    assert_eq!(ran.samples("cc"), ["1 ; iter=0,vu=1", "1 ; iter=1,vu=1"]);
    assert_eq!(ran.samples("iterations"), ["1 ; iter=0,vu=1", "1 ; iter=1,vu=1"]);
}

#[test]
fn requests_carry_the_metadata_of_their_virtual_user() {
    let script = Script::new(
        "import http from 'k6/http'; import { vu } from 'k6/execution';
         export const options = { vus: 2, iterations: 2, systemTags: ['vu'] };
         export default async function () {
           vu.metrics.metadata.m = `${__VU}`;
           // Nobody listens there: the requests fail, and are samples all the same.
           const later = http.asyncRequest('GET', 'http://127.0.0.1:1/'); http.get('http://127.0.0.1:1/');
           http.batch(['http://127.0.0.1:1/']); await later;
         }",
    );
    let ran = script.run();
    let mut samples = ran.samples("http_reqs");
    samples.sort();
    assert_eq!(samples, [["1 ; m=1,vu=1"; 3], ["1 ; m=2,vu=2"; 3]].concat());
    let mut samples = ran.samples("data_sent");
    samples.sort();
    assert_eq!(samples, ["0 ; m=1,vu=1", "0 ; m=2,vu=2"]);
}

#[test]
fn tags_and_metadata_end_with_the_scenario() {
    let script = Script::new(
        "import { vu } from 'k6/execution';
         const common = { executor: 'per-vu-iterations', vus: 1, iterations: 1, maxDuration: '1s', gracefulStop: '0s' };
         export const options = { scenarios: { one: { ...common, exec: 'one', tags: { st: '1' } }, two: { ...common, startTime: '1s', exec: 'two' } } };
         export function one() { vu.metrics.tags.own = '1'; vu.metrics.metadata.m = '1' }
         export function two() { console.log(__VU, JSON.stringify(vu.metrics), vu.iterationInInstance, vu.iterationInScenario) }",
    );
    script.run();
    assert_eq!(script.console(), [r#"1 {"tags":{"group":"","scenario":"two"},"metadata":{}} 1 0"#]);
}

#[test]
fn an_abort_ends_the_test_past_catch_and_finally() {
    let script = Script::new(
        "import { test } from 'k6/execution'; import { sleep } from 'k6';
         export const options = { vus: 2, duration: '10s' };
         export default function () { try { if (__VU === 1) test.abort('enough'); sleep(10) } catch (e) { console.log('caught') } finally { console.log('finally') } }
         export function teardown() { console.log('teardown') }",
    );
    let ran = script.run();
    let said = ran.control.aborted().expect("it says why");
    assert!(said.starts_with("test aborted: enough at default (file:///"), "{said}");
    assert_eq!(script.console(), ["teardown"]);
    // The iteration that aborted counts, the interrupted one does not.
    assert_eq!(ran.count("iterations"), 1);
}

#[test]
fn a_failed_test_goes_on() {
    let script = one("test.fail('because'); console.log('on')");
    let ran = script.run();
    assert!(ran.control.failed());
    assert_eq!(script.console(), ["on", "on"]);
    let errors: Vec<_> =
        script.records().into_iter().filter(|r| r.level == Level::Error).map(|r| r.message).collect();
    assert_eq!(errors, ["test marked as failed: because"; 2]);
}

#[test]
fn options_are_the_merged_ones_and_frozen() {
    let script = one(
        "const o = test.options; show(o.scenarios.one.iterations, o.tags, o.vus === undefined, Object.isFrozen(o.scenarios.one),
           attempt(() => { o.x = 1 }).slice(0, 9), o.paused)",
    );
    script.run();
    assert_eq!(script.console()[0], r#"[2,{"run":"r"},true,true,"TypeError",null]"#);
}
