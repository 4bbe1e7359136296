package metric_test

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"flyball/metric"
)

func ExampleSet() {
	var s metric.Set
	s.Add(72.5, 1)
	s.Add(61, 3)
	average, _ := s.Value(metric.Average)
	median, _ := s.Value(metric.Percentile(50))
	fmt.Println(s.Count, average, median)
	// Output: 4 63.875 61
}

// oneToTen holds 1, 2 ... 10.
func oneToTen() metric.Set {
	var s metric.Set
	for v := range 10 {
		s.Add(float64(10-v), 1)
	}
	return s
}

func TestStatisticsOfOneToTen(t *testing.T) {
	for name, want := range map[string]float64{
		"SampleCount": 10,
		"Sum":         55,
		"Average":     5.5,
		"Minimum":     1,
		"Maximum":     10,
		"p0":          1,
		"p10":         1,
		"p10.01":      2,
		"p50":         5,
		"p55":         6,
		"p99":         10,
		"p100":        10,
		"IQM":         (0.5*3 + 4 + 5 + 6 + 7 + 0.5*8) / 5,
		"tm90":        5,
		"tc90":        9,
		"ts90":        45,
		"tm95":        (45 + 0.5*10) / 9.5,
		"TM(20%:80%)": 5.5,
		"TS(80%:)":    19,
		"TM(3:7)":     5.5, // 4, 5, 6, 7: the lower bound is out, the upper in
		"TC(3:7)":     4,
		"TS(:3)":      6,
		"wm90":        (45 + 9) / 10.0,
		"WM(3:7)":     (3*3 + 4 + 5 + 6 + 7*4) / 10.0,
		"PR(:3)":      30,
		"PR(3:7)":     40,
		"PR(100:)":    0,
	} {
		if got := value(t, oneToTen(), name); math.Abs(got-want) > 1e-9 {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

func TestATrimmedMeanOfNothingHasNoValue(t *testing.T) {
	if v := value(t, oneToTen(), "TM(100:200)"); !math.IsNaN(v) {
		t.Errorf("TM(100:200) of 1..10 is %v, want none", v)
	}
}

func TestCountsWeighValues(t *testing.T) {
	var s metric.Set
	s.AddValues([]float64{10, 20, 30}, []float64{97, 2, 1})
	for name, want := range map[string]float64{"SampleCount": 100, "Sum": 1040, "p97": 10, "p98": 20, "p99": 20, "p99.5": 30} {
		if got := value(t, s, name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

func TestNothingIsReadFromAnEmptySet(t *testing.T) {
	for _, name := range []string{"SampleCount", "Sum", "Average", "p50", "tc90"} {
		if v := value(t, metric.Set{}, name); !math.IsNaN(v) {
			t.Errorf("%s of an empty set is %v, want none", name, v)
		}
	}
}

// GetMetricStatistics in the API reference says when percentiles are to be had.
func TestPercentilesNeedTheValues(t *testing.T) {
	statistics := func(count, sum, low, high float64) metric.Set {
		var s metric.Set
		s.AddStatistics(count, sum, low, high)
		return s
	}
	merged := oneToTen()
	merged.Merge(statistics(2, 3, 1, 2))
	var negative metric.Set
	negative.AddValues([]float64{1, -2, 3}, nil)
	for _, test := range []struct {
		name string
		set  metric.Set
		want float64
	}{
		{"a statistic set has none", statistics(2, 3, 1, 2), math.NaN()},
		{"a statistic set of one value has them", statistics(1, 7, 7, 7), 7},
		{"a statistic set with one value many times has them", statistics(9, 63, 7, 7), 7},
		{"a statistic set spoils the values it is merged with", merged, math.NaN()},
		{"a negative value spoils them all", negative, math.NaN()},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := value(t, test.set, "p50")
			if got != test.want && !(math.IsNaN(got) && math.IsNaN(test.want)) {
				t.Errorf("p50 is %v, want %v", got, test.want)
			}
			if _, ok := test.set.Value(metric.Average); !ok {
				t.Error("there is no average")
			}
		})
	}
}

// values draws what may be measured: seldom the same, sometimes far apart.
func values() *rapid.Generator[[]float64] {
	one := rapid.OneOf(
		rapid.Map(rapid.IntRange(0, 9), func(n int) float64 { return float64(n) }),
		rapid.Float64Range(0, 1000),
		rapid.Float64Range(0, 1e100),
	)
	return rapid.SliceOfN(one, 1, 200)
}

func TestPercentilesAreWithinOnePercent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		vs := rapid.SliceOfN(rapid.Float64Range(1, 1000), 1, 400).Draw(t, "values")
		p := rapid.Float64Range(0, 100).Draw(t, "p")
		var s metric.Set
		s.AddValues(vs, nil)
		got, ok := s.Value(metric.Percentile(p))
		if !ok {
			t.Fatal("no percentile")
		}
		slices.Sort(vs)
		rank := int(math.Ceil(p/100*float64(len(vs))-1e-9)) - 1
		want := vs[max(rank, 0)]
		if math.Abs(got-want) > 0.01*want*1.0001 {
			t.Errorf("p%v of %d values is %v, want %v", p, len(vs), got, want)
		}
	})
}

func TestStatisticsLieBetweenMinimumAndMaximum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s metric.Set
		s.AddValues(values().Draw(t, "values"), nil)
		stat := rapid.SampledFrom([]string{"Average", "p10", "p50", "p99.9", "tm90", "IQM", "wm95"}).Draw(t, "stat")
		parsed, _ := metric.ParseStatistic(stat)
		got, ok := s.Value(parsed)
		if slack := 1e-9 * s.Max; !ok || got < s.Min-slack || got > s.Max+slack {
			t.Errorf("%s is %v, %v outside %v..%v", stat, got, ok, s.Min, s.Max)
		}
	})
}

func TestMergingIsTheSameAsAddingAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := values().Draw(t, "a"), values().Draw(t, "b")
		var whole, left, right metric.Set
		whole.AddValues(append(slices.Clone(a), b...), nil)
		left.AddValues(a, nil)
		right.AddValues(b, nil)
		before := right.Clone()
		left.Merge(right)
		if !reflect.DeepEqual(before, right) {
			t.Error("the merged set has changed")
		}
		for _, p := range []float64{0, 5, 50, 95, 100} {
			got, ok1 := left.Value(metric.Percentile(p))
			want, ok2 := whole.Value(metric.Percentile(p))
			if ok1 != ok2 || math.Abs(got-want) > 1e-9*want {
				t.Errorf("p%v is %v, want %v", p, got, want)
			}
		}
		if left.Count != whole.Count || left.Min != whole.Min || left.Max != whole.Max || math.Abs(left.Sum-whole.Sum) > 1e-9*whole.Sum {
			t.Errorf("got %v, want %v", left, whole)
		}
	})
}

func TestMergeTotalsKnowsTheFiveStatisticsOnly(t *testing.T) {
	s := oneToTen()
	s.MergeTotals(oneToTen())
	if s.Count != 20 || s.Sum != 110 || s.Min != 1 || s.Max != 10 {
		t.Errorf("got %v", s)
	}
	if _, ok := s.Value(metric.Percentile(50)); ok {
		t.Error("it has percentiles")
	}
}

func TestACloneGrowsAlone(t *testing.T) {
	s := oneToTen()
	c := s.Clone()
	c.Add(11, 1)
	c.Add(3, 100)
	if got := value(t, s, "p50"); got != 5 {
		t.Errorf("p50 of the original is %v, want 5", got)
	}
}

func TestADistributionIsBounded(t *testing.T) {
	var s metric.Set
	v := 1e-30
	for range 20_000 {
		s.Add(v, 1)
		v *= 1.008
	}
	if size := len(s.Append(nil)); size > 4096 {
		t.Errorf("an encoded set of %v values has %d bytes", s.Count, size)
	}
	got, want := value(t, s, "p99"), 1e-30*math.Pow(1.008, 0.99*20_000-1)
	if math.Abs(got-want) > 0.02*want {
		t.Errorf("p99 is %v, want about %v", got, want)
	}
}

