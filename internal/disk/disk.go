// Package disk is what all who write to the data folder share. It watches the room on the
// disk, so that a full one refuses what is new and stops nothing that runs, and it knows when
// nobody writes, which is when a backup begins.
//
//	d, err := disk.Open(disk.Options{Dir: dir, Log: log})
//	go d.Run(ctx)
//
//	if err := d.Check(); err != nil { // before anything of a call is kept
//		return err
//	}
//	for err := write(); d.Refuses(err) && d.Relieve(); { // what is kept already must be written
//		err = write()
//	}
//
// Whoever writes calls BeginWrite and EndWrite around it, and whoever makes a backup links the
// files in Still.
//
// Beside the data lies a file that holds nothing, the reserve. What was taken before the
// disk was full, and what loops note of tasks and alarms meanwhile, is written into the room
// that parts of it leave.
package disk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"flyball/internal/ownfile"
)

// ReserveName is the file that holds the reserve. It need not be copied.
const ReserveName = "reserve"

// The reserve is a share of the disk between two bounds. It is given up in pieces, the last
// ones by a start alone: a server that was killed on a full disk begins again.
const (
	reserveShare  = 32
	leastReserve  = 1 << 20
	mostReserve   = 16 << 20
	pieces        = 32
	piecesOfStart = 8
)

const (
	// lookEvery is how long a look at the free space is good for.
	lookEvery = 50 * time.Millisecond
	// returnEvery is how often a full disk is looked at, and how long no write must have
	// been refused before others are taken.
	returnEvery = 250 * time.Millisecond
	// fewInodes is how few files more may be made on a disk that counts as full.
	fewInodes = 8
)

// Options say which disk is watched, and how.
type Options struct {
	Dir       string // a folder on it
	NoReserve bool   // for what need not outlast the process
	Mirror    Mirror // of the files; nil keeps none
	Log       *slog.Logger
}

// A Disk is that of one folder. Its methods may be called from several goroutines. The nil
// Disk always has room.
type Disk struct {
	Options
	size int64 // of the whole reserve

	refusal atomic.Pointer[Error] // why writes are refused; nil: they are not
	began   time.Time
	looked  atomic.Int64  // since the beginning
	shut    chan struct{} // holds a token once writes are refused

	writing sync.RWMutex // held for reading by each write

	mu      sync.Mutex
	reserve *os.File // nil where none could be made
	kept    int64    // of the reserve
	since   time.Time
	failed  time.Time // when a write was refused last
}

// Open makes the reserve in a folder, as far as there is room. A start on a full disk has a
// part of it.
func Open(o Options) (*Disk, error) {
	d := &Disk{Options: o, began: time.Now(), shut: make(chan struct{}, 1)}
	d.looked.Store(-int64(lookEvery))
	now, err := spaceOf(d.Dir)
	if err != nil {
		return nil, fmt.Errorf("look at the disk of %s: %w", d.Dir, err)
	}
	d.size = min(max(now.total/reserveShare, leastReserve), mostReserve)
	if err := d.openReserve(); err != nil && !d.Refuses(err) {
		return nil, fmt.Errorf("make the reserve: %w", err)
	}
	if now.scarce(d.lowest()+d.missing()) || !d.restore() {
		d.refuse(full)
		for range piecesOfStart / 2 {
			d.relieve(0)
		}
	}
	return d, nil
}

// openReserve takes up what there is of the reserve.
func (d *Disk) openReserve() error {
	if d.NoReserve {
		return nil
	}
	f, err := ownfile.Open(filepath.Join(d.Dir, ReserveName), os.O_RDWR|os.O_CREATE)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	d.reserve, d.kept = f, info.Size()
	return nil
}

// missing is how much of the reserve is given up.
func (d *Disk) missing() int64 {
	if d.NoReserve {
		return 0
	}
	return max(d.size-d.kept, 0)
}

// lowest is the free space under which a disk counts as full.
func (d *Disk) lowest() int64 { return d.size / 2 }

// needed is the free space with which one takes writes again, whatever is left of the
// reserve.
func (d *Disk) needed() int64 { return d.size + d.lowest() }

// Check returns an error while nothing new may be written: an *Error, or the reason of the mirror.
func (d *Disk) Check() error {
	if d == nil {
		return nil
	}
	if err := d.checkRoom(); err != nil {
		return err
	}
	return d.mirrorsRoom()
}

// checkRoom is Check without the mirror. It looks at the disk now and then.
func (d *Disk) checkRoom() error {
	if e := d.refusal.Load(); e != nil {
		return e
	}
	now, last := int64(time.Since(d.began)), d.looked.Load()
	if now-last < int64(lookEvery) || !d.looked.CompareAndSwap(last, now) {
		return nil
	}
	if space, err := spaceOf(d.Dir); err == nil && space.scarce(d.lowest()) {
		d.refuse(full)
	}
	if e := d.refusal.Load(); e != nil {
		return e
	}
	return nil
}

// CheckFor is Check for a write of so many bytes, which is refused alone where there is not the
// room for it.
func (d *Disk) CheckFor(bytes int64) error {
	if err := d.Check(); err != nil || d == nil || bytes < d.size/pieces {
		return err // a piece of the reserve has room for it
	}
	// It is in the log of the state and, later on, in the state.
	needed := d.lowest() + 3*bytes
	if space, err := spaceOf(d.Dir); err == nil && space.free < needed {
		return &Error{Dir: d.Dir, Lack: full, Needed: needed}
	}
	return nil
}

