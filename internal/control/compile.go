package control

import (
	"fmt"

	"flyball/internal/policydoc"
	"flyball/internal/source"
)

// Sources say where a metric is read; an error is a metric that nothing here reads.
type Sources interface {
	Of(source.Query) (source.Source, error)
}

// A Problem is what of a document cannot be governed by, and why. The target that it is about is
// not compiled: half of its policies would be others than those that somebody wants.
type Problem struct {
	Resource string // "" where that is not known
	Err      error
}

func (p Problem) Error() string { return fmt.Sprintf("%s: %v", p.Resource, p.Err) }

// Compile makes targets of documents in AWS's shapes, with the metrics of their policies read
// from sources. What AWS's API would refuse is refused here, in the same words.
func Compile(d policydoc.Documents, from Sources) ([]Target, []Problem) { panic("TODO") }
