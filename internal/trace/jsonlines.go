package trace

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// jsonLines has an object a line: requests with their time, or times and values.
type jsonLines struct{}

// stampKeys are the usual names of the time of a log's line.
var stampKeys = []string{"time", "timestamp", "@timestamp", "ts", "t", "datetime", "date", "time_local", "time_iso8601", "start_time", "StartUTC", "StartLocal", "asctime", "msec"}

func (jsonLines) read(in *bufio.Reader, o Options) (points, error) {
	first, err := in.Peek(peeked)
	if err != nil && err != io.EOF && err != bufio.ErrBufferFull {
		return points{}, err
	}
	line, _, _ := bytes.Cut(bytes.TrimLeft(first, " \t\r\n"), []byte("\n"))
	var object map[string]any
	if err := json.Unmarshal(line, &object); err != nil {
		return document{}.read(in, o)
	}
	key, reading := stampKey(object, o)
	if key == "" {
		return document{}.read(in, o)
	}
	if value := valueKey(object, key, o); value != "" {
		return jsonRows(in, o, key, value)
	}
	c := newCounter(o)
	err = c.lines(in, func(line []byte) (time.Time, bool) {
		var one map[string]json.RawMessage
		if json.Unmarshal(line, &one) != nil {
			return time.Time{}, false
		}
		return reading.parse(strings.Trim(string(one[key]), `"`))
	})
	if err != nil {
		return points{}, err
	}
	return c.points()
}

// stampKey is the member that is the time, and how it is read.
func stampKey(object map[string]any, o Options) (string, *reading) {
	for _, key := range stampKeys {
		cell := jsonCell(object[key])
		if found := readings(cell, o.Zone, o.Order); cell != "" && len(found) > 0 {
			return key, found[0]
		}
	}
	return "", nil
}

// valueKey is the member that is the value of a row; a log of requests has none.
func valueKey(object map[string]any, stamp string, o Options) string {
	if o.Column != "" {
		return o.Column
	}
	for _, key := range []string{"value", "requests", "count", "y", "v", "sum"} {
		if _, isNumber := object[key].(float64); isNumber && len(object) <= 4 {
			return key
		}
	}
	if len(object) == 2 {
		for key, v := range object {
			if _, isNumber := v.(float64); isNumber && key != stamp {
				return key
			}
		}
	}
	return ""
}

// jsonCell is a member as a table would have it.
func jsonCell(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strings.TrimRight(strings.TrimRight(fmt.Sprintf("%.6f", v), "0"), ".")
	}
	return ""
}

// jsonRows reads a time and a value a line.
func jsonRows(in *bufio.Reader, o Options, stamp, value string) (points, error) {
	rows := collector{o: o, name: value}
	decode := json.NewDecoder(in)
	for line := 1; ; line++ {
		var object map[string]any
		err := decode.Decode(&object)
		if errors.Is(err, io.EOF) {
			return rows.points()
		}
		if err != nil {
			return points{}, &Error{Line: line, What: "this is not an object of JSON", Remedy: "write an object a line"}
		}
		v, isNumber := object[value].(float64)
		if !isNumber && object[value] != nil {
			return points{}, &Error{Line: line, What: fmt.Sprintf("%q is not a number", value), Remedy: "name the values with --column"}
		}
		if err := rows.add(line, 0, jsonCell(object[stamp]), orGap(v, isNumber)); err != nil {
			return points{}, err
		}
	}
}
