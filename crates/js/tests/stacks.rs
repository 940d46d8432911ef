//! What a script reads as the `stack` of an error, and places in what a bundle was made of. Observed on k6 1.1.

mod common;

use common::{Files, Script};
use throng_js::log::Level;
use throng_js::program::Reading;

/// What `body`, the script's third line on, prints.
fn printed(body: &str) -> Vec<String> {
    let script = Script::new(format!(
        "export const options = {{ iterations: 1 }};
         export default {body}"
    ));
    script.run();
    script.console()
}

/// The stack of what `body` throws, as the script sees it.
fn stack(body: &str) -> String {
    printed(&format!(
        "function () {{ try {{ inner() }} catch (e) {{ console.log(e.stack) }} }}\nfunction inner() {{ {body} }}"
    ))
    .remove(0)
}

const PLACE: &str = "\n\tat inner (file:///test/script.js:3:";

#[test]
fn a_stack_begins_with_name_and_message_and_names_places_in_the_users_files() {
    let text = stack("throw new Error('hello')");
    let frames: Vec<&str> = text.split("\n\tat ").collect();
    assert_eq!(frames[0], "Error: hello");
    assert!(frames[1].starts_with("inner (file:///test/script.js:3:"), "{text}");
    assert!(frames[2].starts_with("default (file:///test/script.js:2:"), "{text}");
    assert!(frames.len() == 3 && text.ends_with(")\n"), "{text:?}");
    for (body, first) in [
        ("throw new Error()", "Error"),
        ("const e = new RangeError('m'); e.name = ''; throw e", "m"),
        ("const e = new Error('m'); e.message = 'two\\nlines'; e.name = 'N'; throw e", "N: two\nlines"),
        ("const e = new Error('m'); e.toString = () => 'other'; throw e", "Error: m"),
        ("const e = Object.freeze(new Error('m')); e.stack; throw e", "Error: m"),
        ("undefined.foo", "TypeError: Cannot read property 'foo' of undefined"),
    ] {
        let text = stack(body);
        assert!(text.starts_with(&format!("{first}{PLACE}")), "{text}");
    }
    let text = stack(
        "class Mine extends Error { constructor(m) { super(m); this.name = 'Mine'; } } throw new Mine('m')",
    );
    assert!(text.starts_with("Mine: m\n\tat Mine (file:///test/script.js:3:"), "{text}");
}

#[test]
fn a_stack_is_made_when_it_is_first_read_and_can_be_replaced() {
    let lines = printed(
        "function () {
           let e = new Error('one'); e.stack; e.message = 'two'; console.log(e.stack.split('\\n')[0]);
           console.log(Object.keys(e), e.hasOwnProperty('stack'), JSON.stringify(e));
           e = new Error('k'); e.stack = 'mine'; console.log(e.stack, Object.keys(e)); e.stack = 5; console.log(e.stack);
           e = new Error('k'); const seen = []; for (const key in e) seen.push(key); console.log(seen);
           Error.prototype.stack = 'p'; console.log(new Error('x').stack.split('\\n')[0], Object.create(Error.prototype).stack);
           const made = Object.create(new Error('in')); made.message = 'out'; console.log(made.stack.split('\\n')[0]);
         }",
    );
    assert_eq!(lines, ["Error: one", "[] true {}", "mine []", "5", "[]", "Error: x undefined", "Error: in"]);
}

/// k6 has none of this; libraries use it where it is.
#[test]
fn capture_stack_trace_gives_the_same_text_without_the_frames_above() {
    let text = stack(
        "class Mine extends Error { constructor(m) { super(m); Error.captureStackTrace(this, this.constructor); this.name = 'Mine'; } }
         throw new Mine('m')",
    );
    assert!(text.starts_with("Mine: m\n\tat inner (file:///test/script.js:4:"), "{text}");
    let text = stack(
        "function Old(m) { this.message = m; Error.captureStackTrace(this, Old); } Old.prototype = Object.create(Error.prototype);
         Old.prototype.name = 'Old'; throw new Old('m')",
    );
    assert!(text.starts_with("Old: m\n\tat inner (file:///test/script.js:4:"), "{text}");
    let text = stack("const o = { name: 'N', message: 'm' }; Error.captureStackTrace(o); throw o");
    assert!(text.starts_with(&format!("N: m{PLACE}")), "{text}");
    let shown = printed(
        "function () {
           class Mine extends Error { constructor(m) { super(m); Error.captureStackTrace(this, Mine); } }
           const e = new Mine('m'); e.stack = 'mine'; console.log(e.stack, Object.keys(e).length); console.log(new Mine('shown'));
           Error.prepareStackTrace = (error, sites) => `${error.message} at ${sites[0].getLineNumber()}`;
           console.log(new Error('own').stack);
         }",
    );
    assert_eq!(shown[0], "mine 0");
    assert!(shown[1].starts_with("Error: shown\n\tat default (file:///test/script.js:4:"), "{}", shown[1]);
    assert_eq!(shown[2], "own at 6");
}

