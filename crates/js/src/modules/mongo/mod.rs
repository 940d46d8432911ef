//! `k6/x/mongo`: MongoDB, with the interface of the extension of that name. Calls suspend the virtual user as a request
//! does; errors are exceptions.

mod values;

use std::cell::Cell;

use throng_quickjs::{Call, Class, Ctx, JsResult, Thrown, Value};

use crate::databases::{self, Action, Documents, Mongo, Refused, Value as Stored};
use crate::host::host;

/// What the extension has besides.
const REFUSED: [&str; 14] = [
    "bulkUpsert",
    "bulkWrite",
    "createCollection",
    "createIndex",
    "createIndexes",
    "dropDatabase",
    "dropIndex",
    "listCollections",
    "listDatabases",
    "listIndexes",
    "replaceOne",
    "runTransaction",
    "startSession",
    "watch",
];

pub(super) fn exports(ctx: Ctx) -> JsResult {
    let exports = ctx.object();
    exports.export("newClient", 1, new_client)?;
    exports.export("newClientWithOptions", 2, |call| {
        let options = call.arg(1);
        if options.is_object() {
            for (name, value) in options.entries()? {
                if !value.is_nullish() {
                    return Err(Thrown::error(format!(
                        "the client option {name} is not supported yet: most can be said in the URL (maxPoolSize=50)"
                    )));
                }
            }
        }
        new_client(call)
    })?;
    Ok(exports)
}

fn failed(refused: Refused) -> Thrown {
    Thrown::error(refused.0)
}

/// `newClient(url)`
fn new_client(call: &Call<'_>) -> JsResult {
    let ctx = call.ctx();
    let url = call.arg(0);
    if !url.is_string() {
        return Err(Thrown::type_error("newClient() needs a URL: mongodb://host:27017"));
    }
    let url = url.to_text()?;
    let opened = databases::provided().and_then(|databases| databases.mongo(&url));
    ctx.instance(Client { opened: opened.map_err(failed)?, closed: Cell::new(false) })
}

/// A client as a script holds it.
struct Client {
    opened: Box<dyn Mongo>,
    closed: Cell<bool>,
}

/// Makes of the arguments behind database and collection what is to be done.
type Read = fn(&Arguments<'_, '_>) -> JsResult<Action>;

/// The methods, by their names and the number of their arguments.
const METHODS: [(&str, i32, Read); 16] = [
    ("insert", 3, |given| Ok(Action::InsertOne(given.document(2, "the document")?))),
    ("insertMany", 3, |given| Ok(Action::InsertMany(given.documents(2, "the documents")?))),
    ("find", 5, |given| {
        Ok(Action::Find {
            filter: given.filter(2)?,
            sort: given.optional(3, "the order")?,
            projection: Stored::Null,
            limit: given.count(4, "the limit")?,
            skip: 0,
            batch: 0,
        })
    }),
    ("findWithOptions", 4, find_with_options),
    ("findOne", 3, |given| Ok(Action::FindOne(given.filter(2)?))),
    ("findAll", 2, |_| {
        let all = Stored::Record(Vec::new());
        Ok(Action::Find {
            filter: all,
            sort: Stored::Null,
            projection: Stored::Null,
            limit: 0,
            skip: 0,
            batch: 0,
        })
    }),
    ("findOneAndUpdate", 4, |given| {
        Ok(Action::FindOneAndUpdate { filter: given.document(2, "the filter")?, update: given.update(3)? })
    }),
    ("updateOne", 4, |given| given.change(false, false)),
    ("update", 4, |given| given.change(false, false)),
    ("updateMany", 4, |given| given.change(true, false)),
    ("upsert", 4, |given| given.change(false, true)),
    ("deleteOne", 3, |given| Ok(Action::Delete { filter: given.document(2, "the filter")?, many: false })),
    ("deleteMany", 3, |given| Ok(Action::Delete { filter: given.document(2, "the filter")?, many: true })),
    ("aggregate", 3, |given| Ok(Action::Aggregate(given.documents(2, "the pipeline")?))),
    ("distinct", 4, |given| {
        let field = given.call.arg(2).to_text()?;
        if field.is_empty() {
            return Err(Thrown::type_error("distinct() needs the name of a field"));
        }
        Ok(Action::Distinct { field, filter: given.filter(3)? })
    }),
    ("countDocuments", 3, |given| Ok(Action::Count(given.filter(2)?))),
];

/// `findWithOptions(database, collection, filter, options)`
fn find_with_options(given: &Arguments<'_, '_>) -> JsResult<Action> {
    let filter = given.filter(2)?;
    let (mut sort, mut projection) = (Stored::Null, Stored::Null);
    let (mut limit, mut skip, mut batch) = (0, 0, 0);
    let options = given.call.arg(3);
    if options.is_object() {
        let count = |name: &str, value: &Value| -> JsResult<i64> {
            let number = value.as_number().filter(|number| number.fract() == 0.0 && *number >= 0.0);
            let number =
                number.ok_or_else(|| Thrown::type_error(format!("{name} is a number that is not negative")));
            Ok(number? as i64)
        };
        for (name, value) in options.entries()? {
            match name.as_str() {
                _ if value.is_nullish() => {}
                "sort" => sort = record(&value, &name)?,
                "projection" => projection = record(&value, &name)?,
                "limit" => limit = count(&name, &value)?,
                "skip" => skip = count(&name, &value)? as u64,
                "batch_size" | "batchSize" => {
                    batch = u32::try_from(count(&name, &value)?)
                        .map_err(|_| Thrown::type_error(format!("{name} is at most {}", u32::MAX)))?;
                }
                other => return Err(Thrown::error(format!("findWithOptions() has no option {other}"))),
            }
        }
    }
    Ok(Action::Find { filter, sort, projection, limit, skip, batch })
}

