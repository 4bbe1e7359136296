package queue

// returned is the order of a standard queue. Messages that have come back and those
// that nobody has looked at take turns, so that neither a message that nobody can
// work on nor a long backlog keeps others waiting. Past a number of those that have
// come back, these go first: they take memory.
type returned struct {
	queue *Queue
	list  []*entry // in the order of coming back; those that have left it are passed over
	count int      // of those that have not
	turn  bool     // of the backlog
}

// mostReturned bounds the messages that have come back while others take turns.
const mostReturned = 100_000

func (r *returned) add(e *entry) {
	if e.state == visible {
		r.back(e)
	}
}

func (r *returned) due(e *entry) { r.back(e) }

func (r *returned) back(e *entry) {
	e.rank = len(r.list)
	r.list = append(r.list, e)
	r.count++
}

func (r *returned) drop(e *entry) {
	if e.rank >= 0 {
		e.rank = -1
		r.count--
	}
}

func (r *returned) pick(e *entry) { r.drop(e) }

func (r *returned) take() *entry {
	r.turn = !r.turn
	if r.queue.waiting > 0 && (r.count == 0 || r.turn && r.count < mostReturned) {
		if e := r.queue.load(); e != nil {
			return e
		}
	}
	for len(r.list) > 0 {
		e := r.list[0]
		r.list[0] = nil
		if r.list = r.list[1:]; len(r.list) == 0 {
			r.list = nil // gives back what it has grown to
		}
		if e.rank >= 0 {
			r.drop(e)
			return e
		}
	}
	return nil
}

func (r *returned) settled()      {}
func (r *returned) locked() int64 { return 0 }
