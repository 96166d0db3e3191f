-- Who is in which group. provider: the provider whose mapping of cognito:groups said so last; NULL: an administrator
-- did, or it is the group of a provider that signs the user in. pool_id: the user's, for lists of a group's members.
ALTER TABLE memberships ADD COLUMN pool_id text COLLATE "C", ADD COLUMN provider text COLLATE "C";
UPDATE memberships m SET pool_id = u.pool_id FROM users u WHERE u.id = m.user_id;
ALTER TABLE memberships ALTER COLUMN pool_id SET NOT NULL;
CREATE INDEX memberships_by_group ON memberships (pool_id, group_name, user_id);
CREATE INDEX memberships_mapped ON memberships (pool_id, provider) WHERE provider IS NOT NULL;
