package image

import "fmt"

// Limits bound what an image may be, so that one that is made to do harm fills
// neither the disk nor the memory. Zero values stand for the defaults.
type Limits struct {
	Bytes   int64 // of all layers, unpacked; by default 16 GiB
	Entries int   // in all layers; by default 1,000,000
	Path    int   // the length of an entry's path, in bytes; by default 1024
	Layers  int   // by default 256
	Config  int64 // the size of the configuration; by default 4 MiB
}

func (l Limits) orDefaults() Limits {
	set := func(limit, byDefault int) int {
		if limit > 0 {
			return limit
		}
		return byDefault
	}
	return Limits{
		Bytes:   int64(set(int(l.Bytes), 16<<30)),
		Entries: set(l.Entries, 1_000_000),
		Path:    set(l.Path, 1024),
		Layers:  set(l.Layers, 256),
		Config:  int64(set(int(l.Config), 4<<20)),
	}
}

// A LimitError says which limit an image exceeds.
type LimitError struct {
	What string // of what there is too much
	Most int64
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("the image exceeds a limit: it has more than %d %s", e.Most, e.What)
}

// within returns a LimitError if there is more of something than is allowed.
func within(what string, n, most int64) error {
	if n > most {
		return &LimitError{what, most}
	}
	return nil
}
