//! The back-check: both directories are read anew, side by side, and every value of every row is compared.

use std::cmp::Ordering;

use super::MigrateError;
use super::source::{PAGE, Source};
use super::tables::{Fingerprint, Row, Table, Value, label};
use super::target::Target;

/// What a table was found to hold, on both sides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Compared {
    pub(super) rows: u64,
    /// SHA-256 over all of them in their order, in hexadecimal.
    pub(super) fingerprint: String,
}

/// Compares one table.
///
/// # Errors
/// [`MigrateError::Different`] at the first row that is not the same on both sides.
pub(super) async fn table(
    source: &mut Source,
    target: &mut Target,
    table: &'static Table,
) -> Result<Compared, MigrateError> {
    let (mut here, mut there) = (None, None);
    let (mut rows, mut fingerprints) = (0, (Fingerprint::new(), Fingerprint::new()));
    loop {
        let mut left = source.page(table, here.as_ref()).await?;
        let mut right = target.page(table, there.as_ref()).await?;
        here = left.last().cloned();
        there = right.last().cloned();
        let last = left.len() < PAGE && right.len() < PAGE;
        for row in left.iter_mut().chain(&mut right) {
            make_comparable(table, row)?;
        }
        for place in 0..left.len().max(right.len()) {
            row(table, left.get(place), right.get(place))?;
            rows += 1;
        }
        left.iter().for_each(|row| fingerprints.0.add(row));
        right.iter().for_each(|row| fingerprints.1.add(row));
        if last {
            break;
        }
    }
    let (fingerprint, other) = (fingerprints.0.finish(), fingerprints.1.finish());
    if fingerprint != other {
        return Err(different(table, "its rows have another fingerprint".to_owned()));
    }
    let wrong = target.wrong_digests(table).await?;
    if wrong > 0 {
        return Err(different(table, format!("{wrong} rows have a wrong digest")));
    }
    Ok(Compared { rows, fingerprint })
}

fn make_comparable(table: &Table, row: &mut Row) -> Result<(), MigrateError> {
    for (column, value) in table.columns.iter().zip(row) {
        let taken = std::mem::replace(value, Value::Null);
        *value = taken.comparable(column.holds).map_err(|error| {
            different(table, format!("{} cannot be read on one side: {error}", column.name))
        })?;
    }
    Ok(())
}

/// One row of each side, which must be the same.
fn row(table: &Table, left: Option<&Row>, right: Option<&Row>) -> Result<(), MigrateError> {
    let what = match (left, right) {
        (Some(left), Some(right)) => {
            if left == right {
                return Ok(());
            }
            match table.key_of(left).cmp(&table.key_of(right)) {
                Ordering::Less => format!("the row with {} is missing in PostgreSQL", label(table, left)),
                Ordering::Greater => format!("PostgreSQL has a row too many, with {}", label(table, right)),
                Ordering::Equal => {
                    let columns = table.columns.iter().zip(left.iter().zip(right));
                    let differ: Vec<_> =
                        columns.filter(|(_, (a, b))| a != b).map(|(column, _)| column.name).collect();
                    format!("the row with {} differs in {}", label(table, left), differ.join(", "))
                }
            }
        }
        (Some(left), None) => format!("the row with {} is missing in PostgreSQL", label(table, left)),
        (None, Some(right)) => format!("PostgreSQL has a row too many, with {}", label(table, right)),
        (None, None) => return Ok(()),
    };
    Err(different(table, what))
}

fn different(table: &Table, what: String) -> MigrateError {
    MigrateError::Different { table: table.name, what }
}
