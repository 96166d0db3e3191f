//! `ListUsers`: pages by username, with one condition at most.

use sqlx::sqlite::SqlitePool;
use sqlx::{QueryBuilder, Sqlite};

use super::rows::{read_user, user_columns};
use crate::directory::stored::after_prefix;
use crate::directory::{UserFilter, UserQuery};
use crate::pool::User;

pub(super) async fn users(
    readers: &SqlitePool,
    pool_id: &str,
    query: &UserQuery,
) -> Result<Vec<User>, sqlx::Error> {
    let mut sql = QueryBuilder::new(concat!("SELECT ", user_columns!(), " FROM users u WHERE u.pool_id = "));
    sql.push_bind(pool_id);
    if let Some(after) = &query.after {
        sql.push(" AND u.username > ").push_bind(after);
    }
    if let Some(filter) = &query.filter {
        sql.push(" AND ");
        push_condition(&mut sql, filter);
    }
    sql.push(" ORDER BY u.username LIMIT ").push_bind(i64::from(query.limit));
    let rows = sql.build().fetch_all(readers).await?;
    rows.iter().filter_map(|row| read_user(row, 0).transpose()).map(|found| Ok(found?.1)).collect()
}

/// The model folds case in `cognito:user_status` and nowhere else.
fn push_condition(sql: &mut QueryBuilder<Sqlite>, filter: &UserFilter) {
    let value = filter.value.clone();
    match &*filter.attribute {
        "username" => {
            if filter.prefix {
                // A range, so that the index serves it.
                sql.push("u.username >= ").push_bind(value.clone());
                if let Some(end) = after_prefix(&value) {
                    sql.push(" AND u.username < ").push_bind(end);
                }
            } else {
                sql.push("u.username = ").push_bind(value);
            }
        }
        "sub" => push_comparison(sql, "u.sub", filter.prefix, value),
        "status" => push_comparison(sql, "iif(u.enabled, 'Enabled', 'Disabled')", filter.prefix, value),
        "cognito:user_status" => {
            push_comparison(sql, "u.status", filter.prefix, value.to_ascii_uppercase());
        }
        attribute => {
            sql.push("EXISTS (SELECT 1 FROM json_each(u.attributes) a WHERE a.key = ")
                .push_bind(attribute.to_owned());
            sql.push(" AND ");
            push_comparison(sql, "a.value", filter.prefix, value);
            sql.push(")");
        }
    }
}

fn push_comparison(sql: &mut QueryBuilder<Sqlite>, column: &'static str, prefix: bool, value: String) {
    if prefix {
        let length = i64::try_from(value.chars().count()).unwrap_or(i64::MAX);
        sql.push("substr(").push(column).push(", 1, ").push_bind(length).push(") = ").push_bind(value);
    } else {
        sql.push(column).push(" = ").push_bind(value);
    }
}
