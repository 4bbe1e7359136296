package server

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/aws/smithy-go"

	"flyball/internal/client"
	"flyball/internal/service/logs/pattern"
	"flyball/internal/task"
	"flyball/internal/wire"
)

// serveLogs sends a container's output as it is. With follow it goes on until
// the task ends or the client leaves.
func (s *Server) serveLogs(w http.ResponseWriter, r *http.Request, call wire.Call) {
	follow := r.FormValue("follow") == "true"
	v, err := s.cellOf(r, call)
	if err != nil {
		writeError(w, err)
		return
	}
	log, err := v.ecs.TaskLog(r.Context(), r.FormValue("task"), r.FormValue("container"), task.LogOptions{Follow: follow})
	if err != nil {
		writeError(w, err)
		return
	}
	text := task.Text(r.Context(), log)
	defer text.Close()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	flush := http.NewResponseController(w)
	buf := make([]byte, 32<<10)
	for {
		n, err := text.Read(buf)
		if n > 0 {
			if _, err := w.Write(buf[:n]); err != nil {
				return
			}
			if flush.Flush() != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// Bounds of an answer with lines.
const (
	answerLines = 10_000
	answerBytes = 1 << 20
)

// serveLogLines sends lines of a container's log, from a position on.
func (s *Server) serveLogLines(w http.ResponseWriter, r *http.Request, call wire.Call) {
	page, err := s.logLines(r, call)
	if err != nil {
		writeError(w, err)
		return
	}
	writeJSON(w, page)
}

func (s *Server) logLines(r *http.Request, call wire.Call) (page client.LogLines, err error) {
	v, err := s.cellOf(r, call)
	if err != nil {
		return page, err
	}
	filter, err := pattern.Parse(r.FormValue("filter"))
	if err != nil {
		return page, &smithy.GenericAPIError{Code: "ValidationError", Fault: smithy.FaultClient, Message: "Invalid filter pattern: " + err.Error()}
	}
	log, err := v.ecs.TaskLog(r.Context(), r.FormValue("task"), r.FormValue("container"), task.LogOptions{Position: r.FormValue("position")})
	if err != nil {
		return page, err
	}
	defer log.Close()
	page.Lines = []client.LogLine{}
	page.More, err = s.readLines(r.Context(), log, filter, &page.Lines)
	page.Position = log.Position()
	return page, err
}

// readLines reads lines that match, until there are no more or enough for an answer.
func (s *Server) readLines(ctx context.Context, log task.Log, filter *pattern.Pattern, lines *[]client.LogLine) (more bool, err error) {
	for read, bytes := 0, 0; read < answerLines && bytes < answerBytes; read++ {
		line, err := log.Next(ctx)
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return false, err
		}
		bytes += len(line.Text)
		if filter.Match(line.Text) {
			*lines = append(*lines, client.LogLine{At: s.virtual(line.At), Text: string(line.Text)})
		}
	}
	return true, nil
}

// virtual is what the server's clock showed at a time on the wall clock; zero stays zero.
func (s *Server) virtual(at time.Time) time.Time {
	if at.IsZero() {
		return at
	}
	return s.clock.Now().Add(-time.Duration(float64(time.Since(at)) * s.clock.Speed()))
}
