// Package terraform records what Terraform's AWS provider asks of a server, and
// plays it again: the tests do so with every change, and need no Terraform for it.
//
//	server := httptest.NewServer(recorder)   // passes calls on and keeps them
//	// terraform apply, plan, destroy
//	recorder.Recording().Save(file)
//
//	player.Play(ctx, recording)              // the first answer that is another one
//
// The configurations are those of examples/. To record them anew:
//
//	make record-terraform
package terraform

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"unicode/utf8"
)

// A Recording is the calls of a provider, in their order.
type Recording struct {
	Calls []Call
}

// A Call is one call and how it was answered.
type Call struct {
	Step    string // of the recording: apply, plan, destroy and so on
	Service string // for which it was signed
	Region  string
	Method  string
	Path    string
	Header  map[string]string // of the protocol
	Body    Text
	Status  int
	Answer  Text
}

// Text is a body. In JSON it is a string where it is UTF-8.
type Text []byte

// MarshalJSON implements json.Marshaler.
func (t Text) MarshalJSON() ([]byte, error) {
	if utf8.Valid(t) {
		return json.Marshal(string(t))
	}
	return json.Marshal(struct{ Base64 []byte }{t})
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *Text) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*t = Text(s)
		return nil
	}
	var binary struct{ Base64 []byte }
	err := json.Unmarshal(b, &binary)
	*t = binary.Base64
	return err
}

// Save writes a recording.
func (r *Recording) Save(file string) error {
	f, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("keep a recording: %w", err)
	}
	defer f.Close()
	z := gzip.NewWriter(f)
	out := json.NewEncoder(z)
	out.SetIndent("", " ")
	out.SetEscapeHTML(false)
	if err := out.Encode(r); err != nil {
		return fmt.Errorf("keep a recording: %w", err)
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("keep a recording: %w", err)
	}
	return f.Close()
}

// Read reads a recording.
func Read(file string) (*Recording, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("read a recording: %w", err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("read the recording %s: %w", file, err)
	}
	r := new(Recording)
	if err := json.NewDecoder(z).Decode(r); err != nil {
		return nil, fmt.Errorf("read the recording %s: %w", file, err)
	}
	return r, nil
}
