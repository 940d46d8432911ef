//! MongoDB, through its official driver, which keeps the connections itself.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::TryStreamExt as _;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Bson, DateTime, Document};
use mongodb::error::{Error, ErrorKind, WriteFailure};
use mongodb::options::{ClientOptions, ReturnDocument};
use mongodb::{Client, Collection};
use throng_js::databases::{Action, Documents, Mongo, Pending, Refused, Value};
use throng_stores::secret::Address;
use tokio::sync::OnceCell;

use crate::executor::run;

/// How long the driver looks for a server before it says so.
const SELECTION: Duration = Duration::from_secs(10);

/// Connections at most, where the URL does not say: as many as there are virtual users at work, for all usual tests.
const CONNECTIONS: u32 = 1000;

/// A server, whose driver is started by the first operation.
struct Server {
    address: Address,
    client: OnceCell<Client>,
}

/// Servers by their URLs.
static SERVERS: Mutex<BTreeMap<String, Arc<Server>>> = Mutex::new(BTreeMap::new());

/// The client of a server.
pub(crate) fn open(url: &str) -> Result<Box<dyn Mongo>, Refused> {
    let address = Address::new(url, None).map_err(|error| Refused(error.to_string()))?;
    if !matches!(address.scheme(), "mongodb" | "mongodb+srv") {
        return Err(Refused("a URL of MongoDB begins with mongodb:// or mongodb+srv://".to_owned()));
    }
    let mut servers = SERVERS.lock().unwrap_or_else(PoisonError::into_inner);
    let server = servers
        .entry(url.to_owned())
        .or_insert_with(|| Arc::new(Server { address, client: OnceCell::new() }))
        .clone();
    Ok(Box::new(Opened(server)))
}

impl Server {
    async fn client(&self) -> Result<&Client, Refused> {
        self.client
            .get_or_try_init(|| async {
                let mut options = ClientOptions::parse(self.address.reveal())
                    .await
                    .map_err(|error| self.refused(&error))?;
                options.app_name.get_or_insert_with(|| "throng".to_owned());
                options.server_selection_timeout.get_or_insert(SELECTION);
                options.connect_timeout.get_or_insert(SELECTION);
                options.max_pool_size.get_or_insert(CONNECTIONS);
                Client::with_options(options).map_err(|error| self.refused(&error))
            })
            .await
    }

    fn refused(&self, error: &Error) -> Refused {
        let text = match &*error.kind {
            ErrorKind::Command(command) => format!("({}) {}", command.code_name, command.message),
            ErrorKind::Write(WriteFailure::WriteError(error)) => error.message.clone(),
            ErrorKind::Write(WriteFailure::WriteConcernError(error)) => error.message.clone(),
            ErrorKind::InsertMany(failure) => {
                let first = failure.write_errors.iter().flatten().next();
                first.map_or_else(|| error.to_string(), |error| error.message.clone())
            }
            ErrorKind::Authentication { message, .. } => message.clone(),
            ErrorKind::Io(error) => format!("the connection to {} failed: {error}", self.address),
            ErrorKind::ServerSelection { message, .. } => {
                // Behind it is the driver's whole view of the servers, of which only the reason matters.
                let reason =
                    message.split("I/O error: ").nth(1).and_then(|reason| reason.split(", labels").next());
                let reason = reason.or_else(|| message.split(". Topology").next()).unwrap_or(message);
                format!("cannot connect to {}: {reason}", self.address)
            }
            _ => error.to_string(),
        };
        Refused(self.address.scrub(&text))
    }
}

/// One virtual user's client.
struct Opened(Arc<Server>);

impl Mongo for Opened {
    fn run(&self, documents: Documents) -> Pending<Value> {
        let server = self.0.clone();
        run(async move {
            let client = server.client().await?;
            let collection = client.database(&documents.database).collection(&documents.collection);
            match act(&collection, documents.action).await {
                Ok(Some(value)) => Ok(value),
                // In the words of Go's driver, which scripts may look for.
                Ok(None) => Err(Refused("mongo: no documents in result".to_owned())),
                Err(error) => Err(server.refused(&error)),
            }
        })
    }
}

