package simulation

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"flyball/sim"
)

// agreed is an agreement as people write it.
var agreed = regexp.MustCompile(`^p(\d{1,2}(?:\.\d{1,4})?)\s*<=?\s*(.+)$`)

// ParseAgreement reads an agreement such as "p95 < 300ms": of the requests of each minute
// 95 % are answered within 300 ms.
func ParseAgreement(text string) (sim.Agreement, error) {
	m := agreed.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return sim.Agreement{}, fmt.Errorf("%q is no agreement: write one such as 'p95 < 300ms'", text)
	}
	percent, err := strconv.ParseFloat(m[1], 64)
	if err != nil || !(percent > 0) {
		return sim.Agreement{}, fmt.Errorf("%q: p%s is no share of the requests: write one such as p95", text, m[1])
	}
	within, err := time.ParseDuration(strings.TrimSpace(m[2]))
	if err == nil && within <= 0 {
		err = errors.New("not positive")
	}
	if err != nil {
		return sim.Agreement{}, fmt.Errorf("%q: %q is no duration: write one such as 300ms or 1.5s", text, m[2])
	}
	return sim.Agreement{Within: within, Share: percent / 100}, nil
}

// Describe writes an agreement as ParseAgreement reads it.
func Describe(a sim.Agreement) string {
	return fmt.Sprintf("p%s < %s", strconv.FormatFloat(100*a.Share, 'g', 15, 64), short(a.Within))
}
