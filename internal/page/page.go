// Package page cuts long listings into pages, with the opaque tokens that AWS
// APIs hand out.
package page

import (
	"encoding/base64"
	"errors"
	"sort"
)

// ErrToken is returned for a token that no listing handed out. Services answer
// it with their own error code.
var ErrToken = errors.New("page: invalid token")

// Of returns the page of items that a token asks for, and the token of the
// next page or nil at the end. Items must be sorted by their keys, which must
// be unique and not empty; a page starts after the key in the token, so items
// that come or go between two calls neither repeat nor hide others. Limit must
// be positive.
func Of[T any](items []T, key func(T) string, token *string, limit int) ([]T, *string, error) {
	start := 0
	if after, err := Key(token); err != nil {
		return nil, nil, err
	} else if after != "" {
		start = sort.Search(len(items), func(i int) bool { return key(items[i]) > after })
	}
	items = items[start:]
	if len(items) <= limit {
		return items, nil, nil
	}
	items = items[:limit]
	next := Token(key(items[limit-1]))
	return items, &next, nil
}

// mark makes a token recognizable, so that a stray string is refused.
const mark = "flyball1:"

// Token is the token of the page that starts after the item with this key, for
// listings that are read from elsewhere than a slice.
func Token(key string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(mark + key))
}

// Key is the key that a token holds, or "" without a token.
func Key(token *string) (string, error) {
	if token == nil || *token == "" {
		return "", nil
	}
	b, err := base64.RawURLEncoding.DecodeString(*token)
	if err != nil || len(b) < len(mark) || string(b[:len(mark)]) != mark {
		return "", ErrToken
	}
	return string(b[len(mark):]), nil
}

// Limit is the size of a page: what was asked for, up to the most that an
// operation gives, or without that its usual size. It is not ok when less than
// one item was asked for; services have errors of their own for that, and for
// more than the most if they refuse it.
func Limit(asked *int32, usual, most int) (limit int, ok bool) {
	switch {
	case asked == nil:
		return usual, true
	case *asked < 1:
		return 0, false
	}
	return min(int(*asked), most), true
}
