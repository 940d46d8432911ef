//! Modules: ES, CommonJS and TypeScript, in each other's company; `open` and `require`. Observed on k6 1.1.

mod common;

use common::{ATTEMPT, Files, Script};
use throng_js::lifecycle::LifecycleError;
use throng_js::vm::ScriptError;

/// Loads `source` beside these files; what it printed.
fn printed(name: &str, files: &[(&str, &[u8])], source: &str) -> Vec<String> {
    let files = Files::new(name, files);
    let script = files.script(source);
    script.load().unwrap_or_else(|error| panic!("{error}"));
    script.console()
}

#[test]
fn common_js_can_be_required_and_imported() {
    let files: &[(&str, &[u8])] = &[
        ("cjs.js", b"module.exports = { a: 1, f: () => 'f' }"),
        ("es.js", b"exports.x = 1; exports.default = 'd'; exports.__esModule = true"),
        ("fn.js", b"module.exports = () => 'fn'"),
        ("five.js", b"module.exports = 5"),
        ("a.js", b"exports.first = require('./b.js').val; exports.val = 'a'"),
        ("b.js", b"const a = require('./a.js'); exports.val = 'b'; exports.seen = Object.keys(a).join()"),
        ("sub/outer.js", b"exports.v = require('./leaf.js').v"),
        ("sub/leaf.js", b"exports.v = 'leaf'"),
        ("strict.js", b"try { undeclared = 1; exports.m = 'sloppy' } catch { exports.m = 'strict' }"),
    ];
    let lines = printed(
        "cjs",
        files,
        "import c, { a, missing } from './cjs.js'; import d, { x } from './es.js'; import fn from './fn.js'; import five from './five.js';
         import { missing as none } from 'k6'; export { absent } from './cjs.js';
         const r = require('./cjs.js');
         console.log(c.a, a, missing, d, x, fn(), five, none, r.f(), r === require('./cjs.js'), require('./a.js').first,
           require('./b.js').seen === '', require('./sub/outer.js').v, require('./strict.js').m);
         export default function () {}",
    );
    assert_eq!(lines, ["1 1 undefined d 1 fn 5 undefined f true b true leaf strict"]);
}

#[test]
fn a_virtual_user_has_all_of_common_js_that_any_module_imports() {
    // Other names are left out of a virtual user's module, as each of lodash's 300 would cost memory.
    let files = Files::new(
        "cjs-vu",
        &[
            ("named.js", b"module.exports = { a: 1, b: 2 }"),
            ("whole.js", b"module.exports = { a: 3, b: 4 }"),
            (
                "other.js",
                b"export { b } from './named.js'; import * as whole from './whole.js'; export { whole }",
            ),
        ],
    );
    let script = files.script(
        "import named, { a, missing } from './named.js'; import { b, whole } from './other.js'; import { a as three } from './whole.js';
         const seen = [a, b, missing, named.b, three, Object.keys(whole).sort().join()].join(' ');
         export const options = { iterations: 1 };
         export default function () { console.log(seen) }",
    );
    script.run();
    assert_eq!(script.console(), ["1 2  2 3 a,b,default"]);
}

#[test]
fn es_modules_can_be_required_and_have_live_bindings() {
    let lines = printed(
        "esm",
        &[("esm.js", b"export const a = 1; export default () => 'def'; export let n = 0; export function inc() { n++ }"), ("tla.js", b"export default await Promise.resolve(7)")],
        "import { n, inc } from './esm.js'; import seven from './tla.js'; inc();
         const e = require('./esm.js'); const eight = await Promise.resolve(8);
         console.log(n, e.a, e.default(), Object.keys(e).sort().join(), seven, eight, import.meta.resolve('./x.js').slice(-5), import.meta.url);
         export default function () {}",
    );
    assert_eq!(lines, ["1 1 def a,default,inc,n 7 8 /x.js undefined"]);
}

#[test]
fn an_entry_may_be_common_js() {
    let script = Script::new(
        "exports.options = { iterations: 1 }; exports.setup = () => ({ a: 1 });
         exports.default = function (data) { console.log(JSON.stringify(data), typeof this) }",
    );
    script.run();
    assert_eq!(script.console(), ["{\"a\":1} undefined"]);
}

#[test]
fn typescript_is_stripped() {
    let lines = printed(
        "ts",
        &[("lib.ts", b"enum E { A = 1, B }\ninterface I { x: number }\nexport type T = I;\nexport abstract class C { constructor(private readonly y: number = 3) {} get v(): number { return this.y } }\nexport class D extends C {}\nexport const f = (i: I): number => i!.x + E.B;\nnamespace N { export const q = 4 }\nexport const q = N.q as number;\n"),
          ("user.ts", b"import { T, f } from './lib.ts'; import type { D } from './lib.ts'; export const g = (t: T): number => f(t);")],
        "import { D, f, q } from './lib.ts'; import { g } from './user.ts'; console.log(new D().v, f({ x: 1 }), q, g({ x: 5 })); export default function () {}",
    );
    assert_eq!(lines, ["3 3 4 7"]);
}

