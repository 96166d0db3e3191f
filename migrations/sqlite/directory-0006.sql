-- Who is in which group. provider: the provider whose mapping of cognito:groups said so last; NULL: an administrator
-- did, or it is the group of a provider that signs the user in. pool_id: the user's, for lists of a group's members.
CREATE TABLE memberships_6 (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    group_name TEXT NOT NULL,
    position INTEGER NOT NULL,
    pool_id TEXT NOT NULL,
    provider TEXT,
    PRIMARY KEY (user_id, group_name)
) STRICT, WITHOUT ROWID;
INSERT INTO memberships_6 (user_id, group_name, position, pool_id)
    SELECT m.user_id, m.group_name, m.position, u.pool_id FROM memberships m JOIN users u ON u.id = m.user_id;
DROP TABLE memberships;
ALTER TABLE memberships_6 RENAME TO memberships;
CREATE INDEX memberships_by_group ON memberships (pool_id, group_name, user_id);
CREATE INDEX memberships_mapped ON memberships (pool_id, provider) WHERE provider IS NOT NULL;
