//! Hears what any replica announces, for as long as it lives.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use redis::{PushInfo, PushKind};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

use super::failure::Failure;
use super::link::{Dialing, Role};
use super::masters::Masters;

/// How long nothing may be heard before the server is asked whether it is still there.
const SILENCE: Duration = Duration::from_secs(5);
/// Pause before the next attempt to listen.
const PAUSE: Duration = Duration::from_millis(200);

/// Listens on a connection of its own.
pub(super) struct Listener {
    pub(super) masters: Arc<Masters>,
    pub(super) dialing: Dialing,
    pub(super) channel: String,
    pub(super) announced: watch::Sender<()>,
}

/// The channel of an installation.
pub(super) fn channel(prefix: &str) -> String {
    format!("{prefix}:v1:announcements")
}

impl Listener {
    /// Until dropped.
    pub(super) async fn run(self) {
        // Any node of a cluster hears what is published at any other: the next one is tried after a failure.
        let next = AtomicUsize::new(0);
        let mut was_heard = true;
        loop {
            let failure = self.listen(&next, &mut was_heard).await;
            next.fetch_add(1, Ordering::Relaxed);
            if was_heard {
                was_heard = false;
                let error = failure.into_error();
                tracing::warn!(%error, "cannot hear announcements; changes of the configuration take longer to be seen");
            }
            sleep(self.dialing.about(PAUSE)).await;
        }
    }

    /// Until it breaks.
    async fn listen(&self, next: &AtomicUsize, was_heard: &mut bool) -> Failure {
        let mut changes = self.masters.changes();
        let map = self.masters.map();
        let index = next.load(Ordering::Relaxed) % map.nodes.len().max(1);
        let Some(node) = map.nodes.get(index) else {
            return Failure::Unreachable("no master of the session store is known".to_owned());
        };
        let ended = Arc::new(Notify::new());
        let heard = {
            let (announced, ended, channel) =
                (self.announced.clone(), Arc::clone(&ended), self.channel.clone());
            move |push: PushInfo| match push.kind {
                PushKind::Message if is_of(&push, &channel) => {
                    announced.send_replace(());
                }
                PushKind::Disconnection => ended.notify_one(),
                _ => {}
            }
        };
        let mut connection = match self.dialing.dial(&node.address, Role::Any, heard).await {
            Ok(connection) => connection,
            Err(failure) => return failure,
        };
        let subscribed = timeout(self.dialing.timeout, connection.subscribe(&self.channel)).await;
        match subscribed {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Failure::of(&error),
            Err(_) => return Failure::Late,
        }
        *was_heard = true;
        // Something may have been said while nobody listened.
        self.announced.send_replace(());
        loop {
            tokio::select! {
                () = ended.notified() => return Failure::Lost("the connection to Redis broke".to_owned()),
                _ = changes.changed() => return Failure::Lost("the masters of the session store changed".to_owned()),
                () = sleep(SILENCE) => {
                    if let Err(error) = connection.send_packed_command(&redis::cmd("PING")).await {
                        return Failure::of(&error);
                    }
                }
            }
        }
    }
}

fn is_of(push: &PushInfo, channel: &str) -> bool {
    matches!(push.data.first(), Some(redis::Value::BulkString(name)) if name == channel.as_bytes())
}
