//! Which server serves a key: the one there is, the master that the Sentinels name, or the node of its slot.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, sleep, timeout};

use super::address::{HostPort, RedisAddress, Shape};
use super::failure::Failure;
use super::link::{Dialing, Link, Role};
use super::node::Node;
use super::sentinels::Sentinels;
use super::slots::{self, SLOTS};

/// Shortest time between two questions for the map.
const BETWEEN: Duration = Duration::from_millis(50);
/// How often the map is asked for although nothing failed: a master that was cut off does not know it.
const ROUND: Duration = Duration::from_secs(1);
/// Most nodes of a cluster that are asked for the map at once.
const ASKED: usize = 6;

/// The masters, and what each serves.
pub(super) struct Map {
    pub(super) nodes: Vec<Arc<Node>>,
    /// For each slot, which of `nodes`; empty where one node serves everything.
    slots: Vec<Option<u16>>,
}

impl Map {
    /// Who serves this key.
    pub(super) fn node_of(&self, key: &[u8]) -> Option<&Arc<Node>> {
        if self.slots.is_empty() {
            return self.nodes.first();
        }
        let index = self.slots.get(usize::from(slots::slot_of(key))).copied().flatten()?;
        self.nodes.get(usize::from(index))
    }

    fn at(&self, address: &HostPort) -> Option<&Arc<Node>> {
        self.nodes.iter().find(|node| node.address == *address)
    }
}

/// Knows the masters and keeps knowing them.
pub(super) struct Masters {
    dialing: Dialing,
    wait_replicas: u8,
    source: Source,
    map: ArcSwap<Map>,
    asked: Mutex<Option<Instant>>,
    changed: watch::Sender<()>,
}

enum Source {
    Fixed,
    Sentinels(Sentinels),
    Cluster(Vec<(HostPort, Arc<Link>)>),
}

impl Masters {
    /// Asks nobody yet.
    pub(super) fn new(address: &RedisAddress, dialing: Dialing) -> Self {
        let mut nodes = Vec::new();
        let source = match &address.shape {
            Shape::Standalone(host) => {
                nodes.push(Node::new(&dialing, host.clone(), Role::Master, address.wait_replicas));
                Source::Fixed
            }
            Shape::Sentinel { sentinels, master } => {
                let dialing = dialing.to_sentinels(address.sentinel_login.clone());
                Source::Sentinels(Sentinels::new(&dialing, sentinels, master))
            }
            Shape::Cluster(seeds) => {
                let link = |host: &HostPort| Arc::new(Link::new(dialing.clone(), host.clone(), Role::Any));
                Source::Cluster(seeds.iter().map(|host| (host.clone(), link(host))).collect())
            }
        };
        let slots = if matches!(source, Source::Cluster(_)) { vec![None; SLOTS] } else { Vec::new() };
        Self {
            dialing,
            wait_replicas: address.wait_replicas,
            source,
            map: ArcSwap::from_pointee(Map { nodes, slots }),
            asked: Mutex::new(None),
            changed: watch::Sender::new(()),
        }
    }

    /// The map as it is known now.
    pub(super) fn map(&self) -> Arc<Map> {
        self.map.load_full()
    }

    /// Sees a change whenever the masters are others than before.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Asks for the map again, because `seen` did not do: once for all who want it at the same time.
    pub(super) async fn refresh(&self, seen: &Arc<Map>) -> Result<(), Failure> {
        let mut asked = self.asked.lock().await;
        if !Arc::ptr_eq(seen, &self.map.load()) || asked.is_some_and(|moment| moment.elapsed() < BETWEEN) {
            return Ok(());
        }
        *asked = Some(Instant::now());
        match &self.source {
            Source::Fixed => Ok(()),
            Source::Sentinels(sentinels) => {
                let master = sentinels.ask().await?;
                if !matches!(&self.map.load().nodes[..], [only] if only.address == master) {
                    tracing::info!(%master, "the Sentinels name the master of the session store");
                    let node = self.node(&master, Role::Master);
                    self.set(Map { nodes: vec![node], slots: Vec::new() });
                }
                Ok(())
            }
            Source::Cluster(seeds) => {
                let ranges = self.ask_cluster(seeds).await?;
                self.set_ranges(&ranges);
                Ok(())
            }
        }
    }

