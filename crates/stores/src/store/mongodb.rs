//! MongoDB, through its official driver.
//!
//! A document's logical bytes are the length of its BSON: what `dataSize` counts in the server. Inserts are unordered, so
//! that those behind a duplicate arrive too.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::TryStreamExt as _;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::raw::{CString, RawArrayBuf, RawBson, RawDocumentBuf};
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Bson, DateTime, Decimal128, Document, doc};
use mongodb::error::{Error, ErrorKind, RETRYABLE_WRITE_ERROR, WriteFailure};
use mongodb::options::{Acknowledgment, ClientOptions, IndexOptions, ReadPreference, SelectionCriteria, Tls};
use mongodb::{Client, Collection, Database, IndexModel};

use super::{Encoded, ServerSize, Store};
use crate::cleanup::Cleanup;
use crate::error::{StoreError, Trouble};
use crate::index::Index;
use crate::plan::Plan;
use crate::secret::Address;
use crate::template::{Key, Record};
use crate::value::Value;

/// How long the driver looks for a server before it says so; how often that is tried is decided by the fill.
const SELECTION: Duration = Duration::from_secs(5);

/// What every version of the server takes; [`Store::prepare`] asks for the real limit.
const LONGEST: u64 = 16 << 20;

const DUPLICATE: i32 = 11000;

/// A collection.
#[derive(Clone)]
pub(crate) struct MongoDb {
    database: Database,
    collection: Collection<RawDocumentBuf>,
    key: Key,
    address: Address,
    longest: Arc<AtomicU64>,
}

impl MongoDb {
    pub(crate) async fn new(plan: &Plan) -> Result<Self, StoreError> {
        let database = connect(&plan.address, &plan.database, plan.parallel.get(), "throng fill").await?;
        let collection = database.collection(&plan.collection);
        Ok(Self {
            database,
            collection,
            key: plan.template.key().clone(),
            address: plan.address.clone(),
            longest: Arc::new(AtomicU64::new(LONGEST)),
        })
    }

    fn failed(&self) -> impl Fn(Error) -> StoreError {
        |error| classify(&error, &self.address)
    }

    fn id(&self, sequence: u64) -> Bson {
        match self.key.value(sequence) {
            Value::Key(key) => Bson::ObjectId(ObjectId::from_bytes(key.object_id())),
            _ => Bson::Int64(self.key.number(sequence)),
        }
    }

    fn sequence_of(&self, document: &RawDocumentBuf) -> Option<u64> {
        let id = document.get("_id").ok()??;
        if self.key.is_object_id() {
            let bytes = id.as_object_id()?.bytes();
            return Some(u64::from_be_bytes(bytes[4..].try_into().ok()?));
        }
        let number = id.as_i64().or_else(|| id.as_i32().map(i64::from))?;
        self.key.sequence_of(number)
    }

    /// The documents that could be ours, with these numbers.
    fn range(&self, range: Range<u64>) -> Document {
        match range.end.checked_sub(1) {
            Some(last) if last >= range.start => {
                doc! { "_id": { "$gte": self.id(range.start), "$lte": self.id(last) } }
            }
            _ => doc! { "_id": { "$in": [] } },
        }
    }
}

impl Store for MongoDb {
    type Row = RawDocumentBuf;

    fn encode(&self, record: Record) -> Encoded<RawDocumentBuf> {
        let row = document(record.fields);
        Encoded { sequence: record.sequence, bytes: row.as_bytes().len() as u64, row }
    }

    fn longest(&self) -> u64 {
        self.longest.load(Ordering::Relaxed)
    }

    async fn prepare(&self) -> Result<(), StoreError> {
        let hello = self.database.run_command(doc! { "hello": 1 }).await.map_err(self.failed())?;
        if let Some(longest) = number(&hello, "maxBsonObjectSize") {
            self.longest.store(longest, Ordering::Relaxed);
        }
        Ok(())
    }

    async fn remove(&self) -> Result<(), StoreError> {
        self.collection.drop().await.map_err(self.failed())
    }

    async fn insert(&self, rows: &[Encoded<RawDocumentBuf>]) -> Result<(), StoreError> {
        let documents = rows.iter().map(|row| &row.row);
        self.collection.insert_many(documents).ordered(false).await.map_err(self.failed())?;
        Ok(())
    }

