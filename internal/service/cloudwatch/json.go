package cloudwatch

import (
	"bytes"
	"encoding/json"
)

// An object is one of JSON, in what CloudWatch writes about alarms.
type object = map[string]any

// encode writes what JSON can express. It leaves the arrow in "OK -> ALARM" as it
// is.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