/// An object, and nothing else.
fn record(value: &Value, what: &str) -> JsResult<Stored> {
    match values::of_script(value)? {
        record @ Stored::Record(_) => Ok(record),
        _ => Err(Thrown::type_error(format!("{what} must be an object"))),
    }
}

/// The arguments of one call.
struct Arguments<'c, 'a> {
    call: &'c Call<'a>,
}

impl Arguments<'_, '_> {
    fn document(&self, place: usize, what: &str) -> JsResult<Stored> {
        record(&self.call.arg(place), what)
    }

    fn documents(&self, place: usize, what: &str) -> JsResult<Vec<Stored>> {
        let Stored::List(items) = values::of_script(&self.call.arg(place))? else {
            return Err(Thrown::type_error(format!("{what} must be an array of objects")));
        };
        if !items.iter().all(|item| matches!(item, Stored::Record(_))) {
            return Err(Thrown::type_error(format!("{what} must be an array of objects")));
        }
        Ok(items)
    }

    /// A filter; nothing takes all.
    fn filter(&self, place: usize) -> JsResult<Stored> {
        if self.call.arg(place).is_nullish() {
            return Ok(Stored::Record(Vec::new()));
        }
        self.document(place, "the filter")
    }

    fn optional(&self, place: usize, what: &str) -> JsResult<Stored> {
        if self.call.arg(place).is_nullish() { Ok(Stored::Null) } else { self.document(place, what) }
    }

    fn count(&self, place: usize, what: &str) -> JsResult<i64> {
        let given = self.call.arg(place);
        if given.is_nullish() {
            return Ok(0);
        }
        let number = given.as_number().filter(|number| number.fract() == 0.0 && *number >= 0.0);
        let number =
            number.ok_or_else(|| Thrown::type_error(format!("{what} must be a number that is not negative")));
        Ok(number? as i64)
    }

    /// What is to be changed; an object without operators is what is to be set.
    fn update(&self, place: usize) -> JsResult<Stored> {
        let update = self.document(place, "the update")?;
        let has_operators =
            matches!(&update, Stored::Record(fields) if fields.iter().any(|(name, _)| name.starts_with('$')));
        Ok(if has_operators { update } else { Stored::Record(vec![("$set".to_owned(), update)]) })
    }

    fn change(&self, many: bool, upsert: bool) -> JsResult<Action> {
        Ok(Action::Update { filter: self.document(2, "the filter")?, update: self.update(3)?, many, upsert })
    }
}

impl Class for Client {
    const NAME: &'static str = "Client";

    fn prototype(proto: &Value) -> JsResult<()> {
        let ctx = proto.ctx();
        for (index, (name, arity, _)) in METHODS.iter().enumerate() {
            let method = ctx.closure(*arity, &[&ctx.int(index as i64)], |call| {
                let index = call.captured(0).as_number().unwrap_or_default() as usize;
                run(call, METHODS[index].2)
            });
            method.define_hidden("name", &ctx.string(name))?;
            proto.define_hidden(name, &method)?;
        }
        proto.method("dropCollection", 2, |call| run(call, |_| Ok(Action::Drop)))?;
        proto.method("disconnect", 0, |call| {
            call.this().expect::<Self>()?.closed.set(true);
            Ok(call.ctx().undefined())
        })?;
        for name in REFUSED {
            let refuse = ctx.closure(0, &[&ctx.string(name)], |call| {
                let name = call.captured(0).to_text()?;
                Err(Thrown::error(format!("the MongoDB client's {name}() is not supported yet")))
            });
            proto.define_hidden(name, &refuse)?;
        }
        Ok(())
    }
}

fn run(call: &Call<'_>, read: Read) -> JsResult {
    let ctx = call.ctx();
    let this = call.this();
    let client = this.expect::<Client>()?;
    if client.closed.get() {
        return Err(Thrown::error("this MongoDB client is disconnected"));
    }
    let name = |place: usize, what: &str| -> JsResult<String> {
        let name = call.arg(place);
        if !name.is_string() || name.to_text()?.is_empty() {
            return Err(Thrown::type_error(format!("argument {} must be the name of the {what}", place + 1)));
        }
        name.to_text()
    };
    let (database, collection) = (name(0, "database")?, name(1, "collection")?);
    let action = read(&Arguments { call })?;
    let operation = client.opened.run(Documents { database, collection, action });
    let found = host(&ctx).wait(operation)?.map_err(failed)?;
    if found == Stored::Null { Ok(ctx.undefined()) } else { values::to_script(ctx, found) }
}
