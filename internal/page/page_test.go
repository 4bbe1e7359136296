package page_test

import (
	"errors"
	"slices"
	"sort"
	"testing"

	"pgregory.net/rapid"

	"flyball/internal/page"
)

func itself(s string) string { return s }

// list reads a listing page by page, and calls between after each page.
func list(t *rapid.T, items func() []string, limit int) []string {
	var all []string
	var token *string
	for {
		got, next, err := page.Of(items(), itself, token, limit)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) > limit || next != nil && len(got) == 0 {
			t.Fatalf("a page of %d with limit %d", len(got), limit)
		}
		all = append(all, got...)
		if token = next; token == nil {
			return all
		}
	}
}

func keys() *rapid.Generator[[]string] {
	return rapid.Custom(func(t *rapid.T) []string {
		all := rapid.SliceOfDistinct(rapid.StringN(1, 4, -1), itself).Draw(t, "keys")
		sort.Strings(all)
		return all
	})
}

func TestPagesHoldEveryItemOnceAndInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items := keys().Draw(t, "items")
		limit := rapid.IntRange(1, 7).Draw(t, "limit")
		got := list(t, func() []string { return items }, limit)
		if !slices.Equal(got, items) {
			t.Errorf("got %q, want %q", got, items)
		}
	})
}

func TestItemsThatComeAndGoNeitherRepeatNorHideOthers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stay, others := keys().Draw(t, "stay"), keys().Draw(t, "come and go")
		got := list(t, func() []string {
			now := slices.Clone(stay)
			for _, extra := range others {
				if i, found := slices.BinarySearch(now, extra); !found && rapid.Bool().Draw(t, "there") {
					now = slices.Insert(now, i, extra)
				}
			}
			return now
		}, rapid.IntRange(1, 7).Draw(t, "limit"))
		if !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
			t.Errorf("out of order or twice: %q", got)
		}
		for _, want := range stay {
			if !slices.Contains(got, want) {
				t.Errorf("%q is hidden", want)
			}
		}
	})
}

func TestThereIsNoTokenAtTheEnd(t *testing.T) {
	for _, items := range [][]string{nil, {"a"}, {"a", "b"}} {
		if _, next, err := page.Of(items, itself, nil, 2); next != nil || err != nil {
			t.Errorf("%q: token %v, %v", items, next, err)
		}
	}
}

func TestAnEmptyTokenIsTheStart(t *testing.T) {
	empty := ""
	got, _, err := page.Of([]string{"a"}, itself, &empty, 2)
	if err != nil || len(got) != 1 {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestAForeignTokenIsRefused(t *testing.T) {
	for _, token := range []string{"x", "eyJhIjoxfQ", "Zmx5YmFsbA", "!!!"} {
		if _, _, err := page.Of([]string{"a"}, itself, &token, 2); !errors.Is(err, page.ErrToken) {
			t.Errorf("token %q: %v, want %v", token, err, page.ErrToken)
		}
	}
}

func FuzzToken(f *testing.F) {
	_, token, _ := page.Of([]string{"a", "b", "c"}, itself, nil, 2)
	f.Add(*token)
	f.Fuzz(func(t *testing.T, token string) {
		got, _, err := page.Of([]string{"a", "b", "c"}, itself, &token, 2)
		if err != nil && got != nil {
			t.Errorf("token %q gives %q and %v", token, got, err)
		}
	})
}
