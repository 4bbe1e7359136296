-- What a replica tells the others with each beat, for metrics: how often it has beaten, and how many calls it has
-- handed on. Half of each page is left for the rows of a second later.
ALTER TABLE flyball.replica
	ADD COLUMN beats     bigint NOT NULL DEFAULT 0,
	ADD COLUMN forwarded bigint NOT NULL DEFAULT 0,
	SET (fillfactor = 50);
