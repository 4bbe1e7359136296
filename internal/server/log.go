package server

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"flyball/internal/clock"
)

// A clockedLog adds to what is logged the time of the server's clock, where that is not the
// wall clock's: what users see of services, alarms and activities has the former.
type clockedLog struct {
	slog.Handler
	clock *atomic.Pointer[clock.Clock] // nil until the clock is open
}

func newClockedLog(l *slog.Logger) clockedLog {
	return clockedLog{l.Handler(), new(atomic.Pointer[clock.Clock])}
}

// sameTime is how far apart the clocks may be to show one time.
const sameTime = time.Second

// Handle implements slog.Handler.
func (h clockedLog) Handle(ctx context.Context, r slog.Record) error {
	c := h.clock.Load()
	if c == nil {
		return h.Handler.Handle(ctx, r)
	}
	now := c.Now()
	if now.Sub(r.Time).Abs() < sameTime {
		return h.Handler.Handle(ctx, r)
	}
	stamped := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	stamped.AddAttrs(slog.Time("server_time", now))
	r.Attrs(func(a slog.Attr) bool {
		stamped.AddAttrs(a)
		return true
	})
	return h.Handler.Handle(ctx, stamped)
}

// WithAttrs implements slog.Handler.
func (h clockedLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return clockedLog{h.Handler.WithAttrs(attrs), h.clock}
}

// WithGroup implements slog.Handler.
func (h clockedLog) WithGroup(name string) slog.Handler {
	return clockedLog{h.Handler.WithGroup(name), h.clock}
}
