//! What k6 1.1 answered to some four hundred selectors: `observed.tsv` has the document, then a selector and its answer
//! a line.

use serde_json::{Value, json};

use super::select;

const OBSERVED: &str = include_str!("observed.tsv");

fn document() -> Value {
    serde_json::from_str(OBSERVED.lines().next().unwrap()).unwrap()
}

#[test]
fn selectors_find_what_k6_finds() {
    let document = document();
    let mut wrong = Vec::new();
    for line in OBSERVED.lines().skip(1) {
        let (selector, answer) = line.split_once('\t').unwrap();
        let expected = (answer != "undefined").then(|| {
            serde_json::from_str(answer).unwrap_or_else(|error| panic!("{selector}: {answer}: {error}"))
        });
        let found = select(&document, selector).map(std::borrow::Cow::into_owned);
        // Numbers that a double holds exactly may be whole or not.
        if found.as_ref().map(simplified) != expected.as_ref().map(simplified) {
            let found = found.map_or_else(|| "undefined".to_owned(), |found| found.to_string());
            wrong.push(format!("{selector}\n    k6:   {answer}\n    here: {found}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

fn simplified(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(items) => items.iter().map(simplified).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), simplified(value))).collect()
        }
        other => other.clone(),
    }
}

#[test]
fn a_list_is_its_own_line() {
    let list = json!([1, 2, { "a": 3 }, "x"]);
    let found = |selector: &str| select(&list, selector).map(|found| found.to_string());
    for (selector, expected) in [
        ("..0", Some(r#"[1,2,{"a":3},"x"]"#)),
        ("..#", Some("1")),
        ("..#.a", Some("[]")),
        ("..#.{a}", Some("[{}]")),
        ("..@this", None),
        ("@reverse.0", Some(r#""x""#)),
        ("#(>1)#", Some(r#"[2,"x"]"#)),
        ("@join", Some(r#"{"a":3}"#)),
        ("-1", None),
    ] {
        assert_eq!(found(selector).as_deref(), expected, "{selector}");
    }
}

/// Observed on k6 1.1.
#[test]
fn what_is_escaped_parts_no_multipath() {
    let document = json!({ "a,b": 1, "a": 2, "b": 3, "x]": 4 });
    for (selector, expected) in [
        (r"[a\,b]", Some(json!([1]))),
        (r"[a\,b,a]", Some(json!([1, 2]))),
        (r"[x\]]", Some(json!([4]))),
        (r"{a\,b}", Some(json!({ r"a\,b": 1 }))),
        (r#"{"k\,":a}"#, Some(json!({ r#""k\,""#: 2 }))),
        (r"[\", None),
        (r"[a\", None),
    ] {
        assert_eq!(select(&document, selector).map(std::borrow::Cow::into_owned), expected, "{selector}");
    }
}

#[test]
fn what_is_nested_too_deep_is_cut_off() {
    let list = json!([1]);
    let found = |selector: &str| select(&list, selector).map(|found| found.to_string());
    let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    assert_eq!(found(&nested(100_000)), Some(nested(super::DEEPEST + 1)));
    assert_eq!(found(&"@this|".repeat(50_000)), None);
    assert_eq!(found(&"#.".repeat(50_000)).as_deref(), Some("[]"));
    // Digs in what it has dug out, as far as that goes.
    assert!(found(&"@dig:".repeat(50_000)).is_some_and(|found| !found.contains('1')));
}

proptest::proptest! {
    #[test]
    fn no_selector_makes_it_panic(path in r#"[a-c0-2.#()\[\]\\"|*?=<>!%@{}:, ~é]{0,24}"#) {
        let _ = select(&document(), &path);
    }

    #[test]
    fn no_modifier_makes_it_panic(path in r#"([.|]?@?(this|reverse|keys|values|join|flatten|dig|group|tostr|fromstr|friends|a|0|#|\{a\}|:|\{"deep":true\})){0,6}"#) {
        let _ = select(&document(), &path);
    }
}
