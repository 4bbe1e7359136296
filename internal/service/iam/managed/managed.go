// Package managed has the AWS-managed policies that scaling set-ups name, with the
// documents that AWS publishes.
package managed

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"time"
)

//go:generate go run ./gen $MAMIP

//go:embed policies/*.json
var files embed.FS

// A Policy is an AWS-managed policy in its newest version.
type Policy struct {
	Name     string
	Path     string
	ID       string
	Version  string
	Created  time.Time
	Updated  time.Time // when the version was published
	Document json.RawMessage
}

// Text is the document as AWS shows it.
func (p Policy) Text() string {
	var b bytes.Buffer
	if err := json.Indent(&b, p.Document, "", "    "); err != nil {
		panic(err) // the files are embedded, and tested
	}
	return b.String()
}

// Resource is what the policy's ARN ends with, such as
// policy/service-role/AWSLambdaRole.
func (p Policy) Resource() string { return "policy" + p.Path + p.Name }

// Load reads the policies, by what their ARNs end with.
func Load() (map[string]Policy, error) {
	entries, err := files.ReadDir("policies")
	if err != nil {
		return nil, err
	}
	policies := make(map[string]Policy, len(entries))
	for _, e := range entries {
		text, err := files.ReadFile(path.Join("policies", e.Name()))
		if err != nil {
			return nil, err
		}
		p := Policy{Name: strings.TrimSuffix(e.Name(), ".json")}
		if err := json.Unmarshal(text, &p); err != nil {
			return nil, fmt.Errorf("AWS-managed policy %s: %w", p.Name, err)
		}
		policies[p.Resource()] = p
	}
	return policies, nil
}
