//! `throng k8s delete`: takes runs away, whole or what is left of them.

use crate::connect::Connection;
use crate::error::Result;
use crate::names::RunName;
use crate::objects;

pub use crate::objects::Found;

/// Takes one run away; what was there.
pub async fn delete(connection: &Connection, run: &RunName) -> Result<Vec<Found>> {
    objects::delete(connection, run).await
}

/// The runs of the namespace, those that are over and those of which only something is left among them.
pub async fn runs(connection: &Connection) -> Result<Vec<RunName>> {
    objects::runs(connection).await.map(|runs| runs.into_iter().collect())
}
