package awslogs

import (
	"reflect"
	"testing"
)

func TestOptionsSayWhereALogGoes(t *testing.T) {
	group := map[string]string{"awslogs-group": "/ecs/web", "awslogs-region": "eu-west-2"}
	for _, tt := range []struct {
		name    string
		options map[string]string
		mode    string
		want    Destination
	}{
		{"no more than needed", nil, NonBlocking, Destination{Stream: "id", Buffer: 10 << 20}},
		{"a prefix", map[string]string{"awslogs-stream-prefix": "web"}, NonBlocking, Destination{Stream: "web/main/task", Buffer: 10 << 20}},
		{"the account's mode", nil, Blocking, Destination{Stream: "id", Buffer: 10 << 20, Blocking: true}},
		{"its own mode", map[string]string{"mode": "non-blocking", "max-buffer-size": "25m"}, Blocking, Destination{Stream: "id", Buffer: 25 << 20}},
		{"a group that may be made", map[string]string{"awslogs-create-group": "true", "max-buffer-size": "512KiB"}, NonBlocking, Destination{Stream: "id", Buffer: 512 << 10, CreateGroup: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			options := map[string]string{}
			for _, from := range []map[string]string{group, tt.options} {
				for k, v := range from {
					options[k] = v
				}
			}
			got, err := ParseOptions(options, tt.mode, "main", "task", "id")
			tt.want.Group, tt.want.Region = "/ecs/web", "eu-west-2"
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%+v, %v; want %+v", got, err, tt.want)
			}
		})
	}
}

func TestOptionsThatMeanNothingAreRefused(t *testing.T) {
	for _, options := range []map[string]string{
		{"max-buffer-size": "much"},
		{"max-buffer-size": "-1m"},
		{"max-buffer-size": "1x"},
		{"awslogs-multiline-pattern": "("},
		{"awslogs-multiline-pattern": "a", "awslogs-datetime-format": "%Y"},
	} {
		if to, err := ParseOptions(options, NonBlocking, "main", "task", "id"); err == nil {
			t.Errorf("%v is taken as %+v", options, to)
		}
	}
}

func TestADatetimeFormatMatchesLinesWithSuchATime(t *testing.T) {
	for _, tt := range []struct {
		format, line string
		matches      bool
	}{
		{"%Y-%m-%dT%H:%M:%S,%f", "2026-03-01T12:00:00,123456 began", true},
		{"%Y-%m-%dT%H:%M:%S,%f", "   at 12:00:00", false},
		{"[%b %d, %Y %H:%M:%S]", "[Mar 01, 2026 12:00:00] began", true},
		{"[%b %d, %Y %H:%M:%S]", "Mar 01, 2026 12:00:00", false},
		{"%A %B %p %y%j%L%Z%z%w%a%I%%", "Sunday March PM 26060.123UTCT+02000Sun12%", true},
		{"%A, %d %B %I%p", "Sunday, 01 March 12PM", true},
		{"%H:%M:%S%L", "12:00:00.123", true},
		{"%z %Q", "+0200 %Q", true},
	} {
		begins, err := firstLine(tt.format, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := begins.MatchString(tt.line); got != tt.matches {
			t.Errorf("%q matches %q: %v, want %v", tt.format, tt.line, got, tt.matches)
		}
	}
}
