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
        let expected: Option<Value> = serde_json::from_str(answer).ok();
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

#[test]
fn what_is_nested_too_deep_finds_nothing() {
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let list = json!([1]);
    for selector in [deep, "|@this".repeat(50_000), "#.".repeat(50_000), "@dig:".repeat(50_000)] {
        let _ = select(&list, &selector);
    }
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
