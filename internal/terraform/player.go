package terraform

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// A Player makes the calls of a recording at a server that knows nothing yet.
//
// Identifiers that the server chooses are other ones than those of the recording:
// where an answer differs in nothing else, the later calls name the new ones.
type Player struct {
	Server   string        // URL
	Account  string        // whose calls they are, 12 digits
	Patience time.Duration // how long an answer may take to be the recorded one

	known *strings.Replacer
	names []string // recorded, actual, recorded, actual, ...
}

// Play makes all calls, and returns an error at the first that is answered in
// another way than it was.
//
// A provider waits by asking again. The same call several times in a row is made
// until the answer is that of the last one.
func (p *Player) Play(ctx context.Context, r *Recording) error {
	p.names, p.known = nil, strings.NewReplacer()
	for i, c := range r.Calls {
		if i+1 < len(r.Calls) && sameCall(c, r.Calls[i+1]) {
			continue
		}
		if err := p.until(ctx, c); err != nil {
			return fmt.Errorf("%s, call %d of %d: %w", c.Step, i+1, len(r.Calls), err)
		}
	}
	return nil
}

func sameCall(a, b Call) bool {
	return a.Service == b.Service && a.Method == b.Method && a.Path == b.Path && bytes.Equal(a.Body, b.Body) &&
		a.Header["X-Amz-Target"] == b.Header["X-Amz-Target"]
}

// pause is how long the player waits before it asks again.
const pause = 20 * time.Millisecond

// until makes a call until the answer is the recorded one. What changes something
// is made once.
func (p *Player) until(ctx context.Context, c Call) error {
	for began := time.Now(); ; time.Sleep(pause) {
		status, answer, err := p.call(ctx, c)
		if err != nil {
			return err
		}
		difference := p.learn(c, status, answer)
		if difference == nil {
			return nil
		}
		if !reads(c) || time.Since(began) > p.Patience || ctx.Err() != nil {
			return fmt.Errorf("%s %s: %w", c.Service, operation(c), difference)
		}
	}
}

func (p *Player) call(ctx context.Context, c Call) (status int, answer []byte, err error) {
	body := []byte(p.known.Replace(string(c.Body)))
	in, err := http.NewRequestWithContext(ctx, c.Method, p.Server+p.known.Replace(c.Path), bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	for name, value := range c.Header {
		in.Header.Set(name, value)
	}
	hash := sha256.Sum256(body)
	key := aws.Credentials{AccessKeyID: p.Account, SecretAccessKey: "secret"}
	if err := v4.NewSigner().SignHTTP(ctx, key, in, hex.EncodeToString(hash[:]), c.Service, c.Region, time.Now()); err != nil {
		return 0, nil, err
	}
	out, err := http.DefaultClient.Do(in)
	if err != nil {
		return 0, nil, err
	}
	defer out.Body.Close()
	answer, err = io.ReadAll(out.Body)
	return out.StatusCode, answer, err
}

// learn compares an answer with the recorded one. It takes note of the identifiers
// in it if there is no other difference.
func (p *Player) learn(c Call, status int, answer []byte) error {
	if status != c.Status {
		return fmt.Errorf("status %d, recorded was %d: %s", status, c.Status, answer)
	}
	recorded := p.known.Replace(string(c.Answer))
	then, now := words(lasting(recorded)), words(lasting(string(answer)))
	if len(then) != len(now) {
		return fmt.Errorf("answer\n%s\nrecorded was\n%s", answer, recorded)
	}
	names := slices.Clone(p.names)
	if then, now := current.FindString(recorded), current.FindString(string(answer)); then != "" && now != "" {
		names = append(names, then, now)
	}
	for i, word := range then {
		switch {
		case word == now[i] || isTime(word) && isTime(now[i]):
		case shape(word) == shape(now[i]):
			// The query protocols encode what is not a letter or a digit.
			names = append(names, word, now[i], url.QueryEscape(word), url.QueryEscape(now[i]))
		default:
			return fmt.Errorf("answer\n%s\nrecorded was\n%s\nthe first difference: %q, not %q", answer, recorded, now[i], word)
		}
	}
	if len(names) > len(p.names) {
		p.names = names
		p.known = strings.NewReplacer(names...)
	}
	return nil
}

var (
	word        = regexp.MustCompile(`[-A-Za-z0-9_.:+]+|[^-A-Za-z0-9_.:+]+`)
	instant     = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d|^\d{10}(\.\d+)?$|^\d\.\d+E9$`)
	hexadecimal = regexp.MustCompile(`[0-9a-f]+`)
	current     = regexp.MustCompile(`service-deployment/[^"]+`) // which passes, and is asked for
	deployment  = regexp.MustCompile(`^[A-Za-z0-9_-]{21}$`)
)

// passing are the members of answers in JSON that tell what became of tasks: it
// depends on when somebody asks.
var passing = []string{
	"events", "deployments", "runningCount", "pendingCount", "runningTasksCount", "pendingTasksCount",
	"currentServiceDeployment", "currentServiceRevisions",
}

// free is how many addresses a subnet has left, in an answer in XML: tasks have some.
var free = regexp.MustCompile(`<availableIpAddressCount>\d+<`)

// lasting is an answer without what passes.
func lasting(answer string) string {
	var document any
	if json.Unmarshal([]byte(answer), &document) != nil {
		return free.ReplaceAllString(answer, "")
	}
	without(document)
	b, _ := json.Marshal(document) // it was JSON
	return string(b)
}

func without(document any) {
	switch d := document.(type) {
	case map[string]any:
		for _, name := range passing {
			delete(d, name)
		}
		for _, member := range d {
			without(member)
		}
	case []any:
		for _, element := range d {
			without(element)
		}
	}
}

// words divides a text into names and what is between them.
func words(text string) []string { return word.FindAllString(text, -1) }

func isTime(word string) bool { return instant.MatchString(word) }

// shape is what two identifiers of the same kind have in common.
func shape(word string) string {
	switch {
	case len(word) < 8:
		return word // a number that is another one is a difference
	case deployment.MatchString(word):
		return "deployment"
	}
	return hexadecimal.ReplaceAllString(word, "#")
}

// operation is the name of what is called.
func operation(c Call) string {
	if target := c.Header["X-Amz-Target"]; target != "" {
		_, name, _ := strings.Cut(target, ".")
		return name
	}
	if _, rest, ok := strings.Cut(string(c.Body), "Action="); ok {
		name, _, _ := strings.Cut(rest, "&")
		return name
	}
	return c.Path[strings.LastIndex(c.Path, "/")+1:]
}

// reads says whether a call changes nothing.
func reads(c Call) bool {
	return slices.ContainsFunc([]string{"Describe", "Get", "List"}, func(verb string) bool { return strings.HasPrefix(operation(c), verb) })
}
