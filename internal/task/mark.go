package task

// A Mark is a place in a log whose lines have times, behind the nth of those of one time. Whoever keeps such logs can begin at a
// time, and not at a line.
type Mark struct {
	At int64 // nanoseconds since 1970
	N  int
}

// Covers is whether a line that ends at another mark is before this one.
func (m Mark) Covers(line Mark) bool { return line.At < m.At || line.At == m.At && line.N <= m.N }

// Next is the mark behind one more line, of a time that is not earlier.
func (m Mark) Next(at int64) Mark {
	if at == m.At {
		return Mark{at, m.N + 1}
	}
	return Mark{at, 1}
}
