package lead

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A Change is what becomes of a document: it has another key or another text, or it goes.
type Change struct {
	Key  string
	Text []byte // nil: it goes
}

// Document says what becomes of a document of a kind, and whether that is any change. A text is
// JSON, perhaps after its version; other texts stay as they are.
func (l Lead) Document(kind, key string, text []byte) (to Change, changed bool) {
	to = Change{key, text}
	if untouched[kind] {
		return to, false
	}
	if rename := keys[kind]; rename != nil {
		var keep bool
		if to.Key, keep = rename(l, key); !keep {
			return Change{Key: key}, true
		}
	}
	version, content := 0, text
	if len(text) > 0 && text[0] == 'v' {
		version = bytes.IndexByte(text, ' ') + 1
		content = text[version:]
	}
	w := walk{lead: l, kind: kind, content: content, decoder: json.NewDecoder(bytes.NewReader(content))}
	w.decoder.UseNumber()
	if err := w.value("", false); err != nil || len(w.edits) == 0 {
		return to, to.Key != key
	}
	to.Text = append(bytes.Clone(text[:version]), w.apply()...)
	return to, true
}

// untouched are kinds without times of the server's clock.
var untouched = map[string]bool{
	"sts.session":  true, // sessions expire on the wall clock
	"server.clock": true,
	"tsdb.series":  true, "tsdb.dormant": true, "tsdb.block": true, "tsdb.journal": true,
}

// people are the members in which people's own words stand, in documents of all kinds.
var people = set("Attributes", "Description", "Detail", "Details", "Document", "Environment", "Input", "Labels", "DockerLabels",
	"Name", "Key", "Options", "Tags", "Value", "Variables",
	"description", "detail", "environment", "name", "key", "tags", "value", "variables")

// given are the members of a kind whose times do not go with the server's clock: users have
// said them, or they are the wall clock's.
var given = map[string]map[string]bool{
	"autoscaling.action": set("Start", "End"),
	"scheduler.schedule": set("Start", "End"),
	"elb.targetgroup":    set("DrainUntil"),
}

// numbers are members of documents of CloudWatch Logs that are times in milliseconds.
var numbers = set("Created", "Modified", "Updated")

func set(names ...string) map[string]bool {
	s := map[string]bool{}
	for _, n := range names {
		s[n] = true
	}
	return s
}

// keys say what becomes of keys with times, and whether the document stays: the history of
// alarms and forecasts of times to come do not.
var keys = map[string]func(Lead, string) (string, bool){
	"autoscaling.activity":        Lead.newestFirst,
	"autoscaling.target-activity": Lead.newestFirst,
	"autoscaling.prediction":      Lead.endsWithHour,
	"cloudwatch.history":          Lead.endsWithNanos,
	"cloudwatch.alarm-history":    Lead.endsWithNanos,
}

// inverted is the part of a key that sorts later times first, before a UUID.
var inverted = regexp.MustCompile(`[0-9a-f]{16}(-[0-9a-f]{8}-[0-9a-f]{4}-)`)

func (l Lead) newestFirst(key string) (string, bool) {
	at := inverted.FindStringIndex(key)
	if at == nil {
		return key, true
	}
	n, err := strconv.ParseInt(key[at[0]:at[0]+16], 16, 64)
	if err != nil {
		return key, true
	}
	t := l.Time(time.Unix(0, math.MaxInt64-n))
	return fmt.Sprintf("%s%016x%s", key[:at[0]], math.MaxInt64-t.UnixNano(), key[at[0]+16:]), true
}

func (l Lead) endsWithHour(key string) (string, bool) {
	_, hour, _ := strings.Cut(key, "\x00")
	t, err := time.Parse(time.RFC3339, hour)
	return key, err != nil || !t.After(l.Now)
}

func (l Lead) endsWithNanos(key string) (string, bool) {
	const digits = 19
	n, err := strconv.ParseInt(key[max(len(key)-digits, 0):], 10, 64)
	return key, err != nil || !time.Unix(0, n).After(l.Now)
}

// A walk goes through the JSON of a document.
type walk struct {
	lead    Lead
	kind    string
	content []byte
	decoder *json.Decoder
	edits   []edit
}

// An edit puts a text into the place of another.
type edit struct {
	from, to int64
	text     string
}

// value goes through a value, which is that of a member with a name.
func (w *walk) value(name string, skip bool) error {
	token, err := w.decoder.Token()
	if err != nil {
		return err
	}
	skip = skip || people[name] || given[w.kind][name]
	switch token := token.(type) {
	case json.Delim:
		return w.inside(token, name, skip)
	case string:
		if !skip {
			w.text(token)
		}
	case json.Number:
		if numbers[name] && strings.HasPrefix(w.kind, "logs.") {
			w.number(token)
		}
	}
	return nil
}

// inside goes through what is in an object or an array.
func (w *walk) inside(open json.Delim, name string, skip bool) error {
	for w.decoder.More() {
		if open == '{' {
			member, err := w.decoder.Token()
			if err != nil {
				return err
			}
			name, _ = member.(string)
		}
		if err := w.value(name, skip); err != nil {
			return err
		}
	}
	_, err := w.decoder.Token()
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// text changes a text that is a time as the server writes it.
func (w *walk) text(s string) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.Format(time.RFC3339Nano) != s || !t.After(w.lead.Now) {
		return
	}
	w.put(strconv.Quote(s), strconv.Quote(w.lead.Time(t).Format(time.RFC3339Nano)))
}

func (w *walk) number(n json.Number) {
	ms, err := n.Int64()
	if to := w.lead.millis(ms); err == nil && to != ms {
		w.put(n.String(), strconv.FormatInt(to, 10))
	}
}

// put changes the token that was read last, unless it is written otherwise than the server does.
func (w *walk) put(token, text string) {
	end := w.decoder.InputOffset()
	if start := end - int64(len(token)); start >= 0 && string(w.content[start:end]) == token {
		w.edits = append(w.edits, edit{start, end, text})
	}
}

// apply makes the edits.
func (w *walk) apply() []byte {
	var b []byte
	last := int64(0)
	for _, e := range w.edits {
		b = append(append(b, w.content[last:e.from]...), e.text...)
		last = e.to
	}
	return append(b, w.content[last:]...)
}
