//! What a fill would write, without a database.

use std::sync::Arc;

use crate::plan::Kind;
use crate::store::{columns, mongodb};
use crate::template::Template;
use crate::value::{RecordKey, Value};

/// A record as it would be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// As JSON, for people.
    pub json: String,
    /// What it counts for.
    pub bytes: u64,
}

/// Record number `sequence` as a database of this kind would get it.
pub fn preview(kind: Kind, template: &Template, sequence: u64) -> Preview {
    let record = template.record(sequence);
    let bytes = match kind {
        Kind::MongoDb => mongodb::document(record.fields.clone()).as_bytes().len() as u64,
        Kind::MySql | Kind::Postgres => columns::row_bytes(&record),
    };
    let mut whole = Value::Object(record.fields);
    if kind == Kind::MongoDb {
        name_ids(&mut whole);
    }
    Preview { json: whole.json(), bytes }
}

/// Writes keys as MongoDB's shell writes them.
fn name_ids(value: &mut Value) {
    match value {
        Value::Key(key) => *value = object_id(*key),
        Value::Array(items) => items.iter_mut().for_each(name_ids),
        Value::Object(fields) => fields.iter_mut().for_each(|(_, value)| name_ids(value)),
        _ => {}
    }
}

fn object_id(key: RecordKey) -> Value {
    let hex = ::mongodb::bson::oid::ObjectId::from_bytes(key.object_id()).to_hex();
    Value::Object(vec![(Arc::from("$oid"), Value::Text(hex))])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::KeyStyle;

    #[test]
    fn a_document_shows_its_object_id_and_counts_its_bson() {
        let template = Template::compile("t", "{\"a\": \"x\"}", "c", 1, KeyStyle::Document).unwrap();
        let preview = preview(Kind::MongoDb, &template, 5);
        assert!(preview.json.starts_with("{\"_id\":{\"$oid\":\""), "{}", preview.json);
        // Length, _id with its name, a with its name, end: as the specification of BSON adds up.
        assert_eq!(preview.bytes, 4 + (1 + 4 + 12) + (1 + 2 + 4 + 2) + 1);
    }

    #[test]
    fn a_row_counts_its_values() {
        let template = Template::compile("t", "{\"a\": \"xyz\"}", "c", 1, KeyStyle::Column("id")).unwrap();
        assert_eq!(
            preview(Kind::MySql, &template, 5),
            Preview { json: "{\"id\":6,\"a\":\"xyz\"}".into(), bytes: 11 }
        );
    }
}
