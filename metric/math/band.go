package math

const bandFunction = "ANOMALY_DETECTION_BAND"

// usualWidth is the width of a band of which the expression says none.
const usualWidth = 2

// band is the two bounds of what is usual for a query, the upper one first.
func band(r *Run, n *call, args []value) (value, *Error) {
	if r.env.Band == nil {
		return value{}, &Error{Message: bandFunction + " is not supported here"}
	}
	width := float64(usualWidth)
	if len(args) > 1 {
		width = args[1].number
	}
	if !(width > 0) {
		return value{}, &Error{Message: "The width of an " + bandFunction + " must be greater than 0"}
	}
	upper, lower, err := r.env.Band(n.args[0].(*ref).id, width)
	if err != nil {
		return value{}, r.broken(err)
	}
	return array([]Series{upper, lower}), nil
}

// BandOf tells whether a query is an anomaly detection band and nothing else, and of
// which query.
func (p *Program) BandOf(id string) (of string, ok bool) {
	n, ok := p.queries[id].root.(*call)
	if !ok || n.name != bandFunction {
		return "", false
	}
	return n.args[0].(*ref).id, true
}

// CheckBand refuses a band whose width is none. Its errors are of type *Error.
func (p *Program) CheckBand(id string) error {
	_, err := p.overNothing().Result(id)
	return err
}

// HasBands tells whether a query is computed from anomaly detection bands, by way of
// other expressions too.
func (p *Program) HasBands(id string) bool {
	found := false
	p.visit(id, map[string]bool{}, func(_ *query, n node) {
		if c, ok := n.(*call); ok && c.name == bandFunction {
			found = true
		}
	})
	return found
}

// Needs are the ids of a query and of all that it is computed from, in no order.
func (p *Program) Needs(id string) []string {
	seen := map[string]bool{}
	p.visit(id, seen, func(*query, node) {})
	for _, m := range p.Metrics(id) { // METRICS() names none
		seen[m] = true
	}
	ids := make([]string, 0, len(seen))
	for other := range seen {
		ids = append(ids, other)
	}
	return ids
}