// sets draws sets of every kind.
func sets() *rapid.Generator[metric.Set] {
	return rapid.Custom(func(t *rapid.T) metric.Set {
		var s metric.Set
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			s.Add(rapid.Float64Range(-1e100, 1e100).Draw(t, "value"), float64(rapid.IntRange(1, 5).Draw(t, "count")))
		case 1:
			s.AddStatistics(3, 12.5, -1, rapid.Float64Range(0, 1e9).Draw(t, "max"))
		case 2:
			s.AddValues(values().Draw(t, "values"), nil)
		}
		return s
	})
}

func TestASetSurvivesEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := sets().Draw(t, "set")
		stat := statistics().Draw(t, "statistic")
		got, rest, err := metric.DecodeSet(append(s.Append(nil), "rest"...))
		if err != nil || string(rest) != "rest" {
			t.Fatalf("decode: %v, rest %q", err, rest)
		}
		before, ok1 := s.Value(stat)
		after, ok2 := got.Value(stat)
		if before != after || ok1 != ok2 {
			t.Errorf("%v was %v, %v and is %v, %v", stat, before, ok1, after, ok2)
		}
	})
}

func TestEncodedSizes(t *testing.T) {
	var many metric.Set
	for i := range 150 {
		many.Add(20+float64(i)*1.7, 1)
	}
	for _, test := range []struct {
		name  string
		set   metric.Set
		limit int
	}{
		{"empty", metric.Set{}, 1},
		{"one whole number", metric.Set{Count: 1, Sum: 50, Min: 50, Max: 50}, 4},
		{"one value", metric.Set{Count: 1, Sum: 0.1, Min: 0.1, Max: 0.1}, 10},
		{"150 values", many, 800},
	} {
		if size := len(test.set.Append(nil)); size > test.limit {
			t.Errorf("%s: %d bytes, want at most %d", test.name, size, test.limit)
		}
	}
}

func FuzzDecodeSet(f *testing.F) {
	ten, many := oneToTen(), oneToTen()
	for v := range 100 {
		many.Add(float64(v), 2)
	}
	for _, s := range []metric.Set{{}, {Count: 1, Sum: 2, Min: 2, Max: 2}, {Count: 3, Sum: 6, Min: 1, Max: 3}, ten, many} {
		f.Add(s.Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, rest, err := metric.DecodeSet(b)
		if err != nil {
			return
		}
		again, _, err := metric.DecodeSet(s.Append(nil))
		if err != nil || !reflect.DeepEqual(s, again) {
			t.Errorf("%x decodes to %+v, then to %+v, %v (rest %x)", b, s, again, err, rest)
		}
		// Whatever came in, the set can be used.
		s.Add(5, 1)
		for _, name := range []string{"Average", "p99", "tm90", "WM(1:2)", "PR(:5)"} {
			if stat, _ := metric.ParseStatistic(name); true {
				s.Value(stat)
			}
		}
	})
}

func BenchmarkAddValues150(b *testing.B) {
	vs := make([]float64, 150)
	for i := range vs {
		vs[i] = 20 + math.Mod(float64(i)*37.3, 200)
	}
	b.ReportAllocs()
	for b.Loop() {
		var s metric.Set
		s.AddValues(vs, nil)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(vs)), "ns/value")
}

func BenchmarkMerge150(b *testing.B) {
	var s metric.Set
	for i := range 150 {
		s.Add(20+math.Mod(float64(i)*37.3, 200), 1)
	}
	b.ReportAllocs()
	for b.Loop() {
		t := s.Clone()
		t.Merge(s)
	}
}

func BenchmarkPercentile150(b *testing.B) {
	var s metric.Set
	for i := range 150 {
		s.Add(20+math.Mod(float64(i)*37.3, 200), 1)
	}
	b.ReportAllocs()
	for b.Loop() {
		s.Value(metric.Percentile(99))
	}
}
