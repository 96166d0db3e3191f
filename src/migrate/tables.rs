//! What a directory consists of: every table, every column, and the order in which both sides are read.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{Context, SHA256};

/// What a column holds. Both stores know the same values by other names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// Text, byte for byte.
    Text,
    /// A JSON object of texts. PostgreSQL writes the same one in another order: what it says is compared.
    Texts,
    /// A 64-bit number.
    Integer,
    /// 0 or 1 in SQLite.
    Boolean,
    /// Bytes.
    Bytes,
}

/// One column.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) holds: Holds,
}

/// One table.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static [Column],
    /// The columns of its key: no two rows have the same, and rows are read in their order, texts by their bytes.
    pub(super) key: &'static [&'static str],
    /// The column `digest`, which PostgreSQL alone has, is the SHA-256 of the text in this one.
    pub(super) digest_of: Option<&'static str>,
}

const fn text(name: &'static str) -> Column {
    Column { name, holds: Holds::Text }
}

const fn texts(name: &'static str) -> Column {
    Column { name, holds: Holds::Texts }
}

const fn integer(name: &'static str) -> Column {
    Column { name, holds: Holds::Integer }
}

const fn boolean(name: &'static str) -> Column {
    Column { name, holds: Holds::Boolean }
}

const fn bytes(name: &'static str) -> Column {
    Column { name, holds: Holds::Bytes }
}

/// Every table: what others refer to comes first.
pub(super) const TABLES: [Table; 12] = [
    Table {
        name: "configuration",
        columns: &[
            text("kind"),
            text("pool_id"),
            text("id"),
            text("document"),
            bytes("sealed"),
            integer("version"),
        ],
        key: &["kind", "pool_id", "id"],
        digest_of: None,
    },
    Table {
        name: "unique_names",
        columns: &[text("scope"), text("name"), text("kind"), text("pool_id"), text("id")],
        key: &["scope", "name"],
        digest_of: None,
    },
    Table {
        name: "generations",
        columns: &[text("pool_id"), integer("generation")],
        key: &["pool_id"],
        digest_of: None,
    },
    Table {
        name: "users",
        columns: &[
            integer("id"),
            text("pool_id"),
            text("username"),
            text("sub"),
            texts("attributes"),
            boolean("enabled"),
            text("status"),
            integer("created_at"),
            integer("modified_at"),
            integer("signed_out_at"),
        ],
        key: &["id"],
        digest_of: None,
    },
    Table {
        name: "identities",
        columns: &[
            text("pool_id"),
            text("provider"),
            text("subject"),
            integer("user_id"),
            integer("position"),
            text("provider_type"),
            text("issuer"),
            boolean("is_primary"),
            integer("date_created"),
        ],
        key: &["pool_id", "provider", "subject"],
        digest_of: None,
    },
    Table {
        name: "memberships",
        columns: &[
            integer("user_id"),
            text("group_name"),
            integer("position"),
            text("pool_id"),
            text("provider"),
        ],
        key: &["user_id", "group_name"],
        digest_of: None,
    },
    Table {
        name: "revoked_families",
        columns: &[text("pool_id"), text("origin_jti"), integer("until")],
        key: &["pool_id", "origin_jti"],
        digest_of: None,
    },
    Table {
        name: "endings",
        columns: &[
            integer("user_id"),
            text("mark"),
            boolean("tokens"),
            text("person"),
            integer("at"),
            integer("until"),
        ],
        key: &["user_id", "mark", "tokens"],
        digest_of: None,
    },
    Table {
        name: "waiting_links",
        columns: &[
            text("pool_id"),
            text("provider"),
            text("attribute"),
            text("value"),
            integer("user_id"),
            text("provider_type"),
            text("issuer"),
            integer("date_created"),
        ],
        key: &["pool_id", "provider", "attribute", "value"],
        digest_of: Some("value"),
    },
    Table {
        name: "provider_sessions",
        columns: &[
            text("pool_id"),
            text("provider"),
            text("digest"),
            text("subject"),
            integer("user_id"),
            integer("until"),
        ],
        key: &["pool_id", "provider", "digest", "subject"],
        digest_of: None,
    },
    Table {
        name: "rotations",
        columns: &[
            text("pool_id"),
            text("origin_jti"),
            integer("generation"),
            text("jti"),
            text("replaced"),
            integer("until"),
        ],
        key: &["pool_id", "origin_jti"],
        digest_of: None,
    },
    Table { name: "used_once", columns: &[text("mark"), integer("until")], key: &["mark"], digest_of: None },
];

impl Table {
    /// What the column of this name holds; a key names none but the table's own.
    pub(super) fn holds(&self, name: &str) -> Option<Holds> {
        self.columns.iter().find(|column| column.name == name).map(|column| column.holds)
    }

    /// Which value of a row `digest` is made of.
    pub(super) fn digested(&self) -> Option<usize> {
        let name = self.digest_of?;
        self.columns.iter().position(|column| column.name == name)
    }

