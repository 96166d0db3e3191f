//! Asks Sentinels who the master is.

use std::sync::Arc;
use std::time::Duration;

use redis::Value;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::address::HostPort;
use super::failure::Failure;
use super::link::{Dialing, Link, Role};

/// Longest wait for a Sentinel's answer: the others know as well.
const PATIENCE: Duration = Duration::from_millis(500);

/// Those who are asked, and for whom.
pub(super) struct Sentinels {
    links: Vec<(HostPort, Arc<Link>)>,
    master: String,
    patience: Duration,
}

impl Sentinels {
    /// No connection yet.
    pub(super) fn new(dialing: &Dialing, sentinels: &[HostPort], master: &str) -> Self {
        let link = |host: &HostPort| Arc::new(Link::new(dialing.clone(), host.clone(), Role::Any));
        Self {
            links: sentinels.iter().map(|host| (host.clone(), link(host))).collect(),
            master: master.to_owned(),
            patience: dialing.timeout.min(PATIENCE),
        }
    }

    /// Lets go of the connections.
    pub(super) fn close(&self) {
        self.links.iter().for_each(|(_, link)| link.drop_connection());
    }

    /// The master that most of those who answer name: one who was cut off may name the one before. All are asked at
    /// once; as soon as more than half of all agree, that is it.
    pub(super) async fn ask(&self) -> Result<HostPort, Failure> {
        let mut asking = JoinSet::new();
        for (address, link) in &self.links {
            let (address, link) = (address.clone(), Arc::clone(link));
            let (master, patience) = (self.master.clone(), self.patience);
            asking.spawn(async move {
                let ask = async {
                    let mut command = redis::cmd("SENTINEL");
                    command.arg("GET-MASTER-ADDR-BY-NAME").arg(&master);
                    link.get().await?.command(&command).await
                };
                let answer = timeout(patience, ask).await;
                let unreachable =
                    |_| Err(Failure::Unreachable(format!("the Sentinel at {address} does not answer")));
                read(&answer.unwrap_or_else(unreachable)?, &master)
            });
        }
        let mut votes: Vec<(HostPort, usize)> = Vec::new();
        let mut last = Failure::Unreachable("no Sentinel answers".to_owned());
        while let Some(answer) = asking.join_next().await {
            match answer {
                Ok(Ok(master)) => {
                    if count(&mut votes, master) * 2 > self.links.len() {
                        break;
                    }
                }
                Ok(Err(failure)) => last = failure,
                Err(_) => {}
            }
        }
        let most = votes.into_iter().reduce(|most, other| if other.1 > most.1 { other } else { most });
        most.map(|(master, _)| master).ok_or(last)
    }
}

/// One more for this one; how many it has.
fn count(votes: &mut Vec<(HostPort, usize)>, master: HostPort) -> usize {
    if let Some((_, number)) = votes.iter_mut().find(|(known, _)| *known == master) {
        *number += 1;
        return *number;
    }
    votes.push((master, 1));
    1
}

fn read(answer: &Value, master: &str) -> Result<HostPort, Failure> {
    let text = |value: &Value| match value {
        Value::BulkString(bytes) => String::from_utf8(bytes.clone()).ok(),
        Value::SimpleString(text) => Some(text.clone()),
        _ => None,
    };
    if let Value::Array(parts) = answer
        && let [host, port] = &parts[..]
        && let (Some(host), Some(port)) = (text(host), text(port).and_then(|port| port.parse().ok()))
    {
        return Ok(HostPort { host, port });
    }
    Err(Failure::Refused(format!("the Sentinels know no master {master:?}: see POOLGATE_SESSION_URL")))
}
