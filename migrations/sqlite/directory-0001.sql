-- Every text is compared byte by byte (BINARY, SQLite's default): nothing is folded here.
CREATE TABLE configuration (
    kind TEXT NOT NULL,
    pool_id TEXT NOT NULL,
    id TEXT NOT NULL,
    document TEXT NOT NULL,
    sealed BLOB,
    version INTEGER NOT NULL,
    PRIMARY KEY (kind, pool_id, id)
) STRICT;
CREATE INDEX configuration_by_pool ON configuration (pool_id);

CREATE TABLE unique_names (
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    pool_id TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (scope, name),
    FOREIGN KEY (kind, pool_id, id) REFERENCES configuration (kind, pool_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX unique_names_by_record ON unique_names (kind, pool_id, id);

-- Times are milliseconds since 1970.
CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    pool_id TEXT NOT NULL,
    username TEXT NOT NULL,
    sub TEXT NOT NULL,
    attributes TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    status TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    modified_at INTEGER NOT NULL,
    signed_out_at INTEGER,
    UNIQUE (pool_id, username),
    UNIQUE (pool_id, sub)
) STRICT;

-- Who signs in as whom. The key is the pair (provider, subject), never a joined string.
CREATE TABLE identities (
    pool_id TEXT NOT NULL,
    provider TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    provider_type TEXT NOT NULL,
    issuer TEXT,
    is_primary INTEGER NOT NULL,
    date_created INTEGER NOT NULL,
    PRIMARY KEY (pool_id, provider, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX identities_by_user ON identities (user_id);

CREATE TABLE memberships (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    group_name TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (user_id, group_name)
) STRICT, WITHOUT ROWID;

-- Families of tokens that were revoked; a mark may go once every token of the family has expired.
CREATE TABLE revoked_families (
    pool_id TEXT NOT NULL,
    origin_jti TEXT NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (pool_id, origin_jti)
) STRICT, WITHOUT ROWID;
CREATE INDEX revoked_families_by_end ON revoked_families (until);
