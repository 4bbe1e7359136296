package disk

import "fmt"

// A Lack is why a disk takes no writes.
type Lack int

const (
	full Lack = iota
	quota
	readOnly
)

func (l Lack) String() string {
	switch l {
	case quota:
		return "the quota of the server's user is used up"
	case readOnly:
		return "the file system can only be read"
	}
	return "the disk is full"
}

// An Error tells that a call was refused because the disk takes no writes. Nothing of the
// call was kept.
type Error struct {
	Dir    string // the data folder
	Lack   Lack
	Needed int64 // bytes that have to be free before writes are taken
}

// Remedy tells those who have made no call what is lacking, and what to do.
func (e *Error) Remedy() string {
	switch e.Lack {
	case quota:
		return fmt.Sprintf("the quota of the server's user on the disk of %s is used up; delete files of that user, or have it raised by %s", e.Dir, e.needed())
	case readOnly:
		return fmt.Sprintf("the disk of %s can only be read; mount it for writing", e.Dir)
	}
	return fmt.Sprintf("the disk of %s is full; free at least %s there", e.Dir, e.needed())
}

func (e *Error) Error() string {
	switch e.Lack {
	case quota:
		return fmt.Sprintf("The quota of the server's user on the disk of %s is used up; nothing of this call was kept. Delete files of that user, or have the quota raised by %s, and call again: the server goes on and needs no restart.", e.Dir, e.needed())
	case readOnly:
		return fmt.Sprintf("The disk of %s can only be read; nothing of this call was kept. Mount it for writing and call again: the server goes on and needs no restart.", e.Dir)
	}
	return fmt.Sprintf("The disk of %s is full; nothing of this call was kept. Free at least %s there and call again: the server goes on and needs no restart.", e.Dir, e.needed())
}

// Waits tells of a call whose changes are made and wait to be written.
func (d *Disk) Waits() string {
	e := &Error{Dir: d.Dir, Needed: d.needed()}
	return fmt.Sprintf("The disk of %s is full: what this call asked for is in effect, but cannot be written, and is lost if the server is killed before it is. Free at least %s there: it is written by itself then. Look whether it is as you want it before you call again.", d.Dir, e.needed())
}

// needed is the room in whole units.
func (e *Error) needed() string {
	if e.Needed < 1<<20 {
		return fmt.Sprintf("%d KiB", (e.Needed+1<<10-1)>>10)
	}
	return fmt.Sprintf("%d MiB", (e.Needed+1<<20-1)>>20)
}
