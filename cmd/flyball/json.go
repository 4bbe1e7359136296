package main

import (
	"encoding/json"
	"io"
)

// printJSON prints a value as indented JSON, for --json.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false) // alarms have < and > in their words
	return enc.Encode(v)
}
