package server

import (
	"errors"
	"fmt"
	"syscall"
	"testing"

	"flyball/internal/descriptors"
	"flyball/internal/task"
)

// Whom a task that does not start is to blame on decides whether its deployment fails.
func TestATaskWithoutDescriptorsIsNotToBlame(t *testing.T) {
	for _, c := range []struct {
		err error
		is  bool
	}{
		{nil, false},
		{fmt.Errorf("%w: the server may have 64", descriptors.ErrShort), true},
		{fmt.Errorf("make a pipe: %w", syscall.EMFILE), true},
		{errors.New("no such program"), false},
	} {
		if got := noRoom(c.err); errors.Is(got, task.ErrNoRoom) != c.is || !errors.Is(got, c.err) {
			t.Errorf("%v is told as %v", c.err, got)
		}
	}
}
