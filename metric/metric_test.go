package metric_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"flyball/metric"
)

func ExampleNewID() {
	id := metric.NewID("AWS/ECS", "CPUUtilization",
		metric.Dimension{Name: "ServiceName", Value: "web"},
		metric.Dimension{Name: "ClusterName", Value: "prod"})
	fmt.Println(id.Dimensions)
	// Output: [{ClusterName prod} {ServiceName web}]
}

func TestTheOrderOfDimensionsDoesNotMatter(t *testing.T) {
	a, b := metric.Dimension{Name: "A", Value: "1"}, metric.Dimension{Name: "B", Value: "2"}
	if metric.NewID("N", "m", a, b).Key() != metric.NewID("N", "m", b, a).Key() {
		t.Error("the keys differ")
	}
}

func TestNewIDLeavesItsArgumentsAlone(t *testing.T) {
	given := []metric.Dimension{{Name: "B"}, {Name: "A"}}
	metric.NewID("N", "m", given...)
	if given[0].Name != "B" {
		t.Error("the slice was sorted")
	}
}

func TestAKeyGivesItsIDBack(t *testing.T) {
	name := rapid.StringMatching(`[ -~]{1,8}`)
	rapid.Check(t, func(t *rapid.T) {
		dimensions := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) metric.Dimension {
			return metric.Dimension{Name: name.Draw(t, "name"), Value: name.Draw(t, "value")}
		}), 0, metric.MaxDimensions).Draw(t, "dimensions")
		id := metric.NewID(name.Draw(t, "namespace"), name.Draw(t, "metric"), dimensions...)
		if got := id.Key().ID(); got.Key() != id.Key() || len(dimensions) > 0 && !reflect.DeepEqual(got, id) {
			t.Errorf("got %v, want %v", got, id)
		}
	})
}

func TestUnitsAreAWSs(t *testing.T) {
	units := metric.Units()
	if len(units) != 27 || !slices.Contains(units, "Count/Second") || !slices.Contains(units, metric.None) {
		t.Errorf("got %v", units)
	}
	units[0] = "changed"
	if metric.Units()[0] != "Seconds" {
		t.Error("a caller can change the units")
	}
}
