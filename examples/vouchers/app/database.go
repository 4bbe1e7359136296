package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	_ "modernc.org/sqlite"
)

// A database has the vouchers that were sold, and what became of those that were
// uploaded. Web service and workers open the same file.
type database struct{ *sql.DB }

// schema has a thousand vouchers, V-1 to V-1000: one in ten has expired.
const schema = `
CREATE TABLE IF NOT EXISTS vouchers (code TEXT PRIMARY KEY, balance INTEGER NOT NULL, expires TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS uploads (
	id TEXT PRIMARY KEY, code TEXT NOT NULL, status TEXT NOT NULL, balance INTEGER, waited REAL, worker TEXT, answered REAL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS uploads_answered ON uploads (answered, waited);
INSERT OR IGNORE INTO vouchers
	WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1000)
	SELECT 'V-' || n, n * 37 % 500, CASE WHEN n % 10 = 0 THEN '2020-12-31' ELSE '2099-12-31' END FROM n;`

// An upload is a voucher that somebody wants to know about.
type upload struct {
	ID      string   `json:"id"`
	Code    string   `json:"code"`
	Status  string   `json:"status"`            // pending, valid, expired or unknown
	Balance *int     `json:"balance,omitempty"` // in cents
	Waited  *float64 `json:"waited,omitempty"`  // seconds from the upload until a worker took it
	Worker  string   `json:"worker,omitempty"`
}

// pending is the status of what no worker has looked at.
const pending = "pending"

func openDatabase(file string) (database, error) {
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_txlock=immediate")
	if err != nil {
		return database{}, err
	}
	if _, err := db.Exec(schema); err != nil {
		db.Close()
		return database{}, fmt.Errorf("the database %s: %w", file, err)
	}
	return database{db}, nil
}

// take notes an upload before it goes to the queue.
func (db database) take(ctx context.Context, id, code string) error {
	_, err := db.ExecContext(ctx, `INSERT INTO uploads (id, code, status) VALUES (?, ?, ?)`, id, code, pending)
	return err
}

// find is the upload of an ID, if there is one.
func (db database) find(ctx context.Context, id string) (u upload, ok bool, err error) {
	var worker sql.NullString
	row := db.QueryRowContext(ctx, `SELECT id, code, status, balance, waited, worker FROM uploads WHERE id = ?`, id)
	err = row.Scan(&u.ID, &u.Code, &u.Status, &u.Balance, &u.Waited, &worker)
	if errors.Is(err, sql.ErrNoRows) {
		return upload{}, false, nil
	}
	u.Worker = worker.String
	return u, err == nil, err
}

// look finds out about a voucher on a day.
func (db database) look(ctx context.Context, code string, day time.Time) (status string, balance *int, err error) {
	var cents int
	var expires string
	err = db.QueryRowContext(ctx, `SELECT balance, expires FROM vouchers WHERE code = ?`, code).Scan(&cents, &expires)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return "unknown", nil, nil
	case err != nil:
		return "", nil, err
	case expires < day.Format(time.DateOnly):
		return "expired", nil, nil
	}
	return "valid", &cents, nil
}

// answer writes down what was found. A message can come twice: the first answer stays.
func (db database) answer(ctx context.Context, uploads []upload) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, u := range uploads {
		_, err := tx.ExecContext(ctx, `INSERT INTO uploads (id, code, status, balance, waited, worker, answered) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET status = excluded.status, balance = excluded.balance, waited = excluded.waited,
				worker = excluded.worker, answered = excluded.answered
			WHERE status = 'pending'`, u.ID, u.Code, u.Status, u.Balance, u.Waited, u.Worker, seconds(time.Now()))
		if err != nil {
			return err
		}
	}
	return tx.Commit()
}

// agreed is how long a voucher may wait, in seconds.
const agreed = 10

// waiting is how long vouchers waited, in seconds, that were answered in some time.
type waiting struct {
	Answered int     `json:"answered"`
	Within   int     `json:"within"` // of them, as long as agreed at most
	Average  float64 `json:"average"`
	Longest  float64 `json:"longest"`
}

func (db database) waiting(ctx context.Context, since time.Time) (w waiting, err error) {
	err = db.QueryRowContext(ctx, `SELECT count(*), coalesce(sum(waited <= ?), 0), coalesce(avg(waited), 0), coalesce(max(waited), 0)
		FROM uploads WHERE answered >= ?`, agreed, seconds(since)).Scan(&w.Answered, &w.Within, &w.Average, &w.Longest)
	return w, err
}

// seconds is a time as the database has it.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
