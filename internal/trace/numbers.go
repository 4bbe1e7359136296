package trace

import (
	"math"
	"strconv"
	"strings"
)

// numberStyle is how the numbers of a column are written.
type numberStyle struct {
	decimalComma bool
	sure         bool // a number was met that has only this meaning
}

// parse reads a number, as a plain one first. Units and currencies are not taken off: what they
// mean is not known here.
func (s numberStyle) parse(cell string) (float64, bool) {
	switch strings.ToLower(cell) {
	case "", "nan", "na", "n/a", "null", "none", "-", "#n/a":
		return math.NaN(), true
	}
	cell = strings.TrimSuffix(cell, "%")
	if !s.decimalComma {
		if v, err := strconv.ParseFloat(cell, 64); err == nil {
			return v, !math.IsInf(v, 0)
		}
	}
	plain, ok := s.plain(cell)
	if !ok {
		return 0, false
	}
	v, err := strconv.ParseFloat(plain, 64)
	return v, err == nil && !math.IsInf(v, 0)
}

// plain is a number without separators of thousands and with a decimal point.
func (s numberStyle) plain(cell string) (string, bool) {
	thousands, decimal := ",", "."
	if s.decimalComma {
		thousands, decimal = ".", ","
	}
	whole, fraction, hasFraction := strings.Cut(cell, decimal)
	for _, space := range []string{" ", "\u00a0", "\u202f", "'", "_"} {
		if strings.Contains(whole, space) {
			thousands = space
		}
	}
	groups := strings.Split(strings.TrimLeft(whole, "+-"), thousands)
	for i, group := range groups {
		if i > 0 && len(group) != 3 || len(groups) > 1 && (len(group) == 0 || len(group) > 3) || strings.Trim(group, "0123456789") != "" {
			return "", false
		}
	}
	plain := strings.Join(groups, "")
	if strings.HasPrefix(whole, "-") {
		plain = "-" + plain
	}
	if hasFraction {
		plain += "." + fraction
	}
	return plain, true
}

// styleOf finds out how numbers are written. It reports whether it could tell: "1,234" alone is
// 1234 or 1.234.
func styleOf(cells []string) (numberStyle, bool) {
	point, comma, doubtful := false, false, false
	for _, cell := range cells {
		switch {
		case strings.Count(cell, ",") == 0 && strings.Count(cell, ".") == 0:
		case strings.Count(cell, ",") == 0:
			point = point || strings.Count(cell, ".") == 1 // 1.234.567 has no point
			comma = comma || strings.Count(cell, ".") > 1
		case strings.LastIndex(cell, ",") > strings.LastIndex(cell, ".") && strings.Contains(cell, "."), !threeAfter(cell):
			comma = true
		case strings.Count(cell, ",") > 1 || strings.Contains(cell, "."):
			point = true
		default:
			doubtful = true
		}
	}
	return numberStyle{decimalComma: comma, sure: point || comma}, point != comma || !point && !doubtful
}

// threeAfter is whether exactly three digits follow each comma.
func threeAfter(cell string) bool {
	whole, _, _ := strings.Cut(cell, ".")
	for _, group := range strings.Split(whole, ",")[1:] {
		if len(group) != 3 {
			return false
		}
	}
	return true
}
