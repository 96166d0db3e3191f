-- id: rises with time, so that what is written, changed and removed together lies together. key: kind, a
-- colon, name; no two rows have the same. until: nanoseconds since 1970.
CREATE TABLE entries (
    id INTEGER PRIMARY KEY,
    key BLOB NOT NULL,
    until INTEGER NOT NULL,
    value BLOB NOT NULL
) STRICT;