    /// What the row holds of the key, in the key's order.
    pub(super) fn key_of<'r>(&self, row: &'r [Value]) -> Vec<&'r Value> {
        let place = |name: &&str| self.columns.iter().position(|column| column.name == *name);
        self.key.iter().filter_map(|name| row.get(place(name)?)).collect()
    }

    /// `"a", "b"`, as PostgreSQL has them: the names are ours, and some are words of SQL.
    pub(super) fn column_list(&self) -> String {
        let names = self.columns.iter().map(|column| column.name).chain(self.digest_of.map(|_| "digest"));
        names.map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
    }
}

/// One value, the same for both stores. Of one column's values, the order is the stores' own: texts by their bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Value {
    Null,
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// One row: a value for each column of its table, in their order.
pub(super) type Row = Vec<Value>;

impl Value {
    /// As it is compared: an object with its members in order and nothing between them.
    ///
    /// # Errors
    /// When it is no JSON object of texts.
    pub(super) fn comparable(self, holds: Holds) -> Result<Self, serde_json::Error> {
        match (self, holds) {
            (Self::Text(text), Holds::Texts) => {
                let members: BTreeMap<String, String> = serde_json::from_str(&text)?;
                Ok(Self::Text(serde_json::to_string(&members)?))
            }
            (other, _) => Ok(other),
        }
    }
}

/// A row's key for a person: numbers and texts as they are, without what could break a line.
pub(super) fn label(table: &Table, row: &[Value]) -> String {
    let named = table.columns.iter().zip(row).filter(|(column, _)| table.key.contains(&column.name));
    let parts: Vec<_> = named
        .map(|(column, value)| match value {
            Value::Text(text) => format!("{} {text:?}", column.name),
            Value::Integer(number) => format!("{} {number}", column.name),
            Value::Null | Value::Bytes(_) => column.name.to_owned(),
        })
        .collect();
    parts.join(", ")
}

/// SHA-256 over the rows of a table in their order. Every value is told by its kind and length, so that no two
/// different tables have the same words.
pub(super) struct Fingerprint(Context);

impl Fingerprint {
    pub(super) fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    pub(super) fn add(&mut self, row: &[Value]) {
        for value in row {
            match value {
                Value::Null => self.0.update(b"n"),
                Value::Integer(number) => {
                    self.0.update(b"i");
                    self.0.update(&number.to_be_bytes());
                }
                Value::Text(text) => self.sized(b"t", text.as_bytes()),
                Value::Bytes(bytes) => self.sized(b"b", bytes),
            }
        }
    }

    fn sized(&mut self, kind: &[u8], bytes: &[u8]) {
        self.0.update(kind);
        self.0.update(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
        self.0.update(bytes);
    }

    /// In hexadecimal.
    pub(super) fn finish(self) -> String {
        use std::fmt::Write as _;
        let mut text = String::with_capacity(64);
        for byte in self.0.finish().as_ref() {
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(rows: &[Row]) -> String {
        let mut fingerprint = Fingerprint::new();
        rows.iter().for_each(|row| fingerprint.add(row));
        fingerprint.finish()
    }

    #[test]
    fn rows_that_read_alike_when_joined_have_different_fingerprints() {
        let text = |text: &str| Value::Text(text.to_owned());
        let all = [
            vec![vec![text("ab"), text("c")]],
            vec![vec![text("a"), text("bc")]],
            vec![vec![text("abc"), Value::Null]],
            vec![vec![Value::Bytes(b"ab".to_vec()), text("c")]],
            vec![vec![text("ab")], vec![text("c"), Value::Null]],
            vec![],
        ];
        let mut found: Vec<_> = all.iter().map(|rows| fingerprint(rows)).collect();
        found.sort();
        found.dedup();
        assert_eq!(found.len(), all.len());
    }

    #[test]
    fn attributes_are_compared_by_what_they_say() {
        let comparable = |text: &str| Value::Text(text.to_owned()).comparable(Holds::Texts);
        assert_eq!(
            comparable(r#"{"b": "2", "a":"\u0061"}"#).unwrap(),
            comparable(r#"{"a":"a","b":"2"}"#).unwrap()
        );
        assert_ne!(comparable(r#"{"a":"1"}"#).unwrap(), comparable(r#"{"a":"2"}"#).unwrap());
        for other in ["{", "[]", r#"{"a":1}"#, "null"] {
            assert!(comparable(other).is_err(), "{other}");
        }
        assert_eq!(
            Value::Text("{ }".into()).comparable(Holds::Text).unwrap(),
            Value::Text("{ }".into()),
            "other texts count to the byte"
        );
    }

    #[test]
    fn every_table_is_ordered_by_columns_of_its_own() {
        for table in &TABLES {
            assert!(!table.key.is_empty());
            for name in table.key {
                assert!(table.holds(name).is_some(), "{}.{name}", table.name);
            }
        }
    }
}
