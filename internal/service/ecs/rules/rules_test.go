package rules

import (
	"strings"
	"testing"
)

func TestNamesHaveUpTo255Characters(t *testing.T) {
	for name, want := range map[string]bool{
		"": false, "web_1-a": true, "web.1": false, "web\n": false,
		strings.Repeat("a", 255): true, strings.Repeat("a", 256): false,
	} {
		if got := ValidName(name); got != want {
			t.Errorf("ValidName(%.10q, %d long) = %t", name, len(name), got)
		}
	}
}
