package mirror

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"flyball/internal/store"
)

// A generation is one content of a file in the store, of which one is current.
type generation uint32

// next is the generation of a file that is put anew: what fits into one write takes the place of all others.
func (g generation) next(size int64) generation {
	if size <= mostAtOnce {
		return 0
	}
	return g + 1
}

// later begins the keys of chunks of later generations behind the file's name; those of the first have digits there.
const later = "~"

// prefix begins the keys of a generation's chunks.
func (g generation) prefix(name string) string {
	if g == 0 {
		return name + "\x00"
	}
	return fmt.Sprintf("%s\x00%s%08x/", name, later, uint32(g))
}

// chunk is the key of the chunk that begins at an offset.
func (g generation) chunk(name string, at int64) string {
	return fmt.Sprintf("%s%016x", g.prefix(name), at)
}

// chunks are the keys of a generation's chunks.
func (g generation) chunks(name string) store.Range {
	r := store.Prefix(g.prefix(name))
	if g == 0 {
		r.To = name + "\x00" + later
	}
	return r
}

// replace makes the generation the current one, and deletes the others.
func (g generation) replace(b *store.Batch, name string) {
	all, own := store.Prefix(name+"\x00"), g.chunks(name)
	b.DeleteRange(kind, store.Range{From: all.From, To: own.From}).DeleteRange(kind, store.Range{From: own.To, To: all.To})
	b.Put(kindCurrent, name, strconv.AppendUint(nil, uint64(g), 10))
}

// parseKey is the file and the generation of a chunk, and where in it the chunk begins.
func parseKey(key string) (name string, g generation, at int64, err error) {
	name, offset, _ := strings.Cut(key, "\x00")
	if number, rest, ok := strings.Cut(offset, "/"); ok {
		n, failed := strconv.ParseUint(strings.TrimPrefix(number, later), 16, 32)
		g, offset, err = generation(n), rest, failed
	}
	if err == nil {
		at, err = strconv.ParseInt(offset, 16, 64)
	}
	if err != nil || !filepath.IsLocal(filepath.FromSlash(name)) {
		return "", 0, 0, fmt.Errorf("%q is not the name of a part of a file", key)
	}
	return name, g, at, nil
}
