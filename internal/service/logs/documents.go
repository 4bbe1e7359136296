package logs

import (
	"bytes"
	"cmp"
	"encoding/json"
)

// normalForm is a document as CloudWatch Logs describes it: with a version, and with a
// principal that is alone in its list as a text. What is no document stays as it is.
func normalForm(document string) string {
	var d struct {
		Version   string
		ID        string `json:"Id"`
		Statement json.RawMessage
	}
	if json.Unmarshal([]byte(document), &d) != nil {
		return document
	}
	statements := []statement{{}}
	if json.Unmarshal(d.Statement, &statements) != nil && json.Unmarshal(d.Statement, &statements[0]) != nil {
		return document
	}
	for i := range statements {
		statements[i].Principal, statements[i].NotPrincipal = withoutList(statements[i].Principal), withoutList(statements[i].NotPrincipal)
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(struct {
		Version   string
		ID        string `json:"Id,omitempty"`
		Statement []statement
	}{cmp.Or(d.Version, "2008-10-17"), d.ID, statements}) != nil {
		return document
	}
	return string(bytes.TrimSpace(out.Bytes()))
}

// statement is a statement's elements in the order in which documents have them.
type statement struct {
	Sid          json.RawMessage `json:",omitempty"`
	Effect       json.RawMessage `json:",omitempty"`
	Principal    json.RawMessage `json:",omitempty"`
	NotPrincipal json.RawMessage `json:",omitempty"`
	Action       json.RawMessage `json:",omitempty"`
	NotAction    json.RawMessage `json:",omitempty"`
	Resource     json.RawMessage `json:",omitempty"`
	NotResource  json.RawMessage `json:",omitempty"`
	Condition    json.RawMessage `json:",omitempty"`
}

// withoutList writes a principal of one alone without its list.
func withoutList(principal json.RawMessage) json.RawMessage {
	var types map[string]json.RawMessage
	if json.Unmarshal(principal, &types) != nil {
		return principal
	}
	for name, value := range types {
		var list []json.RawMessage
		if json.Unmarshal(value, &list) == nil && len(list) == 1 {
			types[name] = list[0]
		}
	}
	text, _ := json.Marshal(types)
	return text
}
