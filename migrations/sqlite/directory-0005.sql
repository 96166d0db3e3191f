-- When each pool's configuration was last written, in the order of the writes: what other replicas must read anew.
-- The row of a pool that was deleted stays. A record's version is the generation of the write that made it so.
CREATE TABLE generations (
    pool_id TEXT PRIMARY KEY,
    generation INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX generations_by_number ON generations (generation);
INSERT INTO generations (pool_id, generation)
    SELECT DISTINCT pool_id, (SELECT max(version) + 1 FROM configuration) FROM configuration;

-- What may be used once, and nothing else guards: the answers of providers that nobody asked for.
CREATE TABLE used_once (
    mark TEXT PRIMARY KEY,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX used_once_by_end ON used_once (until);
