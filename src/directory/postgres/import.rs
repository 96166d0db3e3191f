//! The door for `poolgate migrate`: a directory as a whole, before any gateway uses it.

use sqlx::PgConnection;

use super::address::Address;
use super::connections::Connections;
use super::schema::{self, Visitor};
use crate::directory::DirectoryError;

/// A connection to the tables, which are made or brought up to date where `fill` says so, and the schema that they are
/// in. Whether somebody has not finished filling them is for the caller to see.
pub(crate) async fn connect(address: &Address, fill: bool) -> Result<(PgConnection, String), DirectoryError> {
    let connections = Connections::new(address);
    let connected = async {
        let visitor = if fill { Visitor::Import } else { Visitor::Check };
        schema::prepare(&connections, visitor).await?;
        Ok(connections.dedicated().await?)
    };
    let connected = connected.await;
    connections.close().await;
    connected.map(|connection| (connection, address.schema.clone()))
}
