package pattern

import (
	"strconv"
	"strings"
)

// A decimal is a number of a document as it is compared: as a double where that says
// exactly what is written, otherwise only as text.
type decimal struct {
	value float64
	exact bool
}

func decimalOf(written string) decimal {
	value, err := strconv.ParseFloat(written, 64)
	if err != nil {
		return decimal{}
	}
	if len(written) <= 15 && !strings.ContainsAny(written, ".eE") {
		return decimal{value + 0, true}
	}
	shortest := strconv.FormatFloat(value, 'e', -1, 64)
	return decimal{value + 0, normalized(written) == normalized(shortest)}
}

// scientific is a number as its digits, without zeros at either end, and the power of
// ten of the first one: 120.50 is 1205 and 2.
type scientific struct {
	negative bool
	digits   string
	power    int
}

func normalized(written string) scientific {
	rest, negative := strings.CutPrefix(written, "-")
	mantissa, exponent := rest, 0
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		mantissa = rest[:i]
		exponent, _ = strconv.Atoi(rest[i+1:])
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := whole + fraction
	significant := strings.TrimLeft(digits, "0")
	power := exponent + len(whole) - 1 - (len(digits) - len(significant))
	significant = strings.TrimRight(significant, "0")
	if significant == "" {
		return scientific{}
	}
	return scientific{negative, significant, power}
}