    async fn count(&self, range: Range<u64>) -> Result<u64, StoreError> {
        self.collection.count_documents(self.range(range)).await.map_err(self.failed())
    }

    async fn list(&self, range: Range<u64>) -> Result<Vec<u64>, StoreError> {
        let found =
            self.collection.find(self.range(range)).projection(doc! { "_id": 1 }).sort(doc! { "_id": 1 });
        let documents: Vec<RawDocumentBuf> =
            found.await.map_err(self.failed())?.try_collect().await.map_err(self.failed())?;
        Ok(documents.iter().filter_map(|document| self.sequence_of(document)).collect())
    }

    async fn last(&self) -> Result<Option<u64>, StoreError> {
        let last = self
            .collection
            .find_one(self.range(0..u64::MAX))
            .projection(doc! { "_id": 1 })
            .sort(doc! { "_id": -1 })
            .await
            .map_err(self.failed())?;
        Ok(last.and_then(|document| self.sequence_of(&document)))
    }

    async fn holds(&self, record: &Record) -> Result<bool, StoreError> {
        let found = self.collection.find_one(doc! { "_id": self.id(record.sequence) }).await;
        let Some(found) = found.map_err(self.failed())? else { return Ok(false) };
        let expected = document(record.fields.clone());
        // A server may write a number in a narrower form than it was given.
        let same = |one: &RawDocumentBuf| Document::try_from(one.clone()).ok();
        Ok(found.as_bytes() == expected.as_bytes() || same(&found) == same(&expected))
    }

    async fn create_index(&self, index: &Index) -> Result<(), StoreError> {
        let keys: Document = index
            .fields
            .iter()
            .map(|field| (field.name.clone(), Bson::Int32(if field.descending { -1 } else { 1 })))
            .collect();
        let options = IndexOptions::builder().name(index.name()).unique(index.unique.then_some(true)).build();
        let model = IndexModel::builder().keys(keys).options(options).build();
        self.collection.create_index(model).await.map_err(self.failed())?;
        Ok(())
    }

    async fn finish(&self) -> Result<Option<ServerSize>, StoreError> {
        // Without `scale`: some servers ignore it.
        let command = doc! { "collStats": self.collection.name() };
        let stats = match self.database.run_command(command).await {
            Ok(stats) => stats,
            Err(error) => {
                let error = classify(&error, &self.address);
                // A user who may insert may not be allowed to ask for sizes.
                return if error.kind == Trouble::Unreachable { Err(error) } else { Ok(None) };
            }
        };
        let (records, bytes) = (number(&stats, "count"), number(&stats, "size"));
        Ok(records.zip(bytes).map(|(records, bytes)| ServerSize { records, bytes, figure: "collStats size" }))
    }
}

/// A client for so many operations at once. It connects when it is first used.
pub(crate) async fn connect(
    address: &Address,
    database: &str,
    parallel: usize,
    name: &str,
) -> Result<Database, StoreError> {
    let wrong = |error: Error| StoreError::new(Trouble::Refused, address.scrub(&error.to_string()));
    let mut options = ClientOptions::parse(address.reveal()).await.map_err(|error| {
        // With `mongodb+srv` the addresses come from DNS.
        match *error.kind {
            ErrorKind::DnsResolve { .. } => classify(&error, address),
            _ => wrong(error),
        }
    })?;
    if options.write_concern.as_ref().is_some_and(|concern| concern.w == Some(Acknowledgment::Nodes(0))) {
        let message = "w=0 in the URL lets the server answer nothing: what it took could not be known";
        return Err(StoreError::new(Trouble::Refused, message));
    }
    if let (Some(Tls::Enabled(tls)), Some(file)) = (&mut options.tls, std::env::var_os("SSL_CERT_FILE")) {
        // As the other two drivers: the system's authorities, where they are somewhere else.
        tls.ca_file_path.get_or_insert_with(|| file.into());
    }
    options.app_name.get_or_insert_with(|| name.to_owned());
    options.server_selection_timeout.get_or_insert(SELECTION);
    options.connect_timeout.get_or_insert(SELECTION);
    // What is there is asked of the server that takes the inserts: others may be behind.
    options.selection_criteria = Some(SelectionCriteria::ReadPreference(ReadPreference::Primary));
    let connections = u32::try_from(parallel).unwrap_or(u32::MAX).saturating_add(1);
    options.max_pool_size = Some(options.max_pool_size.unwrap_or(10).max(connections));
    Ok(Client::with_options(options).map_err(wrong)?.database(database))
}

