//! `k6/metrics`: what can be declared and added. Observed on k6 1.1.

mod common;

use common::{ATTEMPT, Script, evaluate};
use serde_json::json;
use throng_js::log::Level;

#[test]
fn metrics_are_plain_objects_with_a_name_and_add() {
    let shapes = evaluate(
        "import { Counter, Gauge, Rate, Trend } from 'k6/metrics'; import metrics from 'k6/metrics';
         const c = new Counter('my_counter'), t = Trend('my_trend', true);
         const rename = () => { c.name = 'x' };",
        "let renamed = true; try { rename() } catch (e) { renamed = !(e instanceof TypeError) }
         return [JSON.stringify(c), Object.keys(t), c.name, renamed, Object.keys(metrics).sort(), c instanceof Counter]",
    );
    assert_eq!(
        shapes,
        json!([
            "{\"name\":\"my_counter\"}",
            ["name", "add"],
            "my_counter",
            false,
            ["Counter", "Gauge", "Rate", "Trend"],
            true
        ])
    );
}

#[test]
fn declarations_that_contradict_each_other_are_refused() {
    let errors = evaluate(
        &format!(
            "import {{ Counter, Gauge, Trend }} from 'k6/metrics'; {ATTEMPT}
             new Counter('my_counter'); new Trend('my_trend', true);
             const errors = [() => new Gauge('my_counter'), () => new Trend('my_trend'), () => new Counter('a b'),
               () => new Counter('a'), () => new Counter(), () => new Counter(1234), () => new Trend('http_reqs')].map(attempt);
             const fine = [new Counter('my_counter').name, new Trend('my_trend', true).name, new Counter('http_reqs').name];"
        ),
        "return [...errors, attempt(() => new Counter('late')), fine]",
    );
    let (fine, errors) = errors.as_array().unwrap().split_last().unwrap();
    assert_eq!(fine, &json!(["my_counter", "my_trend", "http_reqs"]));
    for error in errors {
        assert!(error.as_str().unwrap().starts_with("Error: "), "{error}");
    }
}

#[test]
fn numbers_and_booleans_are_added_and_the_rest_is_refused() {
    let script = Script::new(
        "import { Trend } from 'k6/metrics';
         const t = new Trend('my_trend'), { add } = t;
         export default function () {
           const taken = [1, 2.5, true, false, '3', [5], -1, Infinity].map(v => t.add(v));
           const refused = [NaN, null, undefined, 'x', {}].map(v => t.add(v)).concat(t.add());
           console.log(taken.join(), refused.join(), add(7));
         }",
    );
    let ran = script.run();
    let tags = "group=,scenario=default";
    let expected = [1.0, 2.5, 1.0, 0.0, 3.0, 5.0, -1.0, f64::INFINITY, 7.0].map(|v| format!("{v} {tags}"));
    assert_eq!(ran.samples("my_trend"), expected);
    assert_eq!(
        script.console(),
        ["true,true,true,true,true,true,true,true false,false,false,false,false,false true"]
    );
    let warnings = script.records().into_iter().filter(|r| r.level == Level::Warn).count();
    assert_eq!(warnings, 6);
}

#[test]
fn a_check_that_no_group_can_list_is_said_once_a_run() {
    let script = Script::new(
        "import { Rate } from 'k6/metrics';
         export const options = { vus: 2, iterations: 8 };
         const checks = new Rate('checks');
         export default function () {
           for (const check of ['a::b', 'c', 'd::e']) checks.add(1, { check });
           for (let i = 0; i < 30; i++) checks.add(0, { check: `${__VU}::${__ITER}::${i}` });
         }",
    );
    let ran = script.run();
    assert_eq!(ran.samples("checks").len(), 8 * 33);
    let warnings: Vec<String> =
        script.records().into_iter().filter(|r| r.level == Level::Warn).map(|r| r.message).collect();
    for name in ["a::b", "d::e"] {
        assert_eq!(
            warnings.iter().filter(|text| text.contains(&format!("{name:?}"))).count(),
            1,
            "{warnings:?}"
        );
    }
    assert_eq!(warnings.len(), 20);
}

#[test]
fn with_the_option_throw_a_refused_value_is_an_error() {
    let error = evaluate(
        &format!(
            "import {{ Counter }} from 'k6/metrics'; {ATTEMPT} export const options = {{ throw: true }};
             const c = new Counter('my_counter'); const early = attempt(() => c.add(1));"
        ),
        "return [attempt(() => c.add(null)), attempt(() => c.add()), early]",
    );
    assert!(
        error[0].as_str().unwrap().contains("my_counter takes a number or a boolean, not 'null'"),
        "{error}"
    );
    assert!(error[1].as_str().unwrap().contains("not no value"), "{error}");
    assert!(error[2].as_str().unwrap().contains("init context"), "{error}");
}

#[test]
fn tags_of_a_sample_are_scalars() {
    let script = Script::new(format!(
        "import {{ Counter }} from 'k6/metrics'; {ATTEMPT}
         const c = new Counter('my_counter');
         export const options = {{ tags: {{ run: 'r' }} }};
         export default function () {{
           c.add(1, {{ a: 1, b: true, c: 'x', d: 1.5, run: 'mine' }});
           c.add(2, new Map([['a', 'b']]));
           for (const tags of [null, undefined, 5]) c.add(3, tags);
           const many = {{}}; for (let i = 0; i < 10; i++) many['t' + i] = i; c.add(4, many);
           const refused = [null, undefined, {{}}, [1], () => 1, 10n, new String('x')].map(a => attempt(() => c.add(9, {{ a }})));
           console.log(refused.every(e => e.startsWith('TypeError')), refused[0]);
         }}"
    ));
    let ran = script.run();
    assert_eq!(
        ran.samples("my_counter"),
        [
            "1 a=1,b=true,c=x,d=1.5,group=,run=mine,scenario=default",
            "2 group=,run=r,scenario=default",
            "3 group=,run=r,scenario=default",
            "3 group=,run=r,scenario=default",
            "3 group=,run=r,scenario=default",
            "4 group=,run=r,scenario=default,t0=0,t1=1,t2=2,t3=3,t4=4,t5=5,t6=6,t7=7,t8=8,t9=9",
        ]
    );
    assert_eq!(
        script.console(),
        [
            "true TypeError: the value of \"a\", a tag of metric my_counter, must be a string, a number or a boolean"
        ]
    );
}

#[test]
fn samples_of_checks_carry_the_name_of_the_check_whatever_the_script_says() {
    let script = Script::new(
        "import { check } from 'k6'; export const options = { vus: 1, iterations: 1, systemTags: ['check'] };
         export default function () { check(1, { real: true }, { check: 'other', own: 1 }) }",
    );
    let ran = script.run();
    assert_eq!(ran.samples("checks"), ["1 check=real,own=1"]);
}
