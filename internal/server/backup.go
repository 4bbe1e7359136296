package server

import (
	"net/http"

	"flyball/internal/datafolder"
	"flyball/internal/store"
)

// serveBackup sends a backup of the data folder. One that cannot be finished is broken off:
// who takes it misses its end.
func (s *Server) serveBackup(w http.ResponseWriter, r *http.Request) {
	live, ok := s.store.(*store.SQLite)
	if !ok {
		http.Error(w, "The server's state is in PostgreSQL, whose own backups have all of it: pg_dump, pg_basebackup, or an archive of its log.", http.StatusBadRequest)
		return
	}
	if s.dir.temp {
		http.Error(w, "The server keeps nothing, so there is nothing to make a backup of: start it with a data folder.", http.StatusBadRequest)
		return
	}
	if err := s.state.Settle(r.Context()); err != nil {
		writeError(w, err)
		return
	}
	for _, v := range s.cells.all() {
		if err := v.datapoints.Flush(); err != nil {
			writeError(w, err)
			return
		}
	}
	w.Header().Set("Content-Type", "application/x-tar")
	answer := &begun{ResponseWriter: w}
	made, err := datafolder.Backup(r.Context(), s.dir.path, &datafolder.Live{State: live, Disk: s.disk}, answer)
	if err != nil {
		s.cfg.Log.Error("a backup could not be made", "error", err)
		if answer.sent {
			panic(http.ErrAbortHandler)
		}
		writeError(w, s.disk.Explain(err))
		return
	}
	s.cfg.Log.Info("a backup was made", "writers_waited", made.Waited)
	if made.Unchecked != nil {
		s.cfg.Log.Error("a backup was made, but not whether it is whole", "error", made.Unchecked)
	}
	for _, place := range made.Damaged {
		s.cfg.Log.Error("a backup has what is damaged in the data folder, so it cannot be restored; stop the server, and have that moved aside: flyball check DIR --repair",
			"folder", s.dir.path, "damaged", place)
	}
}

// A begun answer tells whether something of it was sent.
type begun struct {
	http.ResponseWriter
	sent bool
}

func (b *begun) Write(p []byte) (int, error) {
	b.sent = true
	return b.ResponseWriter.Write(p)
}
