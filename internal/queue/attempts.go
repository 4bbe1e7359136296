package queue

// Attempts remembers what was received by which attempt, so that a caller that did not
// get an answer can ask for it again ("Using the receive request attempt ID"). Its zero
// value remembers nothing.
type Attempts struct {
	made  map[string]attempt
	order []string // in which they were made
}

type attempt struct {
	at  Millis
	got []Delivery
}

// Add remembers an attempt.
func (a *Attempts) Add(now Millis, id string, got []Delivery) {
	a.forget(now)
	if a.made == nil {
		a.made = map[string]attempt{}
	}
	if _, again := a.made[id]; !again {
		a.order = append(a.order, id)
	}
	a.made[id] = attempt{now, got}
}

// Find is what an attempt has received, if all of it is still in flight.
func (a *Attempts) Find(now Millis, id string, q *Queue) []Delivery {
	a.forget(now)
	got := a.made[id].got
	for _, d := range got {
		if !q.InFlight(d.Receipt) {
			return nil
		}
	}
	return got
}

func (a *Attempts) forget(now Millis) {
	n := 0
	for n < len(a.order) && a.made[a.order[n]].at+DeduplicationTime <= now {
		delete(a.made, a.order[n])
		n++
	}
	a.order = a.order[n:]
}
