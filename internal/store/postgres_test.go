package store_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"flyball/internal/lease"
	"flyball/internal/postgres"
	"flyball/internal/postgres/postgrestest"
	"flyball/internal/store"
)

func TestMain(m *testing.M) { postgrestest.Main(m) }

// database connects a replica with a new id to a database.
func database(t testing.TB, url string) (*postgres.DB, string) {
	t.Helper()
	id := lease.NewID()
	db, err := postgres.Open(t.Context(), url, id)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db, id
}

// grant gives a replica the lease, as if it had beaten at this moment.
func grant(t testing.TB, db *postgres.DB, id string) (f lease.Fence) {
	t.Helper()
	f = lease.Fence{Scope: "server", Holder: id}
	if _, err := db.Exec(t.Context(), `INSERT INTO flyball.replica VALUES ($1, '', '', clock_timestamp())`, id); err != nil {
		t.Fatal(err)
	}
	err := db.QueryRow(t.Context(), `INSERT INTO flyball.lease VALUES ($1, 1, $2, clock_timestamp())
		ON CONFLICT (scope) DO UPDATE SET epoch = lease.epoch + 1, holder = excluded.holder RETURNING epoch`, f.Scope, id).Scan(&f.Epoch)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// openPostgres opens a store on a database, as a replica that has the lease.
func openPostgres(t testing.TB, url string) *store.Postgres {
	t.Helper()
	db, id := database(t, url)
	st := store.OpenPostgres(db, grant(t, db, id), slog.New(slog.DiscardHandler))
	t.Cleanup(func() { st.Close() })
	return st
}

func TestAWriterWhoseLeaseIsOverIsRefused(t *testing.T) {
	url := postgrestest.Database(t)
	before := openPostgres(t, url)
	write(t, before, new(store.Batch).Put("a", "k", []byte("before")))
	after := openPostgres(t, url)
	err := before.Write(new(store.Batch).Put("a", "k", []byte("late")).Put("a", "other", nil)).Wait()
	if !errors.Is(err, store.ErrFenced) {
		t.Errorf("a late write: %v", err)
	}
	if err := <-before.Failed(); !errors.Is(err, store.ErrFenced) {
		t.Errorf("the store failed for the reason %v", err)
	}
	if got := fmt.Sprint(scan(t, after, "a", store.Range{})); got != "[k=before]" {
		t.Errorf("%s is there", got)
	}
	write(t, after, new(store.Batch).Put("a", "k", []byte("after")))
}

// A write that has passed the fence is there before the lease is another's.
func TestALeaseWaitsForTheWriteThatIsUnderWay(t *testing.T) {
	url := postgrestest.Database(t)
	db, id := database(t, url)
	fence := grant(t, db, id)
	var moved chan int64
	err := db.Tx(t.Context(), func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), `SELECT flyball.fence($1, $2, $3)`, fence.Scope, fence.Epoch, fence.Holder); err != nil {
			return err
		}
		other, otherID := database(t, url)
		moved = make(chan int64)
		go func() { moved <- grant(t, other, otherID).Epoch }()
		deadline := time.Now().Add(time.Minute)
		for waiting := false; !waiting; { // until the other one waits for the lock
			if time.Now().After(deadline) {
				return errors.New("after a minute nobody waits for the lease's lock")
			}
			const query = `SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted AND a.datname = current_database())`
			if err := db.QueryRow(t.Context(), query).Scan(&waiting); err != nil {
				return err
			}
		}
		select {
		case <-moved:
			return errors.New("the lease moved during a write")
		default:
		}
		_, err := tx.Exec(t.Context(), `INSERT INTO flyball.document VALUES ('a', 'k', '', 0)`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if epoch := <-moved; epoch != fence.Epoch+1 {
		t.Errorf("epoch %d comes after %d", epoch, fence.Epoch)
	}
}

// What is written while PostgreSQL is down is there when it is back.
func TestWritesAndReadsOutlastARestartOfTheDatabase(t *testing.T) {
	cluster := postgrestest.Shared(t)
	for _, mode := range []string{"fast", "immediate"} {
		st := openPostgres(t, postgrestest.Database(t))
		write(t, st, new(store.Batch).Put("a", "k", []byte("v")))
		if err := cluster.Stop(t.Context(), mode); err != nil {
			t.Fatal(err)
		}
		down := make([]store.Commit, 100)
		for i := range down {
			down[i] = st.Write(new(store.Batch).Put("a", fmt.Sprint(i), nil).Put("a", "k", fmt.Append(nil, i)))
			st.Flush()
		}
		read := make(chan string)
		go func() {
			got, err := st.Get("a", "k")
			read <- fmt.Sprintf("%s %v", got, err)
		}()
		select {
		case <-down[0].Done():
			t.Fatal("a write is acknowledged while the database is down")
		case <-time.After(200 * time.Millisecond):
		}
		if err := cluster.StartAgain(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, commit := range down {
			if err := commit.Wait(); err != nil {
				t.Fatal(err)
			}
		}
		got, failed, _ := strings.Cut(<-read, " ") // what was there before, or after any group of the writes
		if n, err := strconv.Atoi(got); failed != "<nil>" || got != "v" && (err != nil || n >= len(down)) {
			t.Errorf("a read that had to wait got %s, %s", got, failed)
		}
		if got := scan(t, st, "a", store.Range{}); len(got) != 101 {
			t.Errorf("after %s, %d of 101 documents are there", mode, len(got))
		}
	}
}

// A database that has no room is told apart from one that is not there, and has what waited once there is room.
func TestWritesWaitForRoomInTheDatabase(t *testing.T) {
	url := postgrestest.Database(t)
	st := openPostgres(t, url)
	write(t, st, new(store.Batch).Put("a", "k", []byte("before")))
	makeRoom := postgrestest.Fill(t, url)
	waiting := st.Write(new(store.Batch).Put("a", "k", []byte("after")))
	st.Flush()
	select {
	case <-st.Stalled():
	case <-time.After(time.Minute):
		t.Fatalf("a minute after the disk is full the store says of itself %+v", st.Written())
	}
	if err := st.Room(); !errors.As(err, new(*store.RoomError)) || !st.Written().Stalled {
		t.Errorf("it says %v, and of itself %+v", err, st.Written())
	}
	select {
	case <-waiting.Done():
		t.Fatal("a write that has no room is acknowledged")
	default:
	}
	if got, err := st.Get("a", "k"); err != nil || string(got) != "before" {
		t.Errorf("a read meanwhile: %s, %v", got, err)
	}
	makeRoom()
	if err := waiting.Wait(); err != nil {
		t.Fatal(err)
	}
	write(t, st, new(store.Batch).Put("a", "other", nil)) // behind which it has told that there is room
	if err := st.Room(); err != nil {
		t.Errorf("there is room, and it says %v", err)
	}
	select {
	case <-st.Stalled():
		t.Error("nobody waits for writes any more")
	default:
	}
}

func TestADamagedDocumentIsToldOf(t *testing.T) {
	url := postgrestest.Database(t)
	st := openPostgres(t, url)
	write(t, st, new(store.Batch).Put("a", "k", []byte("v")))
	db, _ := database(t, url)
	if _, err := db.Exec(t.Context(), `UPDATE flyball.document SET value = 'w'`); err != nil {
		t.Fatal(err)
	}
	if _, err := st.Get("a", "k"); err == nil {
		t.Error("it is read")
	}
}

func BenchmarkPostgresWriteAndWait(b *testing.B) {
	st := openPostgres(b, postgrestest.Database(b))
	value := make([]byte, 500)
	for i := 0; b.Loop(); i++ {
		commit := st.Write(new(store.Batch).Put("a", fmt.Sprint(i%1000), value))
		st.Flush()
		if err := commit.Wait(); err != nil {
			b.Fatal(err)
		}
	}
}
