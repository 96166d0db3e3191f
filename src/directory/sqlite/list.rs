//! `ListUsers`: pages by the attribute of the filter, then by username, with one condition at most.

use sqlx::sqlite::SqlitePool;
use sqlx::{QueryBuilder, Sqlite};

use super::rows::{read_user, user_columns};
use crate::directory::stored::after_prefix;
use crate::directory::{LastUser, UserFilter, UserQuery};
use crate::pool::User;

pub(super) async fn users(
    readers: &SqlitePool,
    pool_id: &str,
    query: &UserQuery,
) -> Result<Vec<User>, sqlx::Error> {
    let mut sql = QueryBuilder::new(concat!("SELECT ", user_columns!(), " FROM users u WHERE u.pool_id = "));
    sql.push_bind(pool_id);
    if let Some(filter) = &query.filter {
        sql.push(" AND ");
        push_condition(&mut sql, filter);
    }
    // What is equal in all of them orders nothing.
    let first = query.filter.as_ref().filter(|filter| filter.prefix && filter.attribute != "username");
    if let Some(LastUser { value, username }) = &query.after {
        if let Some(filter) = first {
            sql.push(" AND (");
            push_value(&mut sql, filter);
            sql.push(", u.username) > (").push_bind(value).push(", ").push_bind(username).push(")");
        } else {
            sql.push(" AND u.username > ").push_bind(username);
        }
    }
    sql.push(" ORDER BY ");
    if let Some(filter) = first {
        push_value(&mut sql, filter);
        sql.push(", ");
    }
    sql.push("u.username LIMIT ").push_bind(i64::from(query.limit));
    let rows = sql.build().fetch_all(readers).await?;
    rows.iter().filter_map(|row| read_user(row, 0).transpose()).map(|found| Ok(found?.1)).collect()
}

/// What is compared: [`UserFilter::value_of`].
fn push_value(sql: &mut QueryBuilder<Sqlite>, filter: &UserFilter) {
    match &*filter.attribute {
        "username" => sql.push("u.username"),
        "sub" => sql.push("u.sub"),
        "status" => sql.push("iif(u.enabled, 'Enabled', 'Disabled')"),
        "cognito:user_status" => sql.push("u.status"),
        // By its key and not by a path: a name may hold whatever a path gives a meaning to.
        attribute => sql
            .push("(SELECT a.value FROM json_each(u.attributes) a WHERE a.key = ")
            .push_bind(attribute.to_owned())
            .push(")"),
    };
}

/// The model folds case in `cognito:user_status` and nowhere else.
fn push_condition(sql: &mut QueryBuilder<Sqlite>, filter: &UserFilter) {
    let value = match &*filter.attribute {
        "cognito:user_status" => filter.value.to_ascii_uppercase(),
        _ => filter.value.clone(),
    };
    if filter.attribute == "username" && filter.prefix {
        // A range, so that the index serves it.
        sql.push("u.username >= ").push_bind(value.clone());
        if let Some(end) = after_prefix(&value) {
            sql.push(" AND u.username < ").push_bind(end);
        }
    } else if filter.prefix {
        let length = i64::try_from(value.chars().count()).unwrap_or(i64::MAX);
        sql.push("substr(");
        push_value(sql, filter);
        sql.push(", 1, ").push_bind(length).push(") = ").push_bind(value);
    } else {
        push_value(sql, filter);
        sql.push(" = ").push_bind(value);
    }
}
