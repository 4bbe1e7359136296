CREATE SCHEMA IF NOT EXISTS flyball;

-- One row: the version of all that follows.
CREATE TABLE flyball.schema (version int NOT NULL);
INSERT INTO flyball.schema VALUES (0);

-- What the server knows. The key begins with the account and the region; it is any bytes.
CREATE TABLE flyball.document (
	kind  text COLLATE "C" NOT NULL,
	key   bytea NOT NULL,
	value bytea NOT NULL,
	sum   bigint NOT NULL, -- CRC-32C of kind, key and value
	PRIMARY KEY (kind, key)
);
ALTER TABLE flyball.document ALTER COLUMN value SET STORAGE EXTERNAL; -- most is small, or packed already

-- The replicas that are alive. One whose row is gone has been declared dead, and has no lease.
CREATE TABLE flyball.replica (
	id      uuid PRIMARY KEY,
	address text NOT NULL,        -- where other replicas reach it
	release text NOT NULL,
	seen    timestamptz NOT NULL  -- its last beat
);

-- Who writes. The epoch grows with each new holder, and each write checks it.
CREATE TABLE flyball.lease (
	scope  text COLLATE "C" PRIMARY KEY,
	epoch  bigint NOT NULL,
	holder uuid,                  -- null: given back
	since  timestamptz NOT NULL
);

-- What replicas know one another by.
CREATE TABLE flyball.secret (
	name  text PRIMARY KEY,
	value bytea NOT NULL
);

-- fence ends the transaction of a writer whose lease is another's now, and otherwise keeps it from
-- becoming another's before the transaction has ended.
CREATE FUNCTION flyball.fence(s text, e bigint, h uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM 1 FROM flyball.lease WHERE scope = s AND epoch = e AND holder = h FOR SHARE;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'epoch % of lease % is over', e, s USING ERRCODE = 'FB001';
	END IF;
END $$;
