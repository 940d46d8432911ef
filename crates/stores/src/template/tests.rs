//! Templates as people write them, and as they get them wrong.

use super::*;

fn template(text: &str) -> Result<Template, TemplateError> {
    Template::compile("t.json", text, "people", 7, KeyStyle::Column("id"))
}

fn field(text: &str, sequence: u64) -> Value {
    let record = template(&format!("{{\"f\": {text}}}")).unwrap().record(sequence);
    record.fields.into_iter().find(|(name, _)| &**name == "f").unwrap().1
}

#[test]
fn a_record_depends_on_seed_collection_and_number_alone() {
    let make = |seed, collection: &str, sequence| {
        Template::compile("", DEFAULT, collection, seed, KeyStyle::Document).unwrap().record(sequence)
    };
    assert_eq!(make(1, "a", 5), make(1, "a", 5));
    assert_ne!(make(1, "a", 5).fields[1..], make(1, "a", 6).fields[1..]);
    assert_ne!(make(1, "a", 5).fields[1..], make(2, "a", 5).fields[1..]);
    assert_ne!(make(1, "a", 5).fields[1..], make(1, "b", 5).fields[1..]);
}

#[test]
fn generators_make_what_they_are_asked_for() {
    for n in 0..200 {
        assert!(matches!(field(r#"{"$integer": {"min": -3, "max": 3}}"#, n), Value::Int(-3..=3)));
        let Value::Float(value) = field(r#"{"$float": {"min": 1, "max": 2, "decimals": 1}}"#, n) else {
            panic!()
        };
        assert!((1.0..=2.0).contains(&value) && value.to_string().len() <= 3, "{value}");
        let decimal = field(r#"{"$decimal": {"min": 1, "max": 2, "scale": 2}}"#, n).text().unwrap();
        assert!(("1.00".."2.01").contains(&decimal.as_str()) && decimal.len() == 4, "{decimal}");
        let day = field(r#"{"$date": {"from": "2024-02-28", "to": "2024-03-01"}}"#, n).text().unwrap();
        assert!(["2024-02-28", "2024-02-29", "2024-03-01"].contains(&day.as_str()), "{day}");
        let moment = field(r#"{"$datetime": {"from": "2024-01-01", "to": "2024-01-01T00:00:01"}}"#, n);
        assert!(moment.text().unwrap().starts_with("2024-01-01T00:00:0"), "{moment:?}");
        let Value::Array(list) = field(r#"{"$array": {"of": "$city", "min": 2, "max": 3}}"#, n) else {
            panic!()
        };
        assert!((2..=3).contains(&list.len()));
        let uuid = field(r#""$uuid""#, n).text().unwrap();
        assert_eq!((uuid.len(), &uuid[14..15]), (36, "4"));
    }
    assert_eq!(field(r#"{"$sequence": {"start": 100}}"#, 5), Value::Int(105));
    assert_eq!(
        field(r#"{"$join": ["LoadTest User ", "$sequence", "$$"]}"#, 1).text().as_deref(),
        Some("LoadTest User 2$")
    );
    assert_eq!(field(r#"{"$text": {"bytes": 400}}"#, 1).logical_bytes(), 400);
    assert_eq!(field(r#""$$literal""#, 1), Value::Text("$literal".into()));
    assert_eq!(field(r#"{"$literal": {"$inc": 1}}"#, 1).json(), r#"{"$inc":1}"#);
    assert_eq!(field(r#"{"$optional": {"of": 1, "probability": 0}}"#, 1), Value::Null);
}

#[test]
fn weights_are_kept_to() {
    let count = (0..2000)
        .filter(|&n| {
            let value = field(r#"{"$choice": {"of": ["a", "b", "never"], "weights": [9, 1, 0]}}"#, n);
            assert_ne!(value, Value::Text("never".into()));
            value == Value::Text("a".into())
        })
        .count();
    assert!((1720..1880).contains(&count), "{count}");
}

#[test]
fn a_reference_is_a_key_of_the_other_fill() {
    let Value::Key(key) = field(r#"{"$reference": {"to": "users", "documents": 10}}"#, 1) else { panic!() };
    assert!(key.sequence < 10);
    assert_eq!(key.tag, tag(7, "users"));
}

#[test]
fn the_key_is_made_unless_the_template_numbers_its_records() {
    let document = |text| Template::compile("", text, "c", 1, KeyStyle::Document).unwrap();
    let made = document("{\"a\": 1}");
    assert!(made.key().is_object_id());
    assert_eq!(made.record(3).fields[0].1, Value::Key(RecordKey { tag: tag(1, "c"), sequence: 3 }));
    let own = document(r#"{"a": 1, "_id": {"$sequence": {"start": 10}}}"#);
    assert_eq!(own.record(3).fields[0], ("_id".into(), Value::Int(13)));
    assert_eq!(own.key().sequence_of(13), Some(3));
    assert_eq!(own.key().sequence_of(9), None);
    assert_eq!(template("{}").unwrap().record(0).fields, [("id".into(), Value::Int(1))]);
}

#[test]
fn mistakes_are_named_with_line_and_column() {
    for (text, message) in [
        ("{\n  \"a\": { \"$nmae\": {} }\n}", "t.json:2:10: unknown generator '$nmae'; did you mean '$name'?"),
        ("{\n  \"a\": \"$ctiy\"\n}", "t.json:2:8: unknown generator '$ctiy'; did you mean '$city'?"),
        ("{\"a\": \"$something\"}", "t.json:1:7: unknown generator '$something'; there are $array, "),
        ("{\"a\": {\"$integer\": {\"mni\": 1}}}", "t.json:1:28: $integer has no option \"mni\""),
        (
            "{\"a\": {\"$integer\": {\"min\": \"1\"}}}",
            "t.json:1:28: \"min\" of $integer must be a whole number",
        ),
        ("{\"a\": {\"$integer\": {\"min\": 2, \"max\": 1}}}", "t.json:1:8: $integer: the lower end is above"),
        ("{\"a\": {\"$name\": {\"locale\": \"xx\"}}}", "t.json:1:28: unknown locale 'xx'; there are ar_sa"),
        (
            "{\"a\": {\"$name\": {}, \"b\": 1}}",
            "t.json:1:26: $name stands alone in its object, without \"b\"",
        ),
        ("{\"a\": {\"$choice\": []}}", "t.json:1:19: $choice needs something to choose from"),
        ("{\"a\": {\"$choice\": {\"of\": [1], \"weights\": [1, 2]}}}", "has 2 weights for 1 choices"),
        (
            "{\"a\": {\"$date\": {\"from\": \"1.1.2024\"}}}",
            "t.json:1:26: \"from\" of $date must be a day such as",
        ),
        ("{\"a\": {\"$array\": {}}}", "t.json:1:8: $array needs \"of\""),
        ("{\"a\": 1, \"a\": 2}", "t.json:1:15: the field \"a\" is there twice"),
        ("{\"id\": \"$uuid\"}", "t.json:1:8: \"id\" tells the records apart and must be \"$sequence\""),
        ("[1]", "t.json:1:1: a template is an object"),
        ("{\"$name\": {}}", "t.json:1:2: a template is an object of fields"),
        ("{\"a\": 1,}", "t.json:1:9: key must be a string"),
    ] {
        let error = template(text).expect_err(text).to_string();
        assert!(error.contains(message), "{text}\n got {error}\nnot {message}");
    }
    let deep = format!("{{\"a\": {}1{}}}", "[".repeat(120), "]".repeat(120));
    assert!(template(&deep).unwrap_err().to_string().contains("nested deeper"), "deep");
}

#[test]
fn the_template_for_those_who_bring_none_compiles() {
    let template = Template::compile("", DEFAULT, "c", 1, KeyStyle::Document).unwrap();
    let record = template.record(0);
    assert_eq!(record.fields.len(), 15);
}
