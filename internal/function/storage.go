package function

import (
	"cmp"
	"fmt"
	"time"
)

// defaultStorage is what an environment may keep in /tmp if nothing is said, in MiB.
const defaultStorage = 512

// A storage watches over what an environment keeps in /tmp. A file system of a size of its
// own would need the right to make one, and its memory would count as the function's; so
// an environment that has taken too much is ended.
type storage struct {
	next time.Time // when it is looked at again
}

// look says whether the environment keeps too much. To count takes a twentieth of the
// time at most.
func (s *storage) look(e *environment) *failure {
	begun := time.Now()
	if begun.Before(s.next) {
		return nil
	}
	limit := cmp.Or(e.fn.Storage, defaultStorage)
	kept := size(e.layout.own)
	s.next = time.Now().Add(20 * time.Since(begun))
	if kept <= int64(limit)<<20 {
		return nil
	}
	return &failure{kind: exitError, message: fmt.Sprintf("No space left on device: /tmp holds %d MB, more than the ephemeral storage of %d MB", kept>>20, limit)}
}
