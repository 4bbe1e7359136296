package page_test

import (
	"testing"

	"flyball/internal/page"
)

func TestLimit(t *testing.T) {
	n := func(v int32) *int32 { return &v }
	for _, tt := range []struct {
		asked *int32
		limit int
		ok    bool
	}{{nil, 50, true}, {n(1), 1, true}, {n(100), 100, true}, {n(101), 100, true}, {n(0), 0, false}, {n(-1), 0, false}} {
		if limit, ok := page.Limit(tt.asked, 50, 100); limit != tt.limit || ok != tt.ok {
			t.Errorf("got %d, %v", limit, ok)
		}
	}
}
