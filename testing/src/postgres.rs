//! PostgreSQL: a server of one's own, or a database on one that all tests of a run share.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

use rustix::process::{Pid, Signal, kill_process};

use crate::ports::free_port;
use crate::process::{Server, listens};

/// Names the server that a whole test run shares: `scripts/with-postgres` starts one and sets it.
const SHARED: &str = "POOLGATE_TEST_POSTGRES";

/// One PostgreSQL server, with a role `poolgate` and a database of that name.
#[derive(Debug)]
pub struct Postgres {
    server: Server,
    folder: tempfile::TempDir,
    port: u16,
}

/// A database of its own, on a server of its own or on the shared one. Dropped: removed.
#[derive(Debug)]
pub struct Database {
    url: String,
    server: Host,
}

#[derive(Debug)]
enum Host {
    Own { _server: Postgres },
    Shared { admin: String, name: String },
}

impl Database {
    /// A new, empty one.
    pub fn new() -> Self {
        match std::env::var(SHARED) {
            Ok(admin) => {
                static COUNT: AtomicU32 = AtomicU32::new(0);
                let moment = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos();
                let (process, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
                let name = format!("t{process}_{count}_{moment}");
                sql(&admin, &format!("CREATE DATABASE {name}"));
                let (base, _) = admin.rsplit_once('/').unwrap();
                Self { url: format!("{base}/{name}"), server: Host::Shared { admin, name } }
            }
            Err(_) => {
                let server = Postgres::start();
                Self { url: server.url(), server: Host::Own { _server: server } }
            }
        }
    }

    /// `postgres://…/NAME`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Runs SQL by `psql`; the values, unaligned.
    pub fn sql(&self, text: &str) -> String {
        sql(&self.url, text)
    }
}

impl Default for Database {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Host::Shared { admin, name } = &self.server {
            let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
            let _ = Command::new("psql").args(["-qX", admin, "-c", &drop]).output();
        }
    }
}

impl Postgres {
    /// Starts one; what it acknowledged is on the disk.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts one with further settings, such as `["max_connections=5"]`.
    pub fn start_with(settings: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let mut init = as_owner(folder.path(), &programs().join("initdb"));
        init.args([
            "--username=poolgate",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
            "-D",
        ]);
        let made = init.arg(&data).output().expect("initdb starts: run scripts/install-test-tools");
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let port = free_port();
        let mut lines = format!(
            "port = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\nmax_connections = 200\n\
             shared_buffers = 32MB\nlog_min_messages = warning\n"
        );
        for setting in settings {
            lines += setting;
            lines.push('\n');
        }
        let file = data.join("postgresql.conf");
        let before = fs::read_to_string(&file).unwrap();
        fs::write(&file, before + &lines).unwrap();
        let server = run(port, folder.path());
        let postgres = Self { server, folder, port };
        let admin = format!("postgres://poolgate@127.0.0.1:{port}/postgres");
        sql(&admin, "CREATE DATABASE poolgate");
        postgres
    }

    /// `postgres://poolgate@127.0.0.1:PORT/poolgate`.
    pub fn url(&self) -> String {
        format!("postgres://poolgate@127.0.0.1:{}/poolgate", self.port)
    }

    /// Its port on 127.0.0.1.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Where its files are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs SQL by `psql`; the values, unaligned.
    pub fn sql(&self, text: &str) -> String {
        sql(&self.url(), text)
    }

    /// Ends every connection and the server at once, as a crash does (SIGQUIT: immediate shutdown).
    pub fn crash(&mut self) {
        self.server.signal(Signal::QUIT);
        self.server.wait_for_end();
    }

    /// Stops it in its tracks (SIGSTOP), with every process it has: it keeps its connections and answers nothing.
    pub fn freeze(&self) {
        self.server.signal(Signal::STOP);
        self.signal_children(Signal::STOP);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal_children(Signal::CONT);
        self.server.signal(Signal::CONT);
    }

    fn signal_children(&self, signal: Signal) {
        for entry in fs::read_dir("/proc").unwrap() {
            let Ok(name) = entry.unwrap().file_name().into_string() else { continue };
            // PID (NAME) STATE PARENT …; the name may hold anything.
            let Ok(text) = fs::read_to_string(format!("/proc/{name}/stat")) else { continue };
            let parent =
                text.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
            if parent == Some(self.server.id())
                && let Some(pid) = name.parse().ok().and_then(Pid::from_raw)
            {
                // It may have ended by itself.
                let _ = kill_process(pid, signal);
            }
        }
    }

    /// What it has written to its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder().join("postgres.log")).unwrap_or_default()
    }

    /// Starts it again, with what it had on its disk.
    pub fn restart(&mut self) {
        if self.server.is_running() {
            self.crash();
        }
        self.server = run(self.port, self.folder.path());
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // The children of a server that is killed would outlive it.
        if self.server.is_running() {
            self.thaw();
            self.crash();
        }
    }
}

fn run(port: u16, folder: &Path) -> Server {
    let mut line = as_owner(folder, &programs().join("postgres"));
    line.arg("-D").arg(folder.join("data"));
    let mut server = Server::start("postgres", &mut line, folder);
    let admin = format!("postgres://poolgate@127.0.0.1:{port}/postgres");
    server.wait_for(folder, || {
        listens(port)
            && Command::new("psql").args(["-qX", &admin, "-c", "SELECT 1"]).output().unwrap().status.success()
    });
    server
}

/// Where Debian puts what belongs to one version: the newest.
fn programs() -> PathBuf {
    let versions =
        fs::read_dir("/usr/lib/postgresql").expect("PostgreSQL is installed: run scripts/install-test-tools");
    let newest = versions.map(|entry| entry.unwrap().path()).max_by_key(|path| {
        path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse::<u32>().ok())
    });
    newest.expect("PostgreSQL is installed").join("bin")
}

/// PostgreSQL refuses to run as root: then it runs as its own user, to whom the folder is given.
pub(crate) fn as_owner(folder: &Path, program: &Path) -> Command {
    if !rustix::process::geteuid().is_root() {
        return Command::new(program);
    }
    let owned = Command::new("chown").arg("postgres").arg(folder).status().unwrap();
    assert!(owned.success(), "there is a user postgres");
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]).arg(program);
    command.current_dir(folder);
    command
}

fn sql(url: &str, text: &str) -> String {
    let said = Command::new("psql").args(["-qXAt", "-v", "ON_ERROR_STOP=1", url, "-c", text]).output();
    let said = said.expect("psql starts: run scripts/install-test-tools");
    assert!(said.status.success(), "{text}: {}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8_lossy(&said.stdout).trim_end().to_owned()
}
