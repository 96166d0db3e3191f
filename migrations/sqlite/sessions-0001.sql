-- key: kind, a colon, name. until: milliseconds since 1970.
CREATE TABLE entries (
    key BLOB NOT NULL PRIMARY KEY,
    until INTEGER NOT NULL,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX entries_by_end ON entries (until);
