-- Sessions at providers, by the digest of the name that the provider gives them: whom a sign-out ends that names
-- nothing but the session. Of one session there is one subject, unless the provider's names are not its own. A row
-- may go once nothing that was issued in the session can still live.
CREATE TABLE provider_sessions (
    pool_id TEXT NOT NULL,
    provider TEXT NOT NULL,
    digest TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    until INTEGER NOT NULL,
    PRIMARY KEY (pool_id, provider, digest, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX provider_sessions_by_user ON provider_sessions (user_id);
CREATE INDEX provider_sessions_by_end ON provider_sessions (until);
