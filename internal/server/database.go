package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"

	"flyball/internal/datafolder"
	"flyball/internal/disk"
	"flyball/internal/lease"
	"flyball/internal/mirror"
	"flyball/internal/postgres"
	"flyball/internal/store"
)

// A database is a store with what a server wants of it beside documents.
type database interface {
	store.Store
	Kinds() ([]string, error)
	Written() store.Written
	GiveUp()
	Room() error // nil, or why the database has none
	// Doubt is what was found that keeps nobody from going on, and Sound what does.
	Doubt() error
	Sound() error
}

// A tenancy is what a replica lends to the server that it opens while it has the lease.
type tenancy struct {
	folder   folder
	listener net.Listener
	db       *postgres.DB
	fence    lease.Fence
	held     func() bool // whether the lease is certainly the replica's at this moment
	peers    func(context.Context) ([]lease.Peer, error)
}

// lent tells whether a listener is the replica's. The nil tenancy has lent none.
func (t *tenancy) lent(l net.Listener) bool { return t != nil && l == t.listener }

// openStore opens the data folder, its disk, and the store. When the start is over opened is called.
func (s *Server) openStore(ctx context.Context) (opened func(), err error) {
	if s.tenancy != nil {
		return s.openShared(ctx)
	}
	opened = func() {}
	if s.dir, err = openFolder(s.cfg.Data); err != nil {
		return opened, err
	}
	s.closeFolder()
	if s.disk, err = disk.Open(disk.Options{Dir: s.dir.path, NoReserve: s.dir.temp, Log: s.cfg.Log}); err != nil {
		return opened, err
	}
	// An interface that has a nil pointer is not nil.
	sqlite, err := store.OpenSQLiteOn(s.disk, s.dir.database())
	if err == nil {
		s.store = sqlite
	}
	return opened, err
}

// openShared opens the store that replicas share, reads ahead what the start asks for, and brings the folder to what
// the store has of its files.
func (s *Server) openShared(ctx context.Context) (opened func(), err error) {
	s.dir = s.tenancy.folder
	shared := store.OpenPostgres(s.tenancy.db, s.tenancy.fence, s.cfg.Log)
	s.store = shared
	defer context.AfterFunc(ctx, shared.GiveUp)()
	for _, name := range mirrored {
		if err := os.RemoveAll(filepath.Join(s.dir.path, name)); err != nil {
			return nil, fmt.Errorf("remove what an earlier life of this replica has left: %w", err)
		}
	}
	if opened, err = shared.ReadAhead(ctx, mirror.Kind); err != nil {
		return nil, err
	}
	files := mirror.New(shared, s.dir.path)
	if err := files.Restore(); err != nil {
		return nil, err
	}
	s.disk, err = disk.Open(disk.Options{Dir: s.dir.path, Mirror: files, Log: s.cfg.Log})
	return opened, err
}

// mirrored are the folders whose files are in the database, too. Those of tasks and of functions'
// environments are this machine's.
var mirrored = []string{datafolder.Queues, datafolder.Deliveries, datafolder.Logs, datafolder.Functions, datafolder.Registry}

// openReplicaFolder makes and locks the folder of a replica.
func openReplicaFolder(path string) (f folder, err error) {
	f.replica = true
	if path == "" {
		return f, errors.New("--store needs --data, a folder of this replica's own for files that it works with; what they hold is in the database, too")
	}
	if f.path, err = filepath.Abs(path); err == nil {
		err = makeFolder(f.path)
	}
	if errors.As(err, new(ConfigError)) {
		return f, err
	} else if err != nil {
		return f, fmt.Errorf("make the folder of the replica: %w", err)
	}
	if f.lock, err = awaitFolder(f.path); err != nil {
		return f, err
	}
	if _, err = os.Stat(datafolder.Database(f.path)); !errors.Is(err, fs.ErrNotExist) {
		f.release()
		return f, fmt.Errorf("%s is the data folder of a server with a state of its own; give the replica another one with --data", f.path)
	}
	return f, nil
}

// closeFolder closes the data folder to other users.
func (s *Server) closeFolder() {
	if err := closeToOthers(s.dir.path); err != nil {
		s.cfg.Log.Warn("other users of this machine may read what the server keeps, with its secrets; give --data a folder of your own", "reason", err)
	}
}
