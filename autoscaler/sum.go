package autoscaler

// A Sum adds up what is seen in several intervals in a row, for a controller that decides less
// often than it looks.
type Sum struct {
	last Seen
	of   Seen // averages, added up
	n    float64
}

// Add takes in one more interval.
func (s *Sum) Add(seen Seen) {
	s.last = seen
	s.n++
	s.of.Serving += seen.Serving
	s.of.Requests += seen.Requests
	s.of.Concurrency += seen.Concurrency
	s.of.CPU += seen.CPU
	s.of.Memory += seen.Memory
}

// Mean is what was seen since it was asked last: the replicas and the queue of the last
// interval, and the averages of all.
func (s *Sum) Mean() Seen {
	seen := s.last
	seen.Serving, seen.Requests, seen.Concurrency = s.of.Serving/s.n, s.of.Requests/s.n, s.of.Concurrency/s.n
	seen.CPU, seen.Memory = s.of.CPU/s.n, s.of.Memory/s.n
	*s = Sum{}
	return seen
}