/// Deletes what the filter of a cleanup names.
pub(crate) async fn delete(cleanup: &Cleanup) -> Result<u64, StoreError> {
    let filter: Document = serde_json::from_str(&cleanup.condition).map_err(|error| {
        StoreError::new(Trouble::Refused, format!("the filter of the cleanup is no JSON object: {error}"))
    })?;
    let database = connect(&cleanup.address, &cleanup.database, 1, "throng fill").await?;
    let deleted = database.collection::<Document>(&cleanup.collection).delete_many(filter).await;
    Ok(deleted.map_err(|error| classify(&error, &cleanup.address))?.deleted_count)
}

/// A number of any type: servers differ in which they use.
fn number(document: &Document, field: &str) -> Option<u64> {
    match document.get(field)? {
        Bson::Int32(value) => u64::try_from(*value).ok(),
        Bson::Int64(value) => u64::try_from(*value).ok(),
        Bson::Double(value) => Some(*value as u64),
        _ => None,
    }
}

pub(crate) fn document(fields: Vec<(Arc<str>, Value)>) -> RawDocumentBuf {
    let mut document = RawDocumentBuf::new();
    for (name, value) in fields {
        // Templates were checked to have no zero byte in a name.
        if let Ok(name) = CString::try_from(name.to_string()) {
            document.append(name, bson(value));
        }
    }
    document
}

fn bson(value: Value) -> RawBson {
    match value {
        Value::Null => RawBson::Null,
        Value::Bool(value) => RawBson::Boolean(value),
        Value::Int(value) => RawBson::Int64(value),
        Value::Float(value) => RawBson::Double(value),
        Value::Decimal(value) => match value.to_string().parse::<Decimal128>() {
            Ok(decimal) => RawBson::Decimal128(decimal),
            // Decimal128 has 34 digits and ours have 19 at most.
            Err(_) => RawBson::Null,
        },
        Value::Text(text) => RawBson::String(text),
        // MongoDB has no type for a day: midnight in UTC.
        Value::Date(day) => {
            let midnight =
                day.to_zoned(jiff::tz::TimeZone::UTC).map(|zoned| zoned.timestamp().as_millisecond());
            RawBson::DateTime(DateTime::from_millis(midnight.unwrap_or_default()))
        }
        Value::DateTime(moment) => RawBson::DateTime(DateTime::from_millis(moment.as_millisecond())),
        Value::Uuid(bytes) => RawBson::Binary(Binary { subtype: BinarySubtype::Uuid, bytes: bytes.to_vec() }),
        Value::Key(key) => RawBson::ObjectId(ObjectId::from_bytes(key.object_id())),
        Value::Array(items) => {
            let mut array = RawArrayBuf::new();
            for item in items {
                array.push(bson(item));
            }
            RawBson::Array(array)
        }
        Value::Object(fields) => RawBson::Document(document(fields)),
    }
}

pub(crate) fn classify(error: &Error, address: &Address) -> StoreError {
    let (kind, message) = match &*error.kind {
        ErrorKind::Authentication { message, .. } => (Trouble::Credentials, message.clone()),
        ErrorKind::Command(command) => (of_code(command.code), command.message.clone()),
        ErrorKind::InsertMany(failure) => {
            let errors = failure.write_errors.as_deref().unwrap_or_default();
            // Anything else is worse than a duplicate.
            match errors.iter().find(|error| error.code != DUPLICATE).or(errors.first()) {
                Some(error) => (of_code(error.code), error.message.clone()),
                // The documents are there, but not on as many servers as was asked for.
                None => match &failure.write_concern_error {
                    Some(concern) => (Trouble::Unreachable, concern.message.clone()),
                    None => (Trouble::Refused, error.to_string()),
                },
            }
        }
        ErrorKind::Write(WriteFailure::WriteError(error)) => (of_code(error.code), error.message.clone()),
        ErrorKind::Io(error) => (Trouble::Unreachable, error.to_string()),
        ErrorKind::ServerSelection { message, .. } | ErrorKind::ConnectionPoolCleared { message, .. } => {
            (of_selection(message), unreachable(message))
        }
        ErrorKind::DnsResolve { message, .. } => (Trouble::Unreachable, message.clone()),
        _ => (Trouble::Refused, error.to_string()),
    };
    let retryable = error.contains_label(RETRYABLE_WRITE_ERROR) && kind == Trouble::Refused;
    StoreError::new(if retryable { Trouble::Unreachable } else { kind }, address.scrub(&message))
}

