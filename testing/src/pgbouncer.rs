//! PgBouncer in transaction mode, before a PostgreSQL server.

use std::fs;

use crate::ports::free_port;
use crate::postgres::as_owner;
use crate::process::{Server, listens};

/// One PgBouncer that lends few connections to many: what anybody leaves behind on one, the next finds.
#[derive(Debug)]
pub struct PgBouncer {
    server: Server,
    _folder: tempfile::TempDir,
    port: u16,
    database: String,
}

impl PgBouncer {
    /// Starts one before the database of this URL (`postgres://USER@HOST:PORT/NAME`), with so many connections to it.
    pub fn start(url: &str, connections: u32) -> Self {
        let rest = url.strip_prefix("postgres://").expect("postgres://");
        let (user, rest) = rest.split_once('@').expect("a user");
        let (address, database) = rest.split_once('/').expect("a database");
        let (host, behind) = address.split_once(':').expect("a port");
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let users = folder.path().join("users.txt");
        fs::write(&users, format!("\"{user}\" \"\"\n")).unwrap();
        let settings = folder.path().join("pgbouncer.ini");
        // Nothing in ignore_startup_parameters: it is as strict as it comes.
        let text = format!(
            "[databases]\n* = host={host} port={behind}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = trust\nauth_file = {}\npool_mode = transaction\n\
             default_pool_size = {connections}\nserver_reset_query_always = 0\n",
            users.display()
        );
        fs::write(&settings, text).unwrap();
        let mut line = as_owner(folder.path(), "/usr/sbin/pgbouncer".as_ref());
        line.arg(&settings);
        let mut server = Server::start("pgbouncer", &mut line, folder.path());
        server.wait_for(folder.path(), || listens(port));
        Self { server, _folder: folder, port, database: format!("{user}@127.0.0.1:{port}/{database}") }
    }

    /// `postgres://…?pgbouncer=true`.
    pub fn url(&self) -> String {
        format!("postgres://{}?pgbouncer=true", self.database)
    }

    /// Its port on 127.0.0.1.
    pub const fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        self.server.kill();
    }
}
