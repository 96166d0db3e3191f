-- Sign-ins that ended at their provider: what was proved there before `at` holds no longer. mark: a session of
-- the person there, or, where it is the same as person, all of them. tokens: whether refresh tokens and the use
-- of access tokens ended too. A row may go once nothing that it ends can still live.
CREATE TABLE endings (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    mark TEXT NOT NULL,
    tokens INTEGER NOT NULL,
    person TEXT NOT NULL,
    at INTEGER NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (user_id, mark, tokens)
) STRICT, WITHOUT ROWID;
CREATE INDEX endings_by_end ON endings (until);