/// What is to be done when no server is suitable. Of what happened to them the driver tells in words only.
fn of_selection(message: &str) -> Trouble {
    if message.contains("invalid peer certificate") { Trouble::Refused } else { Trouble::Unreachable }
}

/// The core of the driver's account of a whole topology: why the first server could not be reached.
fn unreachable(message: &str) -> String {
    let reason = message.split("Kind: ").nth(1).and_then(|rest| rest.split([',', '}']).next());
    match reason {
        Some(reason) => format!("no server can be reached: {}", reason.trim()),
        None => message.to_owned(),
    }
}

/// What is to be done about an error code of the server.
fn of_code(code: i32) -> Trouble {
    match code {
        DUPLICATE | 11001 => Trouble::Duplicate,
        18 => Trouble::Credentials,
        13 => Trouble::Forbidden,
        // OutOfDiskSpace
        14031 => Trouble::Full,
        // BSONObjectTooLarge
        10334 => Trouble::TooLarge,
        // HostUnreachable, HostNotFound, NetworkTimeout, ShutdownInProgress, PrimarySteppedDown, ExceededTimeLimit,
        // SocketException, NotWritablePrimary, InterruptedAtShutdown, InterruptedDueToReplStateChange,
        // NotPrimaryNoSecondaryOk, NotPrimaryOrSecondary: what drivers retry.
        6 | 7 | 89 | 91 | 189 | 262 | 9001 | 10107 | 11600 | 11602 | 13435 | 13436 => Trouble::Unreachable,
        _ => Trouble::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::{DEFAULT, KeyStyle, Template};

    #[test]
    fn a_document_is_encoded_with_its_id_first_and_every_type() {
        let text = r#"{"i": 1, "f": 1.5, "d": {"$decimal": {"min": 1, "max": 1}}, "b": true, "n": null, "t": "x",
            "day": {"$date": {"from": "2024-01-01", "to": "2024-01-01"}}, "u": "$uuid", "a": [1, {"x": "y"}],
            "r": {"$reference": {"to": "o", "documents": 1}}}"#;
        let template = Template::compile("t", text, "c", 1, KeyStyle::Document).unwrap();
        let raw = document(template.record(0).fields);
        let read = Document::try_from(raw.clone()).unwrap();
        assert_eq!(read.keys().next().map(String::as_str), Some("_id"));
        assert_eq!(read.get("d").unwrap().to_string(), "1.00");
        assert_eq!(read.get_datetime("day").unwrap().timestamp_millis(), 1_704_067_200_000);
        assert!(matches!(read.get("r"), Some(Bson::ObjectId(_))));
        assert_eq!(mongodb::bson::serialize_to_vec(&read).unwrap(), raw.as_bytes());
    }

    #[test]
    fn the_default_document_has_about_half_a_kilobyte() {
        let template = Template::compile("t", DEFAULT, "c", 1, KeyStyle::Document).unwrap();
        let bytes: usize = (0..200).map(|n| document(template.record(n).fields).as_bytes().len()).sum();
        assert!((400..800).contains(&(bytes / 200)), "{}", bytes / 200);
    }

    #[test]
    fn the_account_of_a_topology_is_reduced_to_its_reason() {
        let message = "Server selection timeout: No available servers. Topology: { Type: Unknown, Servers: [ { Address: \
                       127.0.0.1:1, Type: Unknown, Error: Kind: I/O error: Connection refused (os error 111), labels: {} } ] }";
        assert_eq!(
            unreachable(message),
            "no server can be reached: I/O error: Connection refused (os error 111)"
        );
        assert_eq!(unreachable("other"), "other");
    }

    #[test]
    fn codes_say_what_to_do() {
        assert_eq!(of_code(11000), Trouble::Duplicate);
        assert_eq!(of_code(14031), Trouble::Full);
        assert_eq!(of_code(10107), Trouble::Unreachable);
        assert_eq!(of_code(2), Trouble::Refused);
    }
}
