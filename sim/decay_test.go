package sim

import (
	"math"
	"testing"
)

func TestDecayIsThatOfTheExponentialFunction(t *testing.T) {
	for x := 0.0; x < 690; x += 0.0137 {
		if got, want := decay(x), math.Exp(-x); math.Abs(got/want-1) > 2e-12 {
			t.Fatalf("decay(%v) = %v, want %v", x, got, want)
		}
	}
	for _, x := range []float64{700, 1e9, math.Inf(1), math.NaN()} {
		if got := decay(x); got != 0 {
			t.Errorf("decay(%v) = %v, want 0", x, got)
		}
	}
}
