//! A test is loaded from what another process read, under the same names and with the same messages.

mod common;

use bytes::Bytes;
use common::{Files, Script};
use throng_js::program::Reading;

const ENTRY: &str = "import { twice } from './lib/twice.ts'; import late from './late.cjs';
const text = open('data/users.json'); const bytes = open('./data/raw.bin', 'b');
console.log(twice(JSON.parse(text).length), late.of(), new Uint8Array(bytes).join());
export const options = { vus: 2 };
export default function () {}";

const FILES: &[(&str, &[u8])] = &[
    ("lib/twice.ts", b"import { two } from './two.js'; export const twice = (n: number): number => n * two"),
    ("lib/two.js", b"export const two = 2"),
    ("late.cjs", b"exports.of = () => require('./lib/two.js').two"),
    ("data/users.json", b"[1, 2, 3]"),
    ("data/raw.bin", &[0, 255, 10]),
];

#[test]
fn a_bundle_holds_all_that_a_script_imports_and_opens_and_is_enough_to_load_it() {
    let files = Files::new("bundle", FILES);
    let script = files.script(ENTRY);
    let collected = script.load_reading(Reading::Collecting).unwrap().program.files();
    let names: Vec<_> = collected.keys().filter_map(|name| name.rsplit_once("/throng-js-bundle-")).collect();
    let names: Vec<_> = names.iter().filter_map(|(_, name)| name.split_once('/')).map(|(_, n)| n).collect();
    assert_eq!(
        names,
        ["data/raw.bin", "data/users.json", "late.cjs", "lib/twice.ts", "lib/two.js", "main.js"]
    );
    drop(files);
    let loaded = script.load_reading(Reading::Bundle(collected)).unwrap();
    assert_eq!(script.console(), ["6 2 0,255,10", "6 2 0,255,10"]);
    assert_eq!(loaded.options, Some(serde_json::json!({ "vus": 2 })));
}

#[test]
fn a_bundle_is_all_there_is_even_where_the_disk_has_more() {
    let files = Files::new("bundle-only", &[("other.txt", b"x")]);
    let script = files.script("open('./other.txt'); export default function () {}");
    let Err(error) = script.load_reading(Reading::Bundle(std::collections::BTreeMap::default())) else {
        panic!("the file came from the disk")
    };
    let text = error.to_string();
    assert!(text.contains("other.txt: it is not among the files that the controller sent"), "{text}");
}

#[test]
fn remote_modules_come_from_the_bundle_and_errors_name_their_lines() {
    let script = Script::new("import { f } from 'https://modules.invalid/v1/lib.js'; f();");
    let remote = "export function f() {\n  throw new Error('no');\n}";
    let bundle =
        [("https://modules.invalid/v1/lib.js".to_owned(), Bytes::from_static(remote.as_bytes()))].into();
    let Err(error) = script.load_reading(Reading::Bundle(bundle)) else { panic!("it throws") };
    let text = error.to_string();
    assert!(text.contains("https://modules.invalid/v1/lib.js:2:"), "{text}");
}

#[test]
fn without_being_asked_nothing_but_the_entry_is_kept() {
    let files = Files::new("bundle-not", &[("a.js", b"export const a = 1")]);
    let script = files.script("import { a } from './a.js'; export default function () { return a }");
    let kept = script.load().unwrap().program.files();
    assert!(kept.len() == 1 && kept.keys().all(|name| name.ends_with("/main.js")));
}
