package ecr

import (
	"sync"
	"time"

	"flyball/internal/registry"
	"flyball/internal/state"
)

// A usage counts which layers and images are needed by images of their repository. It
// follows from the rows, and spares going through them.
type usage struct {
	mu    sync.Mutex
	needs map[string]int          // how often images name a layer or an image, by its key
	names map[registry.Digest]int // how many images and layers have some content
	idle  map[string]time.Time    // layers that no image names, by when somebody last counted on them, in real time
}

// load counts what the rows say.
func (s *service) load() {
	s.usage = usage{needs: map[string]int{}, names: map[registry.Digest]int{}, idle: map[string]time.Time{}}
	for _, k := range s.layers.Keys("") {
		s.usage.arrive(k)
	}
	for _, k := range s.images.Keys("") {
		row, _ := s.images.Get(k)
		s.usage.count(repositoryOf(k), row, 1)
	}
}

// arrive notes a layer that no image names yet.
func (u *usage) arrive(key string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.name(digestOf(key), 1)
	if u.needs[key] == 0 {
		u.idle[key] = time.Now()
	}
}

// leave notes that a layer is gone.
func (u *usage) leave(key string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.idle, key)
	u.name(digestOf(key), -1)
}

// counted notes that somebody counts on a layer: an image that needs it may be about to
// come.
func (u *usage) counted(key string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, idle := u.idle[key]; idle {
		u.idle[key] = time.Now()
	}
}

// needed tells whether an image names a layer or an image.
func (u *usage) needed(key string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.needs[key] > 0
}

// named tells whether an image or a layer has some content.
func (u *usage) named(d registry.Digest) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.names[d] > 0
}

// since are the layers that no image names and nobody has counted on since a time.
func (u *usage) since(t time.Time) (keys []string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for key, last := range u.idle {
		if last.Before(t) {
			keys = append(keys, key)
		}
	}
	return keys
}

// count adds an image that has come, or takes one away that has gone.
func (u *usage) count(repository string, row image, by int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.name(row.Digest, by)
	for _, d := range row.Layers {
		k := key(repository, d)
		if u.need(k, by); u.needs[k] == 0 {
			u.idle[k] = time.Now()
		} else {
			delete(u.idle, k)
		}
	}
	for _, d := range row.Children {
		u.need(key(repository, d), by)
	}
}

// name is under the lock.
func (u *usage) name(d registry.Digest, by int) {
	if u.names[d] += by; u.names[d] == 0 {
		delete(u.names, d)
	}
}

// need is under the lock.
func (u *usage) need(key string, by int) {
	if u.needs[key] += by; u.needs[key] == 0 {
		delete(u.needs, key)
	}
}

// putImage adds an image.
func (s *service) putImage(tx *state.Tx, repository string, row image) {
	s.images.Put(tx, key(repository, row.Digest), row)
	s.usage.count(repository, row, 1)
	tx.Undo(func() { s.usage.count(repository, row, -1) })
}

// deleteImage removes an image.
func (s *service) deleteImage(tx *state.Tx, repository string, row image) {
	s.images.Delete(tx, key(repository, row.Digest))
	s.usage.count(repository, row, -1)
	tx.Undo(func() { s.usage.count(repository, row, 1) })
}

// putLayer adds a layer, unless it is there.
func (s *service) putLayer(tx *state.Tx, repository string, d registry.Digest, size int64) {
	k := key(repository, d)
	s.usage.counted(k)
	if _, have := s.layers.Get(k); have {
		return
	}
	s.layers.Put(tx, k, layer{size, time.Now()})
	s.usage.arrive(k)
	tx.Undo(func() { s.usage.leave(k) })
}

// deleteLayer removes a layer.
func (s *service) deleteLayer(tx *state.Tx, key string) {
	s.layers.Delete(tx, key)
	s.usage.leave(key)
	tx.Undo(func() { s.usage.arrive(key) })
}
