package console

import (
	"slices"
	"strings"
	"testing"
)

func TestPairsAreReadAsTheyAreWritten(t *testing.T) {
	all := [][2]string{
		{"team", "shop"}, {"a=b", "c=d"}, {"a, b", "c, d"}, {`"`, `"`}, {" space ", ""}, {`back\slash`, `\`}, {"new\nline", "a\nb"}, {"größe", "20 €"}, {"x", `"quoted", twice`},
	}
	var texts []string
	for _, p := range all {
		texts = append(texts, paired(p[0], p[1]))
	}
	got, err := pairs(strings.Join(texts, ", "))
	if err != nil || !slices.Equal(got, all) {
		t.Errorf("%q is read as %q: %v", texts, got, err)
	}
}

func TestPairsThatAreNone(t *testing.T) {
	for _, text := range []string{"team", "=shop", `"team=shop`, `"team"shop=x`, `team="shop" x`, `a=b, c`} {
		if got, err := pairs(text); err == nil {
			t.Errorf("%s is read as %q", text, got)
		}
	}
	for _, text := range []string{"", " , ,", "\n"} {
		if got, err := pairs(text); err != nil || len(got) > 0 {
			t.Errorf("%q is read as %q: %v", text, got, err)
		}
	}
}
