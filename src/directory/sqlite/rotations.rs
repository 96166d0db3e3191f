//! Rotations: how far each family's refresh token has been replaced.

use sqlx::SqliteConnection;

use crate::directory::Rotation;
use crate::directory::stored::{REPLACED, millis, replaced_at};

/// Forgets some of the families whose tokens have all expired.
pub(super) const PRUNE: &str = "DELETE FROM rotations WHERE (pool_id, origin_jti) IN \
     (SELECT pool_id, origin_jti FROM rotations WHERE until < ?1 ORDER BY until LIMIT 512)";

/// Whether this rotation is the one of its generation.
pub(super) async fn rotate(
    connection: &mut SqliteConnection,
    rotation: &Rotation,
) -> Result<bool, sqlx::Error> {
    let rotated = sqlx::query(
        "INSERT INTO rotations (pool_id, origin_jti, generation, jti, replaced, until) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
         ON CONFLICT DO UPDATE SET generation = excluded.generation, jti = excluded.jti, \
         replaced = CASE WHEN generation = excluded.generation THEN replaced \
          ELSE substr(excluded.replaced || ',' || replaced, 1, ?7) END, \
         until = max(until, excluded.until) \
         WHERE generation < excluded.generation OR (generation = excluded.generation AND jti = excluded.jti)",
    )
    .bind(&rotation.pool_id)
    .bind(&rotation.origin_jti)
    .bind(rotation.generation)
    .bind(&rotation.jti)
    .bind(replaced_at(rotation.at))
    .bind(millis(rotation.until))
    .bind(REPLACED)
    .execute(connection)
    .await?;
    Ok(rotated.rows_affected() == 1)
}
