package tail

import (
	"context"
	"time"

	"flyball/internal/client"
)

// A local log is what the runtime keeps of a container.
type local struct {
	client          *client.Client
	task, container string
	name            string // TASK/CONTAINER
	pattern         string
	from            time.Time
	position        string
}

// page implements source. Lines without a time are taken however far back they are.
func (l *local) page(ctx context.Context) (lines []Line, more bool, err error) {
	page, err := l.client.LogLines(ctx, client.LogLinesInput{Task: l.task, Container: l.container, Position: l.position, Filter: l.pattern})
	if err != nil {
		return nil, false, err
	}
	l.position = page.Position
	for _, line := range page.Lines {
		if line.At.IsZero() || !line.At.Before(l.from) {
			lines = append(lines, Line{At: line.At, Source: l.name, Text: line.Text})
		}
	}
	return lines, page.More, nil
}
