//! MongoDB: `serverStatus`, for which the role `clusterMonitor` is enough.

use std::time::Duration;

use mongodb::Database;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::Error;

use super::{Seen, Size, Vitals};
use crate::error::{StoreError, Trouble};
use crate::secret::Address;
use crate::store::mongodb::{classify, connect};

/// A server.
#[derive(Debug)]
pub(super) struct MongoDb {
    admin: Database,
    /// The database in the URL.
    of_test: Option<Database>,
    address: Address,
    slow: Duration,
    slowed: Seen,
    sees_operations: bool,
    is_set: bool,
    missing: Vec<String>,
}

impl MongoDb {
    pub(super) async fn connect(address: &Address, slow: Duration) -> Result<Self, StoreError> {
        let admin = connect(address, "admin", 0, "throng watch").await?;
        let of_test = address.database().map(|name| admin.client().database(&name));
        let failed = |error: Error| classify(&error, address);
        let hello = admin.run_command(doc! { "hello": 1 }).await.map_err(failed)?;
        let mut probe = Self {
            admin,
            of_test,
            address: address.clone(),
            slow,
            slowed: Seen::default(),
            sees_operations: true,
            is_set: hello.contains_key("setName"),
            missing: Vec::new(),
        };
        match probe.operations().await {
            Ok(_) => {}
            Err(error) => {
                let StoreError { kind, message } = classify(&error, &probe.address);
                if kind == Trouble::Unreachable {
                    return Err(StoreError { kind, message });
                }
                probe.sees_operations = false;
                probe.missing.push(format!(
                    "its slow queries cannot be seen ($currentOp: {message}): grant the role clusterMonitor to the user \
                     that watches"
                ));
            }
        }
        Ok(probe)
    }

    pub(super) async fn read(&mut self, size: Size) -> Result<Vitals, StoreError> {
        self.ask(size).await.map_err(|error| classify(&error, &self.address))
    }

    async fn ask(&mut self, size: Size) -> Result<Vitals, Error> {
        let leave_out = doc! { "serverStatus": 1, "repl": 0, "sharding": 0, "tcmalloc": 0 };
        let status = self.admin.run_command(leave_out).await?;
        let of = |path: &[&str]| at(&status, path);
        let connections = of(&["connections", "current"]);
        let available = of(&["connections", "available"]);
        let pages = of(&["wiredTiger", "cache", "pages requested from the cache"]);
        let read = of(&["wiredTiger", "cache", "pages read into cache"]);
        let slow_queries = if self.sees_operations {
            let operations = self.operations().await?;
            Some(self.slowed.take(operations))
        } else {
            None
        };
        Ok(Vitals {
            connections,
            connections_max: connections.zip(available).map(|(current, available)| current + available),
            refused: of(&["connections", "rejected"]),
            queries: total(status.get_document("opcounters").ok()),
            lock_waits: total_of(&status, "acquireWaitCount"),
            waiting: of(&["globalLock", "currentQueue", "total"]),
            deadlocks: of(&["metrics", "operation", "writeConflicts"]),
            slow_queries,
            cache_hits: pages.zip(read).map(|(pages, read)| (pages - read).max(0.0)),
            cache_misses: read,
            lag: if self.is_set { self.lag().await } else { None },
            size: if size == Size::Wanted { self.size().await? } else { None },
            missing: self.missing.clone(),
        })
    }

    /// The operations that take long by now.
    async fn operations(&self) -> Result<Vec<(i64, f64)>, Error> {
        let reply = self
            .admin
            .run_command(doc! {
                "aggregate": 1,
                "pipeline": [
                    { "$currentOp": { "allUsers": true, "idleConnections": false, "idleSessions": false } },
                    { "$match": {
                        "active": true,
                        "op": { "$in": ["query", "insert", "update", "remove", "getmore", "command"] },
                        "microsecs_running": { "$gte": i64::try_from(self.slow.as_micros()).unwrap_or(i64::MAX) },
                        "ns": { "$not": { "$regex": "^(local|config|admin)\\." } },
                    } },
                    { "$project": { "opid": 1, "connectionId": 1 } },
                ],
                "cursor": { "batchSize": 1000 },
            })
            .await?;
        let batch = reply.get_document("cursor").ok().and_then(|cursor| cursor.get_array("firstBatch").ok());
        let operation = |one: &Bson| {
            let one = one.as_document()?;
            Some((at(one, &["opid"])? as i64, at(one, &["connectionId"]).unwrap_or_default()))
        };
        Ok(batch.into_iter().flatten().filter_map(operation).collect())
    }

    /// How far the furthest secondary is behind the primary; none without the right to ask.
    async fn lag(&self) -> Option<f64> {
        let status = self.admin.run_command(doc! { "replSetGetStatus": 1 }).await.ok()?;
        let members = status.get_array("members").ok()?;
        let of = |state: i64| {
            members
                .iter()
                .filter_map(Bson::as_document)
                .filter(move |member| at(member, &["state"]) == Some(state as f64))
        };
        let applied = |member: &Document| Some(member.get_datetime("optimeDate").ok()?.timestamp_millis());
        let primary = of(1).find_map(applied)?;
        let furthest = of(2).filter_map(applied).min()?;
        Some((primary - furthest).max(0) as f64 / 1_000.0)
    }

    async fn size(&self) -> Result<Option<f64>, Error> {
        if let Some(database) = &self.of_test {
            let stats = database.run_command(doc! { "dbStats": 1 }).await?;
            let sizes = [at(&stats, &["dataSize"]), at(&stats, &["indexSize"])];
            return Ok(sizes[0].map(|data| data + sizes[1].unwrap_or_default()));
        }
        let all = self.admin.run_command(doc! { "listDatabases": 1 }).await?;
        Ok(at(&all, &["totalSize"]))
    }
}

/// A number, of whatever type, at a path.
fn at(document: &Document, path: &[&str]) -> Option<f64> {
    let (last, before) = path.split_last()?;
    let mut document = document;
    for name in before {
        document = document.get_document(name).ok()?;
    }
    number(document.get(last)?)
}

fn number(value: &Bson) -> Option<f64> {
    match value {
        Bson::Int32(value) => Some(f64::from(*value)),
        Bson::Int64(value) => Some(*value as f64),
        Bson::Double(value) => Some(*value),
        _ => None,
    }
}

/// The sum of the numbers of a document.
fn total(document: Option<&Document>) -> Option<f64> {
    document.map(|document| document.values().filter_map(number).sum())
}

/// The sum of one figure over all kinds of locks.
fn total_of(status: &Document, figure: &str) -> Option<f64> {
    let locks = status.get_document("locks").ok()?;
    let kinds = locks.values().filter_map(Bson::as_document);
    Some(kinds.filter_map(|kind| total(kind.get_document(figure).ok())).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_for_locks_are_added_up_over_their_kinds() {
        let status = doc! { "locks": {
            "Global": { "acquireCount": { "r": 9_i64 }, "acquireWaitCount": { "w": 2_i64, "r": 1 } },
            "Collection": { "acquireWaitCount": { "W": 4.0 } },
        } };
        assert_eq!(total_of(&status, "acquireWaitCount"), Some(7.0));
        assert_eq!(total_of(&doc! {}, "acquireWaitCount"), None);
    }
}
