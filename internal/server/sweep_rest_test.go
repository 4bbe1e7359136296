package server

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"strings"
	"sync"
)

// A restTable is the wire's table of a service that speaks restJson1.
type restTable struct {
	Operations map[string]string
	HTTP       map[string]struct{ Method, URI string }
	Shapes     map[string]struct {
		Members map[string]struct{ Name, In string }
	}
}

func restTableOf(service string) func() restTable {
	return sync.OnceValue(func() (t restTable) {
		b, err := os.ReadFile("../wire/model/" + service + ".json")
		if err == nil {
			err = json.Unmarshal(b, &t)
		}
		if err != nil {
			panic(err)
		}
		return t
	})
}

// name is what a member is called on the wire.
func (t restTable) name(shape, member string) string {
	return cmp.Or(t.Shapes[shape].Members[member].Name, member)
}

// inBody reports whether a member of an operation's input is in the body.
func (t restTable) inBody(operation, wire string) bool {
	shape := t.Operations[operation]
	for member, m := range t.Shapes[shape].Members {
		if t.name(shape, member) == wire {
			return m.In == ""
		}
	}
	return true
}

var schedulerTable = restTableOf("scheduler")

// restName is a name in the requests of EventBridge Scheduler.
func restName(of reflect.Type, member string) string { return schedulerTable().name(of.Name(), member) }

// restProtocol is restJson1 with the members of inputs where the table has them.
var restProtocol = protocol{
	name: "restJson1",
	request: func(base, _, operation string, in any) (*http.Request, error) {
		t := schedulerTable()
		path, query, body := t.HTTP[operation].URI, url.Values{}, map[string]any{}
		members, _ := in.(map[string]any)
		for name, v := range members {
			label := "{" + name + "}"
			switch {
			case t.inBody(operation, name):
				body[name] = v
			case strings.Contains(path, label):
				path = strings.Replace(path, label, url.PathEscape(bare(v)), 1)
			default:
				addQuery(query, name, v)
			}
		}
		text, err := json.Marshal(jsonValue(body))
		if err != nil {
			return nil, err
		}
		if _, isObject := in.(map[string]any); !isObject {
			if text, err = json.Marshal(jsonValue(in)); err != nil {
				return nil, err
			}
		}
		path = strings.NewReplacer("{Name}", "", "{ResourceArn}", "").Replace(path)
		r, err := newRequest(base+path+"?"+query.Encode(), text)
		if err == nil {
			r.Method = t.HTTP[operation].Method
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "/any/", "/scheduler/", 1))
		}
		return r, err
	},
	problem: func(body []byte) (string, string, error) {
		var e map[string]any
		err := json.Unmarshal(body, &e)
		return typedProblem(e, err)
	},
	output: jsonProtocol("1.1").output,
	text: func(operation, path string) bool {
		name, _, _ := strings.Cut(strings.TrimPrefix(path, "."), ".")
		name, _, _ = strings.Cut(name, "[")
		return !schedulerTable().inBody(operation, name)
	},
}

// The most of a value that is put into a path or a query, which the HTTP server bounds.
const (
	mostText = 100_000
	mostKeys = 1000
)

// bare is a value as it stands in a path or a query.
func bare(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return strings.ReplaceAll(v[:min(len(v), mostText)], broken, "\xff\xfe\x80")
	case map[string]any, []any:
		b, _ := json.Marshal(jsonValue(v))
		return string(b)
	}
	return fmt.Sprint(v)
}

func addQuery(query url.Values, name string, v any) {
	list, isList := v.([]any)
	switch {
	case v == nil:
	case isList:
		for _, item := range list[:min(len(list), mostKeys)] {
			query.Add(name, bare(item))
		}
	default:
		query.Set(name, bare(v))
	}
}
