//! Redis with Sentinels: one master, two replicas, three Sentinels.

use std::fs;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::ports::free_port;
use crate::process::{PATIENCE, Server, listens};
use crate::redis::{Redis, command};

/// The master's name.
const NAME: &str = "main";

/// Three servers and three Sentinels. Dropped: gone.
#[derive(Debug)]
pub struct RedisSentinel {
    servers: Vec<Redis>,
    sentinels: Vec<Sentinel>,
}

#[derive(Debug)]
struct Sentinel {
    server: Server,
    port: u16,
    _folder: tempfile::TempDir,
}

impl RedisSentinel {
    /// Starts them; a master that is silent for 500 ms is replaced.
    pub fn start() -> Self {
        let ports: Vec<_> = (0..3).map(|_| free_port()).collect();
        let master = ports[0].to_string();
        let servers = ports.iter().map(|port| {
            let follow = ["--replicaof", "127.0.0.1", &master];
            let mut words = vec!["--appendfsync", "everysec", "--repl-diskless-sync-delay", "0"];
            words.extend(follow.iter().filter(|_| *port != ports[0]));
            Redis::start_at(*port, &words)
        });
        let servers: Vec<_> = servers.collect();
        let sentinels = (0..3).map(|_| Sentinel::start(ports[0])).collect();
        let all = Self { servers, sentinels };
        all.wait_until("Sentinels and replicas know each other", || all.is_whole());
        all
    }

    /// `redis+sentinel://…/main`.
    pub fn url(&self) -> String {
        let hosts: Vec<_> =
            self.sentinels.iter().map(|sentinel| format!("127.0.0.1:{}", sentinel.port)).collect();
        format!("redis+sentinel://{}/{NAME}", hosts.join(","))
    }

    /// The servers.
    pub fn servers(&self) -> &[Redis] {
        &self.servers
    }

    /// The same, to be killed, frozen and restarted.
    pub fn servers_mut(&mut self) -> &mut [Redis] {
        &mut self.servers
    }

    /// Index of the server that most Sentinels call master.
    pub fn master(&self) -> usize {
        let mut votes = [0; 3];
        for sentinel in &self.sentinels {
            let words = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME];
            let said = command(sentinel.port, &words).unwrap_or_default();
            for (index, server) in self.servers.iter().enumerate() {
                votes[index] += usize::from(said.lines().any(|line| line == server.port().to_string()));
            }
        }
        (0..3).max_by_key(|index| votes[*index]).unwrap()
    }

    /// Kills the master; returns at once, with its index. A replica takes over within seconds.
    pub fn kill_master(&mut self) -> usize {
        let index = self.master();
        self.servers[index].kill();
        index
    }

    /// Stops the master in its tracks; its index.
    pub fn freeze_master(&self) -> usize {
        let index = self.master();
        self.servers[index].freeze();
        index
    }

    /// Lets a replica take the master's place in order, and waits until the Sentinels say so.
    pub fn failover(&self) {
        let before = self.master();
        self.wait_until("a failover may begin", || {
            let said = command(self.sentinels[0].port, &["SENTINEL", "FAILOVER", NAME]).unwrap_or_default();
            said.contains("OK") || self.master() != before
        });
        self.wait_for_another(before);
    }

    /// Waits until the master is another than this one.
    pub fn wait_for_another(&self, before: usize) {
        self.wait_until("another master is named", || self.master() != before);
    }

    /// Waits until all servers and Sentinels are there and know each other.
    pub fn wait_until_whole(&self) {
        self.wait_until("all know each other", || self.is_whole());
    }

    /// Stops a Sentinel.
    pub fn kill_sentinel(&mut self, index: usize) {
        self.sentinels[index].server.kill();
    }

    /// Stops a Sentinel in its tracks.
    pub fn freeze_sentinel(&self, index: usize) {
        self.sentinels[index].server.signal(Signal::STOP);
    }

    fn is_whole(&self) -> bool {
        let sees = |sentinel: &Sentinel| {
            let said = command(sentinel.port, &["SENTINEL", "MASTERS"]).unwrap_or_default();
            let value = |name: &str| {
                let mut lines = said.lines().skip_while(|line| *line != name).skip(2);
                lines.next().unwrap_or_default().to_owned()
            };
            value("num-other-sentinels") == "2" && value("num-slaves") == "2" && value("flags") == "master"
        };
        let master =
            command(self.servers[self.master()].port(), &["INFO", "replication"]).unwrap_or_default();
        self.sentinels.iter().all(sees) && master.matches("state=online").count() == 2
    }

    fn wait_until(&self, what: &str, done: impl Fn() -> bool) {
        let begun = Instant::now();
        while !done() {
            assert!(begun.elapsed() < PATIENCE, "it takes too long until {what}");
            sleep(Duration::from_millis(20));
        }
    }
}

impl Sentinel {
    fn start(master: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let settings = format!(
            "port {port}\nbind 127.0.0.1\ndir {}\nsentinel monitor {NAME} 127.0.0.1 {master} 2\n\
             sentinel down-after-milliseconds {NAME} 500\nsentinel failover-timeout {NAME} 2000\n",
            folder.path().display()
        );
        let file = folder.path().join("sentinel.conf");
        fs::write(&file, settings).unwrap();
        let mut line = Command::new("redis-sentinel");
        let mut server = Server::start("sentinel", line.arg(&file), folder.path());
        server.wait_for(folder.path(), || listens(port));
        Self { server, port, _folder: folder }
    }
}
