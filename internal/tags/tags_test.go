package tags_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"flyball/internal/tags"
)

func TestMergeRefuses(t *testing.T) {
	many := map[string]string{}
	for i := range tags.Most {
		many[fmt.Sprint(i)] = ""
	}
	for name, tt := range map[string]struct {
		have, add map[string]string
		want      error
	}{
		"a reserved key":                  {nil, map[string]string{"AWS:x": ""}, tags.ErrReserved},
		"a key that is empty":             {nil, map[string]string{"": ""}, tags.ErrKey},
		"a key that is too long":          {nil, map[string]string{strings.Repeat("é", 129): ""}, tags.ErrKey},
		"a value that is too long":        {nil, map[string]string{"a": strings.Repeat("é", 257)}, tags.ErrValue},
		"one more than a resource has":    {many, map[string]string{"a": ""}, tags.ErrTooMany},
		"nothing: long keys and values":   {nil, map[string]string{strings.Repeat("é", 128): strings.Repeat("é", 256)}, nil},
		"nothing: a key that was there":   {many, map[string]string{"7": "new"}, nil},
		"nothing: reserved ones it keeps": {map[string]string{"aws:x": ""}, map[string]string{"a": ""}, nil},
	} {
		if _, err := tags.Merge(tt.have, tt.add, tags.Most); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestMergeAndRemoveLeaveWhatTheyAreGiven(t *testing.T) {
	have := map[string]string{"a": "1", "b": "2"}
	merged, err := tags.Merge(have, map[string]string{"b": "3", "c": "4"}, tags.Most)
	if err != nil || !maps.Equal(merged, map[string]string{"a": "1", "b": "3", "c": "4"}) {
		t.Errorf("merged are %v, %v", merged, err)
	}
	if left := tags.Remove(have, []string{"a", "x"}); !maps.Equal(left, map[string]string{"b": "2"}) {
		t.Errorf("left are %v", left)
	}
	if !maps.Equal(have, map[string]string{"a": "1", "b": "2"}) {
		t.Errorf("given were %v", have)
	}
}

func TestListsAreByKey(t *testing.T) {
	type tag struct{ Key, Value *string }
	list := tags.List(map[string]string{"b": "2", "a": "1"}, func(k, v string) tag { return tag{&k, &v} })
	if got := []string{*list[0].Key, *list[1].Key}; !slices.Equal(got, []string{"a", "b"}) {
		t.Error(got)
	}
	back := tags.Map(append(list, tag{}), func(t tag) (k, v *string) { return t.Key, t.Value })
	if !maps.Equal(back, map[string]string{"a": "1", "b": "2", "": ""}) {
		t.Error(back)
	}
}