/// Nothing is where a document was asked for and there is none.
async fn act(collection: &Collection<Document>, action: Action) -> Result<Option<Value>, Error> {
    Ok(Some(match action {
        Action::InsertOne(one) => {
            collection.insert_one(document(one)).await?;
            Value::Null
        }
        Action::InsertMany(many) => {
            collection.insert_many(many.into_iter().map(document)).await?;
            Value::Null
        }
        Action::Find { filter, sort, projection, limit, skip, batch } => {
            let mut find = collection.find(document(filter)).limit(limit).skip(skip);
            if sort != Value::Null {
                find = find.sort(document(sort));
            }
            if projection != Value::Null {
                find = find.projection(document(projection));
            }
            if batch > 0 {
                find = find.batch_size(batch);
            }
            let found: Vec<Document> = find.await?.try_collect().await?;
            Value::List(found.into_iter().map(record).collect())
        }
        Action::FindOne(filter) => return Ok(collection.find_one(document(filter)).await?.map(record)),
        Action::Update { filter, update, many, upsert } => {
            let (filter, update) = (document(filter), document(update));
            if many {
                collection.update_many(filter, update).upsert(upsert).await?;
            } else {
                collection.update_one(filter, update).upsert(upsert).await?;
            }
            Value::Null
        }
        Action::FindOneAndUpdate { filter, update } => {
            let change = collection.find_one_and_update(document(filter), document(update));
            return Ok(change.return_document(ReturnDocument::After).await?.map(record));
        }
        Action::Delete { filter, many } => {
            if many {
                collection.delete_many(document(filter)).await?;
            } else {
                collection.delete_one(document(filter)).await?;
            }
            Value::Null
        }
        Action::Aggregate(pipeline) => {
            let found: Vec<Document> =
                collection.aggregate(pipeline.into_iter().map(document)).await?.try_collect().await?;
            Value::List(found.into_iter().map(record).collect())
        }
        Action::Distinct { field, filter } => {
            let found = collection.distinct(field, document(filter)).await?;
            Value::List(found.into_iter().map(value).collect())
        }
        Action::Count(filter) => {
            let count = collection.count_documents(document(filter)).await?;
            Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
        }
        Action::Drop => {
            collection.drop().await?;
            Value::Null
        }
    }))
}

/// What a script gave as a document; the module refuses everything else.
fn document(value: Value) -> Document {
    match bson(value) {
        Bson::Document(document) => document,
        _ => Document::new(),
    }
}

fn bson(value: Value) -> Bson {
    match value {
        Value::Null => Bson::Null,
        Value::Bool(truth) => Bson::Boolean(truth),
        Value::Int(number) => Bson::Int64(number),
        Value::Float(number) => Bson::Double(number),
        Value::Text(text) => Bson::String(text),
        Value::Bytes(bytes) => Bson::Binary(Binary { subtype: BinarySubtype::Generic, bytes }),
        Value::Moment(microseconds) => Bson::DateTime(DateTime::from_millis(microseconds.div_euclid(1000))),
        Value::Key(key) => Bson::ObjectId(ObjectId::from_bytes(key)),
        Value::List(items) => Bson::Array(items.into_iter().map(bson).collect()),
        Value::Record(fields) => {
            Bson::Document(fields.into_iter().map(|(name, field)| (name, bson(field))).collect())
        }
    }
}

fn record(document: Document) -> Value {
    Value::Record(document.into_iter().map(|(name, field)| (name, value(field))).collect())
}

fn value(bson: Bson) -> Value {
    match bson {
        Bson::Null | Bson::Undefined => Value::Null,
        Bson::Boolean(truth) => Value::Bool(truth),
        Bson::Int32(number) => Value::Int(number.into()),
        Bson::Int64(number) => Value::Int(number),
        Bson::Double(number) => Value::Float(number),
        Bson::String(text) | Bson::Symbol(text) => Value::Text(text),
        Bson::Binary(binary) => Value::Bytes(binary.bytes),
        Bson::DateTime(at) => Value::Moment(at.timestamp_millis().saturating_mul(1000)),
        Bson::ObjectId(id) => Value::Key(id.bytes()),
        Bson::Decimal128(number) => Value::Text(number.to_string()),
        Bson::Array(items) => Value::List(items.into_iter().map(value).collect()),
        Bson::Document(document) => record(document),
        // Regular expressions, timestamps and the like.
        other => Value::Text(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_there_and_back() {
        let fields = [
            ("a", Value::Int(1)),
            ("b", Value::Float(1.5)),
            ("c", Value::List(vec![Value::Bool(true), Value::Null, Value::Text("x".into())])),
            ("d", Value::Moment(1_500_000)),
            ("e", Value::Key([7; 12])),
            ("f", Value::Record(vec![("g".into(), Value::Bytes(vec![0, 255]))])),
        ];
        let fields = Value::Record(fields.map(|(name, field)| (name.to_owned(), field)).into());
        assert_eq!(record(document(fields.clone())), fields);
    }

    #[test]
    fn what_is_no_url_is_refused_without_quoting_it() {
        for url in ["user:s3cr3t@host", "http://user:s3cr3t@host"] {
            let error = open(url).map(|_| ()).unwrap_err().0;
            assert!(!error.contains("s3cr3t"), "{error}");
        }
    }
}
