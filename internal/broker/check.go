package broker

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"flyball/internal/damage"
	"flyball/internal/mark"
	"flyball/internal/queuelog"
)

// Check looks at all queues in a folder that no broker has open.
func Check(folder string) (r damage.Report, err error) {
	r = damage.Report{Store: "queues", Items: "records"}
	queues, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return r, err
	}
	path := filepath.Join(folder, mark.FileName)
	if lost, err := bookLost(folder); err != nil {
		return r, err
	} else if lost {
		r.Found = append(r.Found, mark.Lost(path))
	}
	book, damaged, err := mark.Read(path)
	if err != nil {
		return r, err
	}
	if damaged > 0 {
		r.Found = append(r.Found, mark.Finding(path, damaged))
	}
	for _, q := range queues {
		if !q.IsDir() {
			continue
		}
		of, before := filepath.Join(folder, q.Name()), len(r.Found)
		if err := queuelog.Check(queuelog.Options{Folder: of, Book: book, Name: q.Name()}, &r); err != nil {
			return r, err
		}
		checkCheckpoint(of, &r)
		damage.Below(q.Name(), r.Found[before:])
	}
	return r, nil
}

func checkCheckpoint(folder string, r *damage.Report) {
	if _, err := readCheckpoint(folder); err != nil {
		path := filepath.Join(folder, checkpointName)
		r.Found = append(r.Found, damage.Finding{File: path, Where: fmt.Sprintf("it cannot be read: %v", err), Repair: func(aside string) (string, error) {
			return "the queue's log is read from its beginning, and messages that were deleted may come back", os.Rename(path, filepath.Join(aside, checkpointName))
		}})
	}
}
