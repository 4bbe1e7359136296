package pattern

// An Index finds the patterns that an event matches among many. The zero Index is empty and ready
// to use. Match may be called by several goroutines at once, but not while Set or Delete is.
type Index[K comparable] struct {
	patterns map[K]*Pattern
}

// Set gives a key its pattern.
func (x *Index[K]) Set(key K, p *Pattern) {
	if x.patterns == nil {
		x.patterns = map[K]*Pattern{}
	}
	x.patterns[key] = p
}

// Delete takes a key and its pattern out.
func (x *Index[K]) Delete(key K) { delete(x.patterns, key) }

// Match returns the keys whose patterns want an event.
func (x *Index[K]) Match(e *Event) []K {
	var found []K
	for key, p := range x.patterns {
		if p.matches(e) {
			found = append(found, key)
		}
	}
	return found
}
