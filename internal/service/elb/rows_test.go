package elb

import (
	"reflect"
	"testing"
)

// A member of a row that is called as one of the SDK's type in it would be written
// in its place.
func TestRowsHideNothingOfTheSDKs(t *testing.T) {
	for _, row := range []any{loadBalancer{}, targetGroup{}, listener{}, rule{}, target{}} {
		r := reflect.TypeOf(row)
		sdk := r.Field(0).Type
		for i := 1; i < r.NumField(); i++ {
			if _, hidden := sdk.FieldByName(r.Field(i).Name); hidden {
				t.Errorf("%s.%s hides that of %s", r.Name(), r.Field(i).Name, sdk)
			}
		}
	}
}
