//! One master: a connection for steps that may be forgotten, and one for those that may not.
//!
//! `WAIT` blocks the connection it is sent on until the replicas have confirmed every write of that connection. On a
//! connection that all share it would hold up everybody, once for each step. So steps that must last have a connection
//! of their own, on which those that come while others wait are sent together, with one `WAIT` behind them.

use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, Value};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use super::address::HostPort;
use super::failure::Failure;
use super::link::{Dialing, Link, Role};

/// Most steps that go together, and most that wait to go.
const BATCH: usize = 128;
const WAITING: usize = 2048;

/// A server that serves keys.
pub(super) struct Node {
    pub(super) address: HostPort,
    /// For steps that may be forgotten, and for questions.
    pub(super) link: Arc<Link>,
    lasting: Option<mpsc::Sender<Job>>,
}

struct Job {
    command: Cmd,
    asking: bool,
    reply: oneshot::Sender<Result<Value, Failure>>,
}

impl Node {
    /// Must be called within a tokio runtime. Ends its task when dropped.
    pub(super) fn new(dialing: &Dialing, address: HostPort, role: Role, wait_replicas: u8) -> Arc<Self> {
        let link = Arc::new(Link::new(dialing.clone(), address.clone(), role));
        let lasting = (wait_replicas > 0).then(|| {
            let (jobs, queue) = mpsc::channel(WAITING);
            // Half of what an answer may take: whether the replicas confirmed is always learnt.
            let patience = dialing.timeout / 2;
            let link = Link::new(dialing.that_waits(patience), address.clone(), role);
            let lane = Lane { link, replicas: wait_replicas, patience };
            tokio::spawn(lane.run(queue));
            jobs
        });
        Arc::new(Self { address, link, lasting })
    }

    /// Sends one command; `asking` says that the key is on its way to this node. With `lasting`, an answer comes once
    /// the replicas know.
    pub(super) async fn send(
        &self,
        command: Cmd,
        asking: bool,
        lasting: bool,
        deadline: Instant,
    ) -> Result<Value, Failure> {
        let Some(lane) = self.lasting.as_ref().filter(|_| lasting) else {
            return self.send_alone(&command, asking, deadline).await;
        };
        let (reply, answer) = oneshot::channel();
        lane.try_send(Job { command, asking, reply })
            .map_err(|_| Failure::Unreachable("too many steps wait for Redis".to_owned()))?;
        match timeout_at(deadline, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Failure::Lost("the connection to Redis was given up".to_owned())),
            Err(_) => Err(Failure::Late),
        }
    }

    async fn send_alone(&self, command: &Cmd, asking: bool, deadline: Instant) -> Result<Value, Failure> {
        let live = timeout_at(deadline, self.link.get()).await;
        let live = live.map_err(|_| {
            Failure::Unreachable(format!("Redis at {}: no connection in time", self.address))
        })??;
        let answer = async {
            if !asking {
                return live.command(command).await;
            }
            let mut pipeline = redis::pipe();
            pipeline.cmd("ASKING").add_command(command.clone());
            let mut answers = live.commands(&pipeline, 2).await?;
            answers.pop().unwrap_or_else(|| Err(Failure::Lost("no answer".to_owned())))
        };
        match timeout_at(deadline, answer).await {
            Ok(answer) => answer,
            Err(_) => {
                live.end();
                Err(Failure::Late)
            }
        }
    }
}

/// The connection of the steps that must last.
struct Lane {
    link: Link,
    replicas: u8,
    patience: Duration,
}

impl Lane {
    async fn run(self, mut queue: mpsc::Receiver<Job>) {
        let mut jobs = Vec::with_capacity(BATCH);
        while queue.recv_many(&mut jobs, BATCH).await > 0 {
            // Who gave up was told that it may have run: now it has not.
            jobs.retain(|job: &Job| !job.reply.is_closed());
            if !jobs.is_empty() {
                self.send(std::mem::take(&mut jobs)).await;
            }
        }
    }

    async fn send(&self, jobs: Vec<Job>) {
        let mut pipeline = redis::pipe();
        for job in &jobs {
            if job.asking {
                pipeline.cmd("ASKING");
            }
            pipeline.add_command(job.command.clone());
        }
        let millis = u64::try_from(self.patience.as_millis()).unwrap_or(u64::MAX);
        pipeline.cmd("WAIT").arg(self.replicas).arg(millis);
        let count = pipeline.len();
        let answers = match self.link.get().await {
            Ok(live) => live.commands(&pipeline, count).await,
            Err(failure) => Err(failure),
        };
        match answers {
            Err(failure) => {
                for job in jobs {
                    let _ = job.reply.send(Err(failure.clone()));
                }
            }
            Ok(mut answers) => {
                let confirmed = matches!(answers.pop(), Some(Ok(Value::Int(number))) if number >= i64::from(self.replicas));
                let mut answers = answers.into_iter();
                for job in jobs {
                    if job.asking {
                        answers.next();
                    }
                    let answer = answers.next().unwrap_or_else(|| Err(Failure::Lost("no answer".to_owned())));
                    let _ = job.reply.send(answer.and_then(|answer| if_lasting(answer, confirmed)));
                }
            }
        }
    }
}

/// Nil says that a value was not there (to be taken or exchanged), or was there already (`put_new`): the caller is
/// refused, which needs no replica's word. Everything else does.
fn if_lasting(answer: Value, confirmed: bool) -> Result<Value, Failure> {
    if confirmed || answer == Value::Nil { Ok(answer) } else { Err(Failure::Unconfirmed) }
}
