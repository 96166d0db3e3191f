//! Redis Cluster: three masters, each with a replica, on this machine.

use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::ports::{free_port, promise};
use crate::process::PATIENCE;
use crate::redis::{Redis, command};

/// How many attempts to find six ports whose neighbours of the cluster bus (+10000) are free as well.
const ATTEMPTS: usize = 200;

/// Six nodes. Dropped: gone.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<Redis>,
}

impl RedisCluster {
    /// Starts one whose nodes miss each other after 1 s.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts one, with further words for the command line of each node.
    pub fn start_with(options: &[&str]) -> Self {
        let mut words = vec!["--cluster-enabled", "yes", "--cluster-node-timeout", "1000"];
        words.extend(["--cluster-replica-validity-factor", "0", "--appendfsync", "everysec"]);
        words.extend(options);
        let nodes: Vec<_> = (0..6).map(|_| Redis::start_at(port(), &words)).collect();
        let mut create = Command::new("redis-cli");
        create.args(["--cluster", "create"]);
        create.args(nodes.iter().map(|node| format!("127.0.0.1:{}", node.port())));
        create.args(["--cluster-replicas", "1", "--cluster-yes"]).stdin(Stdio::null());
        let made = create.output().expect("redis-cli starts: run scripts/install-test-tools");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stdout));
        let cluster = Self { nodes };
        cluster.wait_until("all replicas follow", || cluster.masters().len() == 3 && cluster.all_follow());
        cluster
    }

    /// `redis+cluster://…` with all nodes.
    pub fn url(&self) -> String {
        let hosts: Vec<_> = self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port())).collect();
        format!("redis+cluster://{}", hosts.join(","))
    }

    /// Its nodes, masters and replicas.
    pub fn nodes(&self) -> &[Redis] {
        &self.nodes
    }

    /// The same, to be killed, frozen and restarted.
    pub fn nodes_mut(&mut self) -> &mut [Redis] {
        &mut self.nodes
    }

    /// Indices of the nodes that are masters, and answer.
    pub fn masters(&self) -> Vec<usize> {
        self.with_role("master")
    }

    /// Indices of the nodes that are replicas, and answer.
    pub fn replicas(&self) -> Vec<usize> {
        self.with_role("slave")
    }

    /// The master of this key's slot.
    pub fn master_of(&self, key: &str) -> usize {
        let slot = self.slot_of(key);
        let found = self.masters().into_iter().find(|index| {
            let own = command(self.port(*index), &["CLUSTER", "NODES"]).unwrap_or_default();
            let own = own.lines().find(|line| line.contains("myself")).unwrap_or_default().to_owned();
            own.split(' ').skip(8).any(|range| {
                let (first, last) = range.split_once('-').unwrap_or((range, range));
                matches!((first.parse::<u16>(), last.parse::<u16>()), (Ok(first), Ok(last)) if (first..=last).contains(&slot))
            })
        });
        found.expect("every slot has a master")
    }

    /// The slot of a key.
    pub fn slot_of(&self, key: &str) -> u16 {
        let said = self.nodes.iter().find_map(|node| command(node.port(), &["CLUSTER", "KEYSLOT", key]));
        said.unwrap().trim_start_matches(':').trim().parse().unwrap()
    }

    /// Kills a master; returns at once, with its index. Its replica takes over within seconds.
    pub fn kill_master_of(&mut self, key: &str) -> usize {
        let index = self.master_of(key);
        self.nodes[index].kill();
        index
    }

    /// Lets the replica of a master take its place in order, and waits until it has.
    pub fn failover(&self, key: &str) {
        let before = self.master_of(key);
        let id = self.id(before);
        let replica = self.replicas().into_iter().find(|index| {
            let said = command(self.port(*index), &["CLUSTER", "NODES"]).unwrap_or_default();
            said.lines().any(|line| line.contains("myself") && line.contains(&id))
        });
        let replica = replica.expect("every master has a replica");
        self.wait_until("a replica takes over", || {
            command(self.port(replica), &["CLUSTER", "FAILOVER"]);
            sleep(Duration::from_millis(50));
            self.with_role("master").contains(&replica)
        });
    }

    /// Moves the slot of a key, with what it holds, to another master; `between` runs in the middle, when the slot is
    /// on its way: asked for there, found here.
    pub fn migrate(&self, key: &str, between: impl FnOnce(usize, usize)) {
        let from = self.master_of(key);
        let to = self.masters().into_iter().find(|index| *index != from).unwrap();
        let (slot, from_id, to_id) = (self.slot_of(key).to_string(), self.id(from), self.id(to));
        self.nodes[to].command(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from_id]);
        self.nodes[from].command(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to_id]);
        between(from, to);
        let keys = self.nodes[from].command(&["CLUSTER", "GETKEYSINSLOT", &slot, "1000"]);
        for key in keys.lines().filter(|line| !line.starts_with(['*', '$'])) {
            let port = self.port(to).to_string();
            let moved = self.nodes[from].command(&["MIGRATE", "127.0.0.1", &port, key, "0", "5000"]);
            assert!(moved.contains("OK") || moved.contains("NOKEY"), "{moved}");
        }
        for index in [to, from] {
            self.nodes[index].command(&["CLUSTER", "SETSLOT", &slot, "NODE", &to_id]);
        }
    }

    /// Waits until all that are there agree that every slot is served.
    pub fn wait_until_whole(&self) {
        self.wait_until("the cluster is whole", || {
            self.nodes.iter().all(|node| {
                command(node.port(), &["CLUSTER", "INFO"])
                    .is_none_or(|said| said.contains("cluster_state:ok"))
            }) && self.masters().len() >= 3
        });
    }

    fn port(&self, index: usize) -> u16 {
        self.nodes[index].port()
    }

    fn id(&self, index: usize) -> String {
        let said = self.nodes[index].command(&["CLUSTER", "MYID"]);
        said.lines().nth(1).unwrap().trim().to_owned()
    }

    fn with_role(&self, role: &str) -> Vec<usize> {
        let is = |index: &usize| {
            command(self.port(*index), &["INFO", "replication"])
                .is_some_and(|said| said.contains(&format!("role:{role}")))
        };
        (0..self.nodes.len()).filter(is).collect()
    }

    fn all_follow(&self) -> bool {
        let whole = self.nodes.iter().all(|node| {
            let said = command(node.port(), &["CLUSTER", "INFO"]).unwrap_or_default();
            said.contains("cluster_state:ok") && said.contains("cluster_known_nodes:6")
        });
        let follow = |index: &usize| {
            let said = command(self.port(*index), &["INFO", "replication"]).unwrap_or_default();
            said.contains("connected_slaves:1") && said.contains("state=online")
        };
        whole && self.masters().iter().all(follow)
    }

    fn wait_until(&self, what: &str, done: impl Fn() -> bool) {
        let begun = Instant::now();
        while !done() {
            assert!(begun.elapsed() < PATIENCE, "it takes too long until {what}");
            sleep(Duration::from_millis(20));
        }
    }
}

/// A free port whose neighbour of the cluster bus is free too, and no port of outgoing connections.
fn port() -> u16 {
    let with_bus = |port: &u16| *port < 20_000 && promise(*port + 10_000);
    (0..ATTEMPTS).map(|_| free_port()).find(with_bus).expect("there are free ports below 20000")
}