#[test]
fn the_reason_of_a_rejection_has_its_stack() {
    let lines = printed(
        "async function () {
           try { await fails() } catch (e) { console.log(e.stack) }
           await fails().catch((e) => console.log(e.stack));
         }
         async function fails() { await null; throw new TypeError('later') }",
    );
    for line in &lines {
        assert!(line.starts_with("TypeError: later\n\tat fails (file:///test/script.js:6:"), "{line}");
    }
    assert_eq!(lines.len(), 2);
}

#[test]
fn an_error_that_quotes_the_stack_of_another_still_names_its_own_place() {
    let script = Script::new(
        "export const options = { iterations: 1 };
         export default function () { try { inner() } catch (e) { throw new Error('wrapped: ' + e.stack) } }
         function inner() { throw new Error('m') }",
    );
    script.run();
    let errors: Vec<_> = script.records().into_iter().filter(|r| r.level == Level::Error).collect();
    let shown = &errors[0].message;
    assert!(shown.starts_with("Error: wrapped: Error: m\n\tat inner (file:///test/script.js:3:"), "{shown}");
    assert_eq!(shown.matches("\tat default (file:///test/script.js:2:").count(), 2, "{shown}");
}

#[test]
fn odd_objects_do_not_take_the_stacks_of_others() {
    let lines = printed(
        "function () {
           Error.captureStackTrace(Error.prototype); console.log(new Error('x').stack.split('\\n')[0]);
           const { get } = Object.getOwnPropertyDescriptor(Error.prototype, 'stack');
           const odd = new Proxy({}, { getPrototypeOf() { throw new Error('trap') } });
           try { get.call(odd); console.log('nothing') } catch (e) { console.log(e.message) }
           console.log(get.call(5), get.call({}));
         }",
    );
    assert_eq!(lines, ["Error: x", "trap", "undefined undefined"]);
}

#[test]
fn what_a_script_did_to_a_stack_does_not_change_what_is_shown_of_its_error() {
    let script = Script::new(
        "export const options = { iterations: 1 };
         export default function () { const e = new Error('m'); e.stack; e.stack = 'mine'; e.message = 'changed'; throw e }",
    );
    script.run();
    let errors: Vec<_> = script.records().into_iter().filter(|r| r.level == Level::Error).collect();
    assert!(
        errors[0].message.starts_with("Error: changed\n\tat default (file:///test/script.js:2:"),
        "{}",
        errors[0].message
    );
}

/// What esbuild makes of src/util.ts and src/main.ts, reduced; line 2 is line 6 of the one, line 4 line 10 of the other.
const BUNDLE: &str = "function boom(x) {
  throw x;
}
function main_default() { try { boom(new Error('mapped')) } catch (e) { console.log(e.stack) } boom('text'); }
const options = { iterations: 1 };
export { main_default as default, options };
//# sourceMappingURL=main.js.map
";
const MAP: &str =
    r#"{"version":3,"sources":["../src/util.ts","../src/main.ts"],"names":[],"mappings":"AAEA;EAGE;;ACIF"}"#;

#[test]
fn places_in_a_bundle_are_those_of_what_it_was_made_of() {
    let files = Files::new("stacks-map", &[("main.js.map", MAP.as_bytes())]);
    let script = files.script(BUNDLE);
    let ran = script.run();
    assert_eq!(ran.count("iterations"), 1);
    let stack = script.console().remove(0);
    assert!(stack.contains("src/main.ts:10:1)") && !stack.contains("main.js:"), "{stack}");
    let errors: Vec<_> = script.records().into_iter().filter(|r| r.level == Level::Error).collect();
    let thrown = &errors[0].message;
    assert!(
        thrown.starts_with("text\n\tat boom (file://") && thrown.contains("/src/util.ts:6:3)"),
        "{thrown}"
    );
    assert!(thrown.contains("/src/main.ts:10:1)"), "{thrown}");
}

#[test]
fn a_map_is_part_of_the_bundle_that_another_process_loads() {
    let files = Files::new("stacks-bundle", &[("main.js.map", MAP.as_bytes())]);
    let script = files.script("throw new Error('loading');\n//# sourceMappingURL=main.js.map");
    let collecting = script.load_reading(Reading::Collecting);
    let Err(error) = collecting else { panic!("it throws") };
    assert!(error.to_string().contains("/src/util.ts:3:1"), "{error}");
    let script = files.script(BUNDLE);
    let collected = script.load_reading(Reading::Collecting).unwrap().program.files();
    assert_eq!(collected.keys().filter(|name| name.ends_with("/main.js.map")).count(), 1);
    let bundle = collected.keys().find(|name| name.ends_with("/main.js")).unwrap().clone();
    drop(files);
    let program = script.load_reading(Reading::Bundle(collected)).unwrap().program;
    let text = program.translate_stack(&format!("    at boom ({bundle}:2:3)\n"));
    assert!(text.ends_with("/src/util.ts:6:3)"), "{text}");
}

#[test]
fn a_map_that_is_not_there_is_a_warning() {
    let files = Files::new("stacks-none", &[]);
    let script = files.script(BUNDLE);
    script.run();
    let records = script.records();
    let warning = records.iter().find(|r| r.level == Level::Warn).unwrap();
    assert!(warning.message.starts_with("Couldn't load source map for file:///"), "{warning:?}");
    assert!(script.console()[0].contains("/main.js:4:"), "{}", script.console()[0]);
}
