-- What a replica tells the others with each beat beside that, for metrics: how often a write of it was refused, since another
-- one had the lease, and how many seconds it has waited for the answers to its beats.
ALTER TABLE flyball.replica
	ADD COLUMN refused bigint NOT NULL DEFAULT 0,
	ADD COLUMN waited  double precision NOT NULL DEFAULT 0;