// Refuses tells whether a write failed because the disk takes no more. Then nothing new is
// taken until it does.
func (d *Disk) Refuses(err error) bool { return d.refused(err) != nil }

// refused is why a write failed, if the disk takes no more.
func (d *Disk) refused(err error) *Error {
	lack, ok := lackOf(err)
	if d == nil || !ok {
		return nil
	}
	d.mu.Lock()
	d.failed = time.Now()
	d.mu.Unlock()
	return d.refuse(lack)
}

// Explain is the error of a write as callers are told of it: an *Error where the disk takes
// no more, else as it is.
func (d *Disk) Explain(err error) error {
	if _, is := errors.AsType[*Error](err); is {
		return err
	}
	if why := d.refused(err); why != nil {
		return fmt.Errorf("%w (%v)", why, err)
	}
	return err
}

// Relieve gives up a part of the reserve for a write that has to be made, and reports
// whether there was one.
func (d *Disk) Relieve() bool {
	if d == nil {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.relieve(d.size * piecesOfStart / pieces)
}

// relieve gives up a piece down to a rest, under the lock.
func (d *Disk) relieve(rest int64) bool {
	if d.reserve == nil || d.kept <= rest {
		return false
	}
	to := max(d.kept-d.size/pieces, rest)
	if err := d.reserve.Truncate(to); err != nil {
		return false
	}
	d.kept = to
	return true
}

// Probe finds out by a write whether the disk takes any, for those whose own error does not
// say why it failed.
func (d *Disk) Probe() error {
	if d == nil {
		return nil
	}
	f, err := os.CreateTemp(d.Dir, ReserveName+"-probe-")
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, d.size/pieces))
	return errors.Join(err, f.Close(), os.Remove(f.Name()))
}

// refuse has nothing new be written, and returns why that is so.
func (d *Disk) refuse(lack Lack) *Error {
	e := &Error{Dir: d.Dir, Lack: lack, Needed: d.needed()}
	if !d.refusal.CompareAndSwap(nil, e) {
		return e
	}
	d.mu.Lock()
	d.since = time.Now()
	d.mu.Unlock()
	d.Log.Warn("the disk takes no writes: calls that change something are refused until it does; what runs goes on",
		"folder", d.Dir, "reason", lack.String(), "free-at-least", e.needed())
	select {
	case d.shut <- struct{}{}:
	default:
	}
	return e
}

// Run looks for room while writes are refused, until ctx ends.
func (d *Disk) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.shut:
		}
		for d.refusal.Load() != nil {
			select {
			case <-ctx.Done():
				return
			case <-time.After(returnEvery):
				d.recover()
			}
		}
	}
}

// recover takes writes again once the reserve is whole and there is room beside it.
func (d *Disk) recover() {
	d.mu.Lock()
	defer d.mu.Unlock()
	space, err := spaceOf(d.Dir)
	if err != nil || time.Since(d.failed) < returnEvery || space.scarce(d.lowest()+d.missing()) || !d.restore() {
		return
	}
	d.refusal.Store(nil)
	d.Log.Info("the disk takes writes again", "folder", d.Dir, "after", time.Since(d.since).Round(time.Millisecond))
}

// restore makes the reserve whole, and reports whether it is. A disk that can only be read
// is found out by the write.
func (d *Disk) restore() bool {
	if d.NoReserve {
		return d.Probe() == nil
	}
	if d.reserve == nil && d.openReserve() != nil {
		return false
	}
	if d.kept > d.size && d.reserve.Truncate(d.size) == nil {
		d.kept = d.size
	}
	if d.kept < d.size {
		if err := allocate(d.reserve, d.kept, d.size); err != nil {
			_ = d.reserve.Truncate(d.kept) // what it got of the rest is room for others
			return false
		}
		d.kept = d.size
	}
	_, err := d.reserve.WriteAt([]byte{0}, 0)
	return err == nil
}

// Close leaves the reserve where it is.
func (d *Disk) Close() error {
	if d == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.reserve == nil {
		return nil
	}
	err := d.reserve.Close()
	d.reserve = nil
	return err
}

// fill writes zeros where a file system cannot allocate.
func fill(f *os.File, from, to int64) error {
	zeros := make([]byte, 64<<10)
	for from < to {
		n := min(to-from, int64(len(zeros)))
		if _, err := f.WriteAt(zeros[:n], from); err != nil {
			return err
		}
		from += n
	}
	return nil
}

// A space is what a disk has.
type space struct {
	total, free int64
	inodes      int64 // files that may be made; negative: as many as there is room for
}

// scarce tells whether there is less than some room.
func (s space) scarce(least int64) bool {
	return s.free < least || s.inodes >= 0 && s.inodes < fewInodes
}

// Lacks tells whether an error means that a disk takes no writes.
func Lacks(err error) bool {
	_, lacks := lackOf(err)
	return lacks
}

// Fills tells whether an error means that a disk, or what a user may have of it, is used up.
func Fills(err error) bool {
	lack, lacks := lackOf(err)
	return lacks && lack != readOnly
}

// lackOf tells why an error means that a disk takes no writes.
func lackOf(err error) (Lack, bool) {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return full, true
	case errors.Is(err, syscall.EDQUOT):
		return quota, true
	case errors.Is(err, syscall.EROFS):
		return readOnly, true
	}
	return 0, false
}
