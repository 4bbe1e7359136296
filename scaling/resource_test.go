package scaling_test

import (
	"strings"
	"testing"

	"flyball/scaling"
)

func TestServiceIDs(t *testing.T) {
	long := strings.Repeat("a", 255)
	for id, valid := range map[string]bool{
		"service/prod/web":             true,
		"service/Prod_1/web-2":         true,
		"service/" + long + "/" + long: true,
		"service/" + long + "a/web":    false,
		"service/prod/" + long + "a":   false,
		"service/prod":                 false,
		"service/prod/":                false,
		"service//web":                 false,
		"service/prod/web/more":        false,
		"prod/web":                     false,
		"prod":                         false,
		"":                             false,
		"services/prod/web":            false,
		"service/prod/wéb":             false,
		"service/prod/web\n":           false,
		"service/service/prod/web":     false,
		"table/prod":                   false,
	} {
		if got, err := scaling.ParseServiceID(id); (err == nil) != valid || valid && string(got) != id {
			t.Errorf("ParseServiceID(%q) = %q, %v; valid: %t", id, got, err, valid)
		}
	}
}