    /// The node at this address, for a key that was sent there; it stays known until the map is asked for again.
    pub(super) fn node_at(&self, address: &HostPort) -> Arc<Node> {
        let map = self.map();
        if let Some(node) = map.at(address) {
            return Arc::clone(node);
        }
        let node = self.node(address, Role::Any);
        self.map.rcu(|map| {
            let mut nodes = map.nodes.clone();
            if map.at(address).is_none() {
                nodes.push(Arc::clone(&node));
            }
            Map { nodes, slots: map.slots.clone() }
        });
        self.map().at(address).map_or(node, Arc::clone)
    }

    /// Asks for the map from time to time, until dropped.
    pub(super) async fn keep_current(self: Arc<Self>) {
        if matches!(self.source, Source::Fixed) {
            return;
        }
        let mut known = true;
        loop {
            sleep(self.dialing.about(ROUND)).await;
            let seen = self.map();
            match self.refresh(&seen).await {
                Ok(()) => known = true,
                Err(failure) if known => {
                    known = false;
                    tracing::warn!(error = %failure.into_error(), "cannot ask who the masters of the session store are");
                }
                Err(_) => {}
            }
        }
    }

    /// Lets go of every connection.
    pub(super) fn close(&self) {
        self.map.store(Arc::new(Map { nodes: Vec::new(), slots: Vec::new() }));
        match &self.source {
            Source::Fixed => {}
            Source::Sentinels(sentinels) => sentinels.close(),
            Source::Cluster(seeds) => seeds.iter().for_each(|(_, link)| link.drop_connection()),
        }
    }

    /// Whether keys have slots.
    pub(super) const fn is_cluster(&self) -> bool {
        matches!(self.source, Source::Cluster(_))
    }

    /// Whether every key has a master.
    pub(super) fn is_complete(&self) -> bool {
        let map = self.map.load();
        !map.nodes.is_empty() && map.slots.iter().all(Option::is_some)
    }

    fn node(&self, address: &HostPort, role: Role) -> Arc<Node> {
        match self.map.load().at(address) {
            Some(node) => Arc::clone(node),
            None => Node::new(&self.dialing, address.clone(), role, self.wait_replicas),
        }
    }

    fn set(&self, map: Map) {
        self.map.store(Arc::new(map));
        self.changed.send_replace(());
    }

    /// A range of slots with the master of each.
    fn set_ranges(&self, ranges: &[slots::Range]) {
        let mut map = Map { nodes: Vec::new(), slots: vec![None; SLOTS] };
        for range in ranges {
            let index = map.nodes.iter().position(|node| node.address == range.master).unwrap_or_else(|| {
                map.nodes.push(self.node(&range.master, Role::Any));
                map.nodes.len() - 1
            });
            let index = u16::try_from(index).ok();
            if let Some(part) = map.slots.get_mut(usize::from(range.first)..=usize::from(range.last)) {
                part.fill(index);
            }
        }
        let before = self.map.load();
        let same = |one: &Arc<Node>, other: &Arc<Node>| Arc::ptr_eq(one, other);
        let nodes = before.nodes.len() == map.nodes.len()
            && before.nodes.iter().zip(&map.nodes).all(|(one, other)| same(one, other));
        if !nodes || before.slots != map.slots {
            self.set(map);
        }
    }

    /// The first usable answer of several nodes, asked at once.
    async fn ask_cluster(&self, seeds: &[(HostPort, Arc<Link>)]) -> Result<Vec<slots::Range>, Failure> {
        let known = self.map();
        let known = known.nodes.iter().map(|node| (node.address.clone(), Arc::clone(&node.link)));
        let mut asking = tokio::task::JoinSet::new();
        let limit = self.dialing.timeout;
        for (address, link) in known.take(ASKED).chain(seeds.iter().take(ASKED).cloned()) {
            asking.spawn(async move {
                let ask = async {
                    let answer = link.get().await?.command(redis::cmd("CLUSTER").arg("SLOTS")).await?;
                    slots::read(&answer, &address)
                };
                timeout(limit, ask).await.unwrap_or_else(|_| {
                    Err(Failure::Unreachable(format!("Redis at {address}: no answer in time")))
                })
            });
        }
        let mut last = Failure::Unreachable("no node of the Redis cluster answers".to_owned());
        while let Some(answer) = asking.join_next().await {
            match answer {
                Ok(Ok(ranges)) => return Ok(ranges),
                Ok(Err(failure)) => last = failure,
                Err(_) => {}
            }
        }
        Err(last)
    }
}
