//! Is this Redis fit to be ours? Asked once, before the first step.

use redis::Value;
use time::OffsetDateTime;
use tokio::time::Instant;

use super::failure::Failure;
use super::seal::nanos;
use super::steps::{Step, Verb};
use super::{RedisSessions, unusable};
use crate::sessions::SessionError;

/// Oldest version: the first with GETDEL.
const OLDEST: (u32, u32) = (6, 2);
/// What the check value says.
const OWNER: &[u8] = b"poolgate";
/// How long the check value is kept after the last start, in milliseconds: 400 days.
const OWNER_MILLIS: u64 = 400 * 86_400_000;

impl RedisSessions {
    /// Refuses a Redis that is too old or belongs to another master key; warns of one that forgets.
    pub(super) async fn check(&self, deadline: Instant) -> Result<(), SessionError> {
        self.check_server(deadline).await?;
        self.check_owner(deadline).await
    }

    async fn check_server(&self, deadline: Instant) -> Result<(), SessionError> {
        let key = self.owner_key();
        let info = self.run_command(&key, redis::cmd("INFO"), deadline).await;
        let info = match info {
            Ok(Value::VerbatimString { text, .. }) => text,
            Ok(Value::BulkString(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
            Ok(_) => String::new(),
            Err(Failure::Refused(why)) if why.contains("NOPERM") => {
                tracing::warn!(
                    "the Redis user may not run INFO: neither the version nor the eviction policy is checked"
                );
                return Ok(());
            }
            Err(Failure::Refused(why)) => return Err(unusable(why)),
            Err(failure) => return Err(failure.into_error()),
        };
        let version = field(&info, "redis_version");
        if let Some(version) = version.filter(|version| is_too_old(version)) {
            return Err(unusable(format!(
                "POOLGATE_SESSION_URL leads to Redis {version}; allowed: 6.2 or later"
            )));
        }
        let mode = field(&info, "redis_mode").unwrap_or("standalone");
        if (mode == "cluster") != self.masters.is_cluster() {
            return Err(unusable(format!(
                "POOLGATE_SESSION_URL leads to a Redis in {mode} mode; allowed: redis+cluster for a cluster, redis or \
                 redis+sentinel for anything else"
            )));
        }
        let policy = field(&info, "maxmemory_policy").unwrap_or("noeviction");
        if policy != "noeviction" {
            tracing::warn!(
                policy,
                "Redis evicts keys when its memory is full: marks against replay may be forgotten and people signed \
                 out; set maxmemory-policy to noeviction"
            );
        }
        Ok(())
    }

    async fn check_owner(&self, deadline: Instant) -> Result<(), SessionError> {
        let key = self.owner_key();
        let now = self.clock.now();
        let end = nanos(now + time::Duration::days(36_500));
        let stored = self.seal.seal(&key, end, OWNER).map_err(|_| super::sealing())?;
        let ours = |found: &[u8]| self.seal.open(&key, found).is_ok_and(|(_, value)| value == OWNER);
        let new = Verb::PutNew {
            now: nanos(OffsetDateTime::UNIX_EPOCH),
            stored: stored.clone(),
            millis: OWNER_MILLIS,
        };
        // It need not last: a failover that forgets it only lets the next start write it again.
        let step = |verb| Step { must_last: false, ..Step::new(key.clone(), verb) };
        if self.run(&step(new), deadline).await? != Value::Nil {
            return Ok(());
        }
        match self.run(&step(Verb::Get), deadline).await? {
            Value::BulkString(found) if ours(&found) => {
                self.run(&step(Verb::Put(stored, OWNER_MILLIS)), deadline).await.map(drop)
            }
            _ => Err(unusable(format!(
                "the Redis of POOLGATE_SESSION_URL is in use under another master key with the prefix {:?}; allowed: \
                 the POOLGATE_MASTER_KEY of that installation, or another prefix (?prefix=NAME)",
                self.prefix
            ))),
        }
    }
}

fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

fn is_too_old(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().ok());
    match (parts.next().flatten(), parts.next().flatten()) {
        (Some(major), Some(minor)) => (major, minor) < OLDEST,
        // Whoever numbers otherwise came later.
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_before_6_2_are_too_old() {
        for (version, expected) in [
            ("2.8.24", true),
            ("6.0.16", true),
            ("6.2.0", false),
            ("7.0.15", false),
            ("10.1", false),
            ("next", false),
        ] {
            assert_eq!(is_too_old(version), expected, "{version}");
        }
    }

    #[test]
    fn fields_are_read_from_whole_lines() {
        let info = "# Server\r\nredis_version:7.0.15\r\nmaxmemory_policy:allkeys-lru\r\n";
        assert_eq!(field(info, "redis_version"), Some("7.0.15"));
        assert_eq!(field(info, "maxmemory_policy"), Some("allkeys-lru"));
        assert_eq!(field(info, "version"), None);
    }
}
