// Package damage says how stores tell that a file does not hold any more what was written
// to it, and what a check of a store has found.
package damage

import (
	"fmt"
	"os"
	"path/filepath"
)

// An Error tells that a file does not hold any more what was written to it.
type Error struct {
	File   string
	Where  string // the place in it, and what is wrong there
	Remedy string // what to do next; empty: Restore
}

// Error implements error.
func (e *Error) Error() string {
	remedy := e.Remedy
	if remedy == "" {
		remedy = Restore
	}
	return fmt.Sprintf("%s is damaged: %s; %s", e.File, e.Where, remedy)
}

// Restore is what helps against most damage.
const Restore = "stop the server and restore a backup with flyball restore, or have what is damaged moved aside and go on without it: flyball check DIR --repair"

// A Report is what a check of one store has found.
type Report struct {
	Store string // such as "queues"
	Items string // what was counted, such as "messages"
	Sound int
	Found []Finding
}

// A Finding is one damaged place.
type Finding struct {
	File  string
	Where string // the place in it, and what is wrong there
	// Repair moves what is damaged into a folder that is there, and keeps the rest. It is
	// told in words what that has come to. Without it there is nothing to be done: what
	// is damaged is made anew by itself.
	Repair func(aside string) (outcome string, err error)
}

// Below has what findings move aside be in a folder of its own below the one that is given.
func Below(name string, found []Finding) {
	for i := range found {
		repair := found[i].Repair
		if repair == nil {
			continue
		}
		found[i].Repair = func(aside string) (string, error) {
			aside = filepath.Join(aside, name)
			if err := os.MkdirAll(aside, 0o700); err != nil {
				return "", err
			}
			return repair(aside)
		}
	}
}
