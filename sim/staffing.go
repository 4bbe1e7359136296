package sim

// Staffing is how many tasks of a service keep an agreement under a load, in requests a
// second: the fewest, and one at least.
func Staffing(s Service, a Agreement) func(rate float64) int {
	st := s.station()
	d := demand{station: &st, agreement: a.or(&st)}
	return d.of
}
