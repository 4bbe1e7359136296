package awslogs

import (
	"bytes"
	"regexp"
	"time"
	"unicode/utf8"

	"flyball/internal/task"
)

// mostMessage is how long a message may be; longer ones are cut, as by the driver in
// Docker.
const mostMessage = task.LineBytes

// quietAfter is how long an event of several lines waits for the next line, in real time.
const quietAfter = 5 * time.Second

// An assembler makes messages of lines: one of each or, with a pattern, one of a line
// that matches it and those that follow. The messages, one behind the other, have the
// bytes of the lines, whichever way they are cut.
type assembler struct {
	begins *regexp.Regexp

	held  []byte    // the lines of a message that may go on
	at    int64     // the time of the first of them, in milliseconds since 1970
	from  string    // the position before it
	since time.Time // when it was read, on the wall clock
}

// add takes a line that was written at a time, behind a position of the log. It returns
// the messages that this completes, and their time.
func (a *assembler) add(line task.Line, at int64, position string) (int64, []string) {
	if a.begins == nil {
		return at, cut(valid(line.Text))
	}
	text := a.text(line)
	began := a.at
	var done []string
	if a.begins.Match(line.Text) || len(a.held)+len(text) > mostMessage {
		done = a.flush()
	}
	if len(a.held) == 0 {
		a.at, a.from, a.since = at, position, time.Now()
	}
	a.held = append(a.held, text...)
	return began, done
}

// size is how many bytes the messages have of a line.
func (a *assembler) size(line task.Line) int { return len(a.text(line)) }

// text is what messages have of a line.
func (a *assembler) text(line task.Line) []byte {
	text := valid(line.Text)
	if a.begins != nil && !line.Partial {
		text = append(text[:len(text):len(text)], '\n')
	}
	return text
}

// flush returns the messages of the lines that are held.
func (a *assembler) flush() []string {
	done := cut(a.held)
	a.held = a.held[:0]
	if cap(a.held) > 64<<10 {
		a.held = nil
	}
	return done
}

// holds is whether there are lines whose message may go on.
func (a *assembler) holds() bool { return len(a.held) > 0 }

// valid is text as messages can have it.
func valid(text []byte) []byte {
	if utf8.Valid(text) {
		return text
	}
	return bytes.ToValidUTF8(text, []byte(string(utf8.RuneError)))
}

// cut makes messages of valid text, none of them too long. Empty ones there are none.
func cut(text []byte) []string {
	var messages []string
	for len(text) > mostMessage {
		end := mostMessage
		for !utf8.RuneStart(text[end]) {
			end--
		}
		messages = append(messages, string(text[:end]))
		text = text[end:]
	}
	if len(text) > 0 {
		messages = append(messages, string(text))
	}
	return messages
}
