-- Links that wait for their first sign-in: whoever a provider signs in for the first time with this one value of this
-- attribute of the pool is the user. One is used up by that sign-in, which makes the identity it waited for.
CREATE TABLE waiting_links (
    pool_id TEXT NOT NULL,
    provider TEXT NOT NULL,
    attribute TEXT NOT NULL,
    value TEXT NOT NULL,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    provider_type TEXT NOT NULL,
    issuer TEXT,
    date_created INTEGER NOT NULL,
    PRIMARY KEY (pool_id, provider, attribute, value)
) STRICT, WITHOUT ROWID;
CREATE INDEX waiting_links_by_user ON waiting_links (user_id);
