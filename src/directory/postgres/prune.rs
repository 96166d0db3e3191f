//! Forgets what nothing needs any more: now and then, beside the sign-ins, some at a time. Any replica may, and
//! none waits for another.

use super::connections::Connections;
use super::trouble::Trouble;

/// Most rows of one table that one statement removes.
const SOME: u64 = 512;

/// Nothing is forgotten before so much more time has passed, in milliseconds: the clocks of replicas differ.
const GRACE: i64 = 3_600_000;

macro_rules! prune {
    ($table:literal) => {
        concat!(
            "DELETE FROM ",
            $table,
            " WHERE ctid = ANY (ARRAY(SELECT ctid FROM ",
            $table,
            " WHERE until < least($1, (extract(epoch FROM statement_timestamp()) * 1000)::int8 - $2) \
             ORDER BY until LIMIT 512 FOR UPDATE SKIP LOCKED)) RETURNING 1"
        )
    };
}

/// What has expired at `now` (milliseconds since 1970) and by the server's clock: a gateway whose clock has leapt
/// ahead must not make revocations forgotten that all others still need.
pub(super) async fn prune(connections: &Connections, now: i64) -> Result<(), Trouble> {
    let before = now.saturating_sub(GRACE);
    for statement in [
        prune!("revoked_families"),
        prune!("endings"),
        prune!("provider_sessions"),
        prune!("used_once"),
        prune!("rotations"),
    ] {
        loop {
            let removed = connections.fetch(|| Ok(sqlx::query(statement).bind(before).bind(GRACE))).await?;
            if u64::try_from(removed.len()).unwrap_or(0) < SOME {
                break;
            }
        }
    }
    Ok(())
}