#[test]
fn what_cannot_be_imported_is_named_in_the_error() {
    let files = Files::new(
        "refused",
        &[
            ("data.json", b"{\"a\":1}"),
            ("bad.js", b"let x = = 1;"),
            ("bad.ts", b"const x: number = ;"),
            ("esm.js", b"export const a = 1"),
        ],
    );
    for (import, expected) in [
        ("import './nope.js'", "nope.js: No such file"),
        ("import './esm'", "esm: No such file"),
        ("import 'lodash'", "lodash"),
        ("import 'http://localhost/x.js'", "not by http:"),
        ("import 'k6/nope'", "no built-in module k6/nope"),
        ("import 'k6/x/nope'", "k6/x/nope is not supported yet"),
        ("import 'k6/experimental/webcrypto'", "removed"),
        ("import 'k6/net/grpc'", "k6/net/grpc is not supported yet"),
        ("import './data.json'", "data.json:1:5"),
        ("import './bad.js'", "bad.js:1:9"),
        ("import './bad.ts'", "bad.ts:1:19"),
        ("import { nope } from './esm.js'", "nope"),
    ] {
        let error = files
            .script(&format!("{import}; export default function () {{}}"))
            .load()
            .err()
            .expect(import)
            .to_string();
        assert!(error.contains(expected), "{import}: {error}");
    }
}

#[test]
fn all_imports_are_read_and_missing_exports_known_before_common_js_runs() {
    let files = Files::new(
        "linking",
        &[
            ("throws.js", b"throw new Error('ran first')"),
            ("m.js", b"export const z = 1"),
            ("bad.js", b"import { nope } from './m.js'; export const w = 1"),
        ],
    );
    let load = |imports: &str| {
        let text = format!("{imports}; export default function () {{}}");
        match files.script(&text).load().err().expect(imports) {
            LifecycleError::Script(error) => (matches!(error, ScriptError::Rejected(_)), error.to_string()),
            other => panic!("{imports}: {other}"),
        }
    };
    // Whether it ends as a rejected promise does (exit code 255), and what is said: as observed on k6 1.1.
    for (imports, rejected, expected) in [
        ("import './throws.js'", false, "Error: ran first"),
        ("import './throws.js'; import './nope.js'", false, "nope.js: No such file"),
        ("import './throws.js'; import { nope } from './m.js'", true, "main.js:1:32"),
        ("import './bad.js'; import './throws.js'", false, "bad.js:1:10"),
        ("import './throws.js'; import './bad.js'", false, "Error: ran first"),
        ("import { nope } from './m.js'; import { w } from './bad.js'", true, "main.js:1:10"),
        ("import { w } from './bad.js'", false, "bad.js:1:10"),
        ("import { nope } from './m.js'", false, "main.js:1:10"),
    ] {
        let (is_rejected, text) = load(imports);
        assert!(text.contains(expected), "{imports}: {text}");
        assert_eq!(is_rejected, rejected, "{imports}: {text}");
        assert_eq!(text.contains("export 'nope'"), expected.contains(":1:"), "{imports}: {text}");
    }
}

#[test]
fn open_reads_text_and_bytes_beside_the_module_that_runs() {
    let files: &[(&str, &[u8])] = &[
        ("data.txt", b"root"),
        ("sub/data.txt", b"sub"),
        ("bin.dat", b"a\xff\xfeb"),
        ("sub/es.js", b"export const top = open('./data.txt'); export const later = () => open('./data.txt'); export const path = import.meta.resolve('./data.txt')"),
        ("sub/cjs.js", b"exports.top = open('./data.txt'); exports.later = () => open('./data.txt')"),
        ("again.js", b"export * from './sub/es.js'"),
    ];
    let lines = printed(
        "open",
        files,
        "import { top, later, path } from './again.js'; import cjs from './sub/cjs.js'; const required = require('./sub/cjs.js');
         console.log(top, later(), open(path), cjs.top, cjs.later(), required === cjs, open('data.txt'), open('sub/../data.txt'));
         const b = open('./bin.dat', 'b');
         console.log(b instanceof ArrayBuffer, new Uint8Array(b).join(), open('./bin.dat'), open('./bin.dat', 'x').length);
         export default function () {}",
    );
    assert_eq!(lines, ["sub root sub sub root true root root", "true 97,255,254,98 a\u{fffd}\u{fffd}b 4"]);
}

#[test]
fn files_and_modules_belong_to_the_init_context() {
    let files = Files::new("late", &[("data.txt", b"x"), ("cjs.js", b"exports.a = 1")]);
    let script = files.script(&format!(
        "{ATTEMPT} open('./data.txt');
         for (const path of ['', './nope', '.', undefined, null]) console.log(attempt(() => open(path)).split(':')[0]);
         for (const name of [undefined, '', 5, null, './nope.js', 'lodash']) console.log(attempt(() => require(name)).includes('Error: '));
         export function setup() {{ return [attempt(() => open('./data.txt')), attempt(() => require('./cjs.js'))] }}
         export default function () {{}}"
    ));
    let late = script.setup();
    for error in late.as_array().unwrap() {
        assert!(error.as_str().unwrap().contains("init context"), "{error}");
    }
    let lines = script.console();
    assert_eq!(lines[..5], ["Error"; 5]);
    assert_eq!(lines[5..11], ["true"; 6]);
}

#[test]
fn the_first_pass_decides_which_files_there_are() {
    let files = Files::new("conditional", &[("data.txt", b"x")]);
    let script = files
        .script("if (__ENV.LATE && globalThis.second) open('./data.txt'); export default function () {}");
    assert!(script.load().is_ok());
    let script = files.script("console.log(open('./data.txt')); export default function () {}");
    script.run();
    assert!(script.console().len() >= 2, "every machine runs the top level");
}

#[test]
fn options_that_are_no_object_are_an_error() {
    let error =
        Script::new("export const options = () => ({}); export default function () {}").load().err().unwrap();
    assert!(error.to_string().contains("options is a function"), "{error}");
    assert!(Script::new("export const options = null; export default function () {}").load().is_ok());
}
