package pattern

import "testing"

// published are the pairs of a pattern and an event that event-ruler publishes in its correctness cases
// (github.com/aws/event-ruler, 51 in src/test/resources), by pattern: the events that match it, and those that do not.
var published = []struct {
	pattern     string
	wanted, not []string
}{
	{`{"d":{"a":[{"exists":true}],"b":[{"exists":true}]}}`,
		[]string{`{"d":{"a":1,"b":2}}`, `{"d":[{"a":1,"b":2}]}`, `{"d":[{"a":1},{"b":2},{"a":3,"b":4}]}`},
		[]string{`{"d":{"a":1}}`, `{"d":[{"a":1},{"b":2}]}`}},
	{`{"d":{"a":["hello"],"b":["world"]}}`,
		[]string{`{"d":{"a":"hello","b":"world"}}`},
		[]string{`{"d":{"a":"hello","b":"nope"}}`}},
	{`{"d":{"a":[{"prefix":"hel"}]}}`,
		[]string{`{"d":{"a":"hello"}}`},
		nil},
	{`{"d":{"x":[{"numeric":[">",0,"<",100]}]}}`,
		[]string{`{"d":{"x":50}}`},
		nil},
	{`{"d":{"s":[{"anything-but":"banned"}]}}`,
		[]string{`{"d":{"s":"active"}}`},
		nil},
	{`{"d":{"a":[{"exists":true}],"b":[{"exists":true}],"c":[{"exists":true}]}}`,
		[]string{`{"d":[{"a":1,"b":2,"c":3}]}`},
		[]string{`{"d":[{"a":1},{"b":2},{"c":3}]}`}},
	{`{"d":{"name":["alice"],"status":["active"]}}`,
		[]string{`{"d":[{"name":"alice","status":"active"}]}`},
		[]string{`{"d":[{"name":"alice"},{"status":"active"}]}`}},
	{`{"d":{"name":[{"prefix":"al"}],"status":[{"exists":true}]}}`,
		[]string{`{"d":[{"name":"alice","status":"ok"}]}`},
		[]string{`{"d":[{"name":"alice"},{"status":"ok"}]}`}},
	{`{"d":{"tags":[{"exists":true}],"name":[{"exists":true}]}}`,
		[]string{`{"d":{"tags":["a","b"],"name":"x"}}`},
		nil},
	{`{"tags":["admin"]}`,
		[]string{`{"tags":["user","admin"]}`},
		nil},
	{`{"tags":["superadmin"]}`,
		nil,
		[]string{`{"tags":["user","admin"]}`}},
	{`{"u":{"t":{"k":["color"],"v":["blue"]}}}`,
		[]string{`{"u":[{"t":[{"k":"color","v":"blue"}]}]}`},
		[]string{`{"u":[{"t":[{"k":"color"},{"v":"blue"}]}]}`}},
	{`{"d":{"name":[{"exists":true}],"info":{"x":["1"]}}}`,
		[]string{`{"d":[{"name":"alice","info":{"x":"1"}}]}`},
		[]string{`{"d":[{"name":"alice"},{"info":{"x":"1"}}]}`}},
	{`{"a":{"b":{"x":[{"exists":true}],"y":[{"exists":true}]}}}`,
		[]string{`{"a":[{"b":[{"x":1,"y":2}]}]}`},
		[]string{`{"a":[{"b":[{"x":1},{"y":2}]}]}`}},
	{`{"users":{"name":[{"exists":true}]},"version":["1"]}`,
		[]string{`{"users":[{"name":"alice"}],"version":"1"}`},
		nil},
	{`{"users":{"name":[{"exists":true}]},"version":["2"]}`,
		nil,
		[]string{`{"users":[{"name":"alice"}],"version":"1"}`}},
	{`{"d":{"a":[{"exists":true}],"b":[{"exists":false}]}}`,
		[]string{`{"d":[{"a":1}]}`},
		[]string{`{"d":[{"a":1,"b":2}]}`}},
	{`{"d":{"a":[{"exists":true}]}}`,
		[]string{`{"d":[{"a":1},{"a":2}]}`},
		[]string{`{}`, `{"d":[]}`}},
	{`{"d":{"a":["target"],"b":["found"]}}`,
		[]string{`{"d":[{"a":"x"},{"a":"y"},{"a":"target","b":"found"},{"a":"z"}]}`},
		nil},
	{`{"i":{"p":[{"numeric":[">",0,"<",100]}],"n":[{"exists":true}]}}`,
		[]string{`{"i":[{"n":"w","p":50},{"n":"g","p":200}]}`},
		nil},
	{`{"u":{"s":[{"anything-but":"banned"}],"n":[{"exists":true}]}}`,
		[]string{`{"u":[{"n":"alice","s":"banned"},{"n":"bob","s":"active"}]}`},
		nil},
	{`{"d":{"tags":[{"exists":true}],"type":[{"exists":true}]}}`,
		[]string{`{"d":{"tags":["a","b","c"],"type":"GROUP"}}`},
		nil},
	{`{"d":{"tags":[{"prefix":"ad"}],"type":[{"exists":true}]}}`,
		[]string{`{"d":{"tags":["admin","user","dev"],"type":"GROUP"}}`},
		nil},
	{`{"d":{"tags":[{"prefix":"super"}],"type":[{"exists":true}]}}`,
		nil,
		[]string{`{"d":{"tags":["admin","user","dev"],"type":"GROUP"}}`}},
	{`{"detail":{"data":{"name":[{"exists":true}],"type":[{"exists":true}]}}}`,
		[]string{`{"detail":{"data":{"name":["alice","bob"],"type":"GROUP"}}}`},
		nil},
	{`{"tags":[{"exists":true}],"cats":[{"exists":true}],"v":["1"]}`,
		[]string{`{"tags":["a","b"],"cats":["x","y"],"v":"1"}`},
		nil},
	{`{"d":{"name":["target"],"type":["GROUP"]}}`,
		[]string{`{"d":{"name":["a","b","target","c"],"type":"GROUP"}}`},
		nil},
	{`{"d":{"vals":[{"numeric":[">",0,"<",10]}],"type":[{"exists":true}]}}`,
		[]string{`{"d":{"vals":[100,5,200],"type":"ok"}}`},
		nil},
	{`{"d":{"tags":[{"anything-but":"banned"}],"type":[{"exists":true}]}}`,
		[]string{`{"d":{"tags":["banned","ok"],"type":"x"}}`},
		nil},
	{`{"d":{"name":[{"exists":true}],"type":[{"exists":true}]}}`,
		[]string{`{"d":{"name":["only"],"type":"x"}}`},
		[]string{`{"d":{"name":[],"type":"x"}}`}},
	{`{"users":{"name":[{"exists":true}]},"tags":["admin"]}`,
		[]string{`{"users":[{"name":"alice"}],"tags":["admin","user"]}`},
		nil},
	{`{"users":{"name":[{"exists":true}],"email":[{"exists":true}]},"tags":["admin"]}`,
		nil,
		[]string{`{"users":[{"name":"alice"},{"email":"b@x"}],"tags":["admin"]}`}},
	{`{"a":{"b":{"c":{"vals":[{"exists":true}],"type":[{"exists":true}]}}}}`,
		[]string{`{"a":{"b":{"c":{"vals":["x","y","z"],"type":"ok"}}}}`},
		nil},
	{`{"d":{"name":[{"suffix":"ice"}],"type":[{"exists":true}]}}`,
		[]string{`{"d":[{"name":"alice","type":"user"}]}`},
		[]string{`{"d":[{"name":"alice"},{"type":"user"}]}`}},
	{`{"detail":{"email":[{"exists":true}],"name":[{"exists":true}]}}`,
		[]string{`{"detail":[{"email":"a@x"},{"email":"b@x"},{"email":"c@x"},{"email":"d@x"},{"email":"e@x","name":"eve"}]}`},
		nil},
}

func TestPublishedCases(t *testing.T) {
	pairs := 0
	for _, c := range published {
		p := mustParse(t, c.pattern)
		for _, event := range c.wanted {
			expect(t, p, c.pattern, event, true)
		}
		for _, event := range c.not {
			expect(t, p, c.pattern, event, false)
		}
		pairs += len(c.wanted) + len(c.not)
	}
	if pairs != 51 {
		t.Errorf("%d pairs, of 51", pairs)
	}
}
