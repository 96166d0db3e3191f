//! `ListUsers`: pages by the attribute of the filter, then by username, with one condition at most.

use std::time::Duration;

use sqlx::Row as _;

use super::connections::{Connections, Statement};
use super::rows::{read_user, user_columns};
use super::trouble::Trouble;
use crate::directory::storable::any_nul;
use crate::directory::stored::after_prefix;
use crate::directory::{UserFilter, UserQuery};
use crate::pool::User;

/// How long it may take to look at every user of a pool.
const LONGEST: Duration = Duration::from_secs(30);

/// $1 pool, $2 and $3 value and username of the last one seen, $4 most users; the condition's own begin at $5. No
/// username is empty. `$order`: what comes before the username, where the condition leaves more than one of it;
/// where there is none, $2 is mentioned so that it has a type.
macro_rules! users_where {
    ($condition:expr) => {
        concat!(
            "SELECT ",
            user_columns!(),
            " FROM users u WHERE u.pool_id = $1 AND $2::text IS NOT NULL AND u.username > $3 AND ",
            $condition,
            " ORDER BY u.username LIMIT $4"
        )
    };
    ($condition:expr, $order:expr) => {
        concat!(
            "SELECT ",
            user_columns!(),
            " FROM users u WHERE u.pool_id = $1 AND ((",
            $order,
            ") COLLATE \"C\", u.username) > ($2, $3) AND ",
            $condition,
            " ORDER BY (",
            $order,
            ") COLLATE \"C\", u.username LIMIT $4"
        )
    };
}

/// `status`, as [`UserFilter`] names it.
macro_rules! status {
    () => {
        "CASE WHEN u.enabled THEN 'Enabled' ELSE 'Disabled' END"
    };
}

pub(super) async fn users(
    connections: &Connections,
    pool_id: &str,
    query: &UserQuery,
) -> Result<Vec<User>, Trouble> {
    let after = query.after.clone().unwrap_or_default();
    let filter = query.filter.iter().flat_map(|filter| [&*filter.attribute, &*filter.value]);
    // Nothing is stored under a text with U+0000.
    if filter.chain([pool_id, &after.value, &after.username]).any(|text| any_nul(&[text])) {
        return Ok(Vec::new());
    }
    let (sql, values) = query.filter.as_ref().map_or((users_where!("true"), Vec::new()), condition);
    let page = sqlx::query(sql).bind(pool_id).bind(&after.value).bind(&after.username);
    let page = values.into_iter().fold(page.bind(i64::from(query.limit)), Statement::bind);
    let mut transaction = connections.begin(LONGEST).await?;
    let rows = transaction.fetch(page).await?;
    transaction.commit().await?;
    let users = rows.iter().filter_map(|row| read_user(row, 0).transpose());
    Ok(users.map(|found| Ok(found?.user)).collect::<Result<_, sqlx::Error>>()?)
}

/// The model folds case in `cognito:user_status` and nowhere else.
fn condition(filter: &UserFilter) -> (&'static str, Vec<String>) {
    let value = filter.value.clone();
    let sql = match (&*filter.attribute, filter.prefix) {
        ("username", true) => match after_prefix(&value) {
            // A range, so that the index serves it.
            Some(end) => {
                return (users_where!("u.username >= $5 AND u.username < $6"), vec![value, end]);
            }
            None => users_where!("u.username >= $5"),
        },
        ("username", false) => users_where!("u.username = $5"),
        ("sub", true) => users_where!("starts_with(u.sub, $5)", "u.sub"),
        ("sub", false) => users_where!("u.sub = $5"),
        ("status", true) => users_where!(concat!("starts_with(", status!(), ", $5)"), status!()),
        ("status", false) => users_where!(concat!(status!(), " = $5")),
        ("cognito:user_status", prefix) => {
            let sql = if prefix {
                users_where!("starts_with(u.status, $5)", "u.status")
            } else {
                users_where!("u.status = $5")
            };
            return (sql, vec![value.to_ascii_uppercase()]);
        }
        (attribute, prefix) => {
            let sql = if prefix {
                users_where!("starts_with(u.attributes ->> $6, $5)", "u.attributes ->> $6")
            } else {
                users_where!("u.attributes ->> $6 = $5")
            };
            return (sql, vec![value, attribute.to_owned()]);
        }
    };
    (sql, vec![value])
}

/// How many users the pool has.
pub(super) async fn count(connections: &Connections, pool_id: &str) -> Result<u64, Trouble> {
    let mut transaction = connections.begin(LONGEST).await?;
    let count = sqlx::query("SELECT count(*) FROM users WHERE pool_id = $1").bind(pool_id);
    let rows = transaction.fetch(count).await?;
    transaction.commit().await?;
    Ok(rows.first().ok_or(sqlx::Error::RowNotFound)?.try_get::<i64, _>(0)?.unsigned_abs())
}
