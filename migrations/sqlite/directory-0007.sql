-- Refresh tokens that were replaced: the generation of the one of this family that is good now (the first is 0, and has
-- no row). replaced: when the ones before it were replaced, the last first, in milliseconds of thirteen digits with commas
-- between them, as many as are kept. jti: names the token of this generation, so that whoever writes it twice writes it
-- once. A row may go once every token of the family has expired.
CREATE TABLE rotations (
    pool_id TEXT NOT NULL,
    origin_jti TEXT NOT NULL,
    generation INTEGER NOT NULL,
    jti TEXT NOT NULL,
    replaced TEXT NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (pool_id, origin_jti)
) STRICT, WITHOUT ROWID;
CREATE INDEX rotations_by_end ON rotations (until);
