package wire

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// Every member of every operation is wrong in turn, which never is the server's
// fault.
func TestAWrongMemberIsNotTheServersFault(t *testing.T) {
	wrong := []any{-1.5, json.Number("1e400"), "\x00 ", true, []any{nil, map[string]any{}}, map[string]any{"a": nil}}
	for _, s := range clientServices() {
		h, err := NewHandler(Options{Log: slog.New(slog.DiscardHandler)}, s)
		if err != nil {
			t.Fatal(err)
		}
		service := h.(*handler).services[0]
		fill := populator{document: s.document}
		for _, u := range s.unions {
			fill.unions = append(fill.unions, reflect.TypeOf(u))
		}
		for _, name := range slices.Sorted(maps.Keys(service.ops())) {
			op := service.ops()[name]
			op.method = reflect.MakeFunc(op.method.Type(), func([]reflect.Value) []reflect.Value {
				return []reflect.Value{reflect.New(op.out), reflect.Zero(errorType)}
			})
			if err := service.prepare(op); err != nil {
				t.Fatal(err)
			}
			in := reflect.New(op.in).Elem()
			fill.fill(in)
			w := new(jsonWriter)
			write(w, op.inPlan, in)
			var body any
			if err := json.Unmarshal(w.buf, &body); err != nil {
				t.Fatal(err)
			}
			eachMember(body, func(set func(any)) {
				for _, v := range wrong {
					set(v)
					b, err := json.Marshal(body)
					if err != nil {
						t.Fatal(err)
					}
					if status := post(h, s.target+"."+name, string(b)); status >= 500 {
						t.Fatalf("%s.%s: status %d for %s", s.name, name, status, b)
					}
				}
			})
		}
	}
}

func post(h http.Handler, target, body string) int {
	r := httptest.NewRequest(http.MethodPost, "http://localhost/", strings.NewReader(body))
	r.Header.Set("Authorization", fmt.Sprintf(testAuthorization, "x"))
	r.Header.Set("X-Amz-Target", target)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

// eachMember calls do for each member of an object and those below, with a
// function that sets it, and puts it back afterwards.
func eachMember(v any, do func(set func(any))) {
	switch v := v.(type) {
	case map[string]any:
		for k, old := range v {
			do(func(wrong any) { v[k] = wrong })
			v[k] = old
			eachMember(old, do)
		}
	case []any:
		if len(v) > 0 {
			old := v[0]
			do(func(wrong any) { v[0] = wrong })
			v[0] = old
			eachMember(old, do)
		}
	}
}
