package resource

import (
	"fmt"
	"strings"
	"testing"
)

// all are the kinds in an order in which none hides another.
var all = []Kind{Service, Task, Cluster, Function, Queue, LogGroup}

func TestWhatATextMayName(t *testing.T) {
	const id = "0f9d1c62b1a84f3f9f6c5d1f2b7a9e10"
	for _, tt := range []struct{ text, want string }{
		{"demo/web", "service demo/web, log group demo/web"},
		{"service/demo/web", "service demo/web"},
		{"service/web", "service web"},
		{"web", "service web, cluster web, function web, queue web, log group web"},
		{"arn:aws:ecs:eu-west-1:123456789012:service/demo/web", "service demo/web of eu-west-1 123456789012"},
		{"arn:aws:ecs:eu-west-1:123456789012:service/web", "service web of eu-west-1 123456789012"},
		{"arn:aws:ecs:eu-west-1:123456789012:task/demo/" + id, "task demo/" + id + " of eu-west-1 123456789012"},
		{"arn:aws-cn:ecs:cn-north-1:123456789012:cluster/demo", "cluster demo of cn-north-1 123456789012"},
		{"demo/0f9d1c62", "service demo/0f9d1c62, task demo/0f9d1c62, log group demo/0f9d1c62"},
		{"task/demo/0f9d", "task demo/0f9d"},
		{"task/" + id, "task " + id},
		{"cluster/demo", "cluster demo"},
		{"function:resize:live", "function resize:live"},
		{"resize:live", "function resize:live"},
		{"resize:$LATEST", "function resize:$LATEST"},
		{"function:resize", "function resize"},
		{"arn:aws:lambda:us-east-1:123456789012:function:resize:7", "function resize:7 of us-east-1 123456789012"},
		{"vouchers.fifo", "queue vouchers.fifo, log group vouchers.fifo"},
		{"arn:aws:sqs:us-east-1:123456789012:vouchers", "queue vouchers of us-east-1 123456789012"},
		{"http://127.0.0.1:4566/123456789012/vouchers", "queue vouchers of  123456789012"},
		{"/ecs/web", "log group /ecs/web"},
		{"arn:aws:logs:us-east-1:123456789012:log-group:/ecs/web:*", "log group /ecs/web of us-east-1 123456789012"},
	} {
		names, err := Parse(tt.text, all...)
		if err != nil {
			t.Errorf("%s: %v", tt.text, err)
			continue
		}
		var got []string
		for _, n := range names {
			said := fmt.Sprintf("%s %s", n.Kind, n)
			if n.Account != "" {
				said += fmt.Sprintf(" of %s %s", n.Region, n.Account)
			}
			got = append(got, said)
		}
		if got := strings.Join(got, ", "); got != tt.want {
			t.Errorf("%s is %s; want %s", tt.text, got, tt.want)
		}
	}
}

func TestATextThatNamesNothingIsAnsweredWithWhatToType(t *testing.T) {
	for _, tt := range []struct {
		text string
		of   []Kind
		want string
	}{
		{"", []Kind{Service}, `"" is no name of a service; name a service such as demo/web, or give its ARN`},
		{"a b", []Kind{Service}, `"a b" is no name of a service; name a service such as demo/web, or give its ARN`},
		{"a/b/c", []Kind{Service}, `"a/b/c" is no name of a service; name a service such as demo/web, or give its ARN`},
		{"/ecs/web", []Kind{Service}, "/ecs/web names a log group, not a service"},
		{"service//web", []Kind{Service}, `"service//web" is no name`},
		{"arn:aws:ecs", []Kind{Service}, `"arn:aws:ecs" is no name`},
		{"arn:aws:sqs:us-east-1:123456789012:jobs", []Kind{Service, Function},
			"names a queue, not a service or function; name a service such as demo/web, or a function such as resize:live, or give its ARN"},
		{"http://127.0.0.1/", []Kind{Queue}, "name a queue such as vouchers"},
		{"0f9", []Kind{Task}, "name a task such as 0f9d1c62"},
		{strings.Repeat("w", 256), []Kind{Service}, "is no name of a service"},
	} {
		names, err := Parse(tt.text, tt.of...)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, %v; want an error with %s", tt.text, names, err, tt.want)
		}
	}
}

func TestTheNearestNamesAreThoseAFewLettersAway(t *testing.T) {
	var there []Name
	for _, text := range []string{"demo/web", "demo/worker", "prod/web", "prod/api"} {
		cluster, id, _ := strings.Cut(text, "/")
		there = append(there, Name{Kind: Service, Cluster: cluster, ID: id})
	}
	for text, want := range map[string]string{
		"demo/wbe":    "[demo/web]",
		"wbe":         "[demo/web prod/web]",
		"dmeo/worker": "[demo/worker]",
		"demo":        "[demo/web demo/worker]", // all of a cluster
		"shop/basket": "[]",
	} {
		meant, err := Parse(text, Service)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(nearest(meant[0], there)); got != want {
			t.Errorf("nearest to %s are %s, want %s", text, got, want)
		}
	}
}

func TestARegionIsThatOfAnARN(t *testing.T) {
	for text, want := range map[string]string{
		"prod/web":  "",
		"/ecs/web":  "",
		"arn:wrong": "",
		"arn:aws:ecs:eu-west-2:123456789012:task/prod/0f9d1c62b1a84f3f9f6c5d1f2b7a9e10": "eu-west-2",
		"arn:aws:logs:eu-west-1:123456789012:log-group:/ecs/web:*":                      "eu-west-1",
	} {
		if got := Region(text); got != want {
			t.Errorf("%s is in %q, want %q", text, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"demo/web", "service/demo/web", "arn:aws:ecs:us-east-1:123456789012:task/demo/0f9d", "function:a:b", "http://h/123456789012/q", "/a", "0f9d1c62"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		names, err := Parse(text, all...)
		if err != nil && len(names) > 0 || err == nil && len(names) == 0 {
			t.Fatalf("Parse(%q) = %v, %v", text, names, err)
		}
		for _, n := range names { // the short form means the same
			again, err := Parse(n.String(), n.Kind)
			if err != nil || again[0].String() != n.String() || again[0].Kind != n.Kind {
				t.Errorf("%q is %s %q, which is read as %v, %v", text, n.Kind, n, again, err)
			}
		}
	})
}

func TestAServiceIsKnownWithItsCluster(t *testing.T) {
	for _, text := range []string{"demo/web", "service/demo/web", "arn:aws:ecs:us-east-1:123456789012:service/demo/web"} {
		if n, err := ParseService(text); err != nil || n.Cluster != "demo" || n.ID != "web" {
			t.Errorf("%s is %+v, %v", text, n, err)
		}
	}
	for _, text := range []string{"", "web", "demo/", "/web", "demo/web/1", "service/web", "function:resize:live"} {
		if n, err := ParseService(text); err == nil {
			t.Errorf("%q is %+v", text, n)
		}
	}
}
