//! Redis: one server.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use crate::ports::free_port;
use crate::process::{Server, listens};

/// One Redis server that keeps what it acknowledged (`appendfsync always`).
#[derive(Debug)]
pub struct Redis {
    server: Server,
    folder: tempfile::TempDir,
    port: u16,
    options: Vec<String>,
}

impl Redis {
    /// Starts one.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts one with further words of its command line, such as `["--requirepass", "secret"]`.
    pub fn start_with(options: &[&str]) -> Self {
        Self::start_at(free_port(), options)
    }

    /// The same, on this port.
    pub fn start_at(port: u16, options: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options: Vec<_> = options.iter().map(|option| (*option).to_owned()).collect();
        let server = run(port, &options, folder.path());
        Self { server, folder, port, options }
    }

    /// Its port on 127.0.0.1.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// `redis://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Where its files are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Starts it again after [`Redis::kill`], with what it had on its disk.
    pub fn restart(&mut self) {
        self.server.kill();
        self.server = run(self.port, &self.options, self.folder.path());
    }

    /// Stops it in its tracks (SIGSTOP): it still has its connections and answers nothing.
    pub fn freeze(&self) {
        self.server.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.server.signal(Signal::CONT);
    }

    /// What it answers to one command, raw; for a server without a password.
    pub fn command(&self, words: &[&str]) -> String {
        command(self.port, words).expect("Redis answers")
    }
}

fn run(port: u16, options: &[String], folder: &Path) -> Server {
    let mut line = Command::new("redis-server");
    line.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--dir"]).arg(folder);
    line.args(["--save", "", "--appendonly", "yes", "--appendfsync", "always"]).args(options);
    let mut server = Server::start("redis", &mut line, folder);
    server.wait_for(folder, || {
        listens(port) && !command(port, &["PING"]).is_none_or(|said| said.contains("LOADING"))
    });
    server
}

/// One command and the start of its answer: enough to ask a test server how it is.
pub(crate) fn command(port: u16, words: &[&str]) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let mut asked = format!("*{}\r\n", words.len());
    for word in words {
        asked += &format!("${}\r\n{word}\r\n", word.len());
    }
    stream.write_all(asked.as_bytes()).ok()?;
    let mut answer = vec![0; 65_536];
    let read = stream.read(&mut answer).ok()?;
    Some(String::from_utf8_lossy(answer.get(..read)?).into_owned())
}
