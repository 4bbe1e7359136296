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

func TestFunctionIDs(t *testing.T) {
	long := strings.Repeat("a", 255)
	for id, valid := range map[string]bool{
		"function:f:live":          true,
		"function:my_f-1:12":       true,
		"function:f:$LATEST":       false,
		"function:f":               false,
		"function:f:":              false,
		"function::live":           false,
		"function:f:live:more":     false,
		"function:" + long + "a:v": false,
		"function/f/live":          false,
		"f:live":                   false,
		"service/prod/web":         false,
		"function:function:f:live": false,
		"function:f:live\n":        false,
	} {
		if got, err := scaling.ParseResourceID(scaling.Functions, id); (err == nil) != valid || valid && string(got) != id {
			t.Errorf("ParseResourceID(%q) = %q, %v; valid: %t", id, got, err, valid)
		}
	}
}

func TestTheKindOfAResourceIsInItsID(t *testing.T) {
	for id, want := range map[scaling.ResourceID]string{
		scaling.ServiceID("prod", "web"):     "ecs ecs:service:DesiredCount",
		scaling.FunctionID("f", "live"):      "lambda lambda:function:ProvisionedConcurrency",
		scaling.ServiceID("function", "web"): "ecs ecs:service:DesiredCount",
	} {
		if k := id.Kind(); k.Namespace()+" "+k.Dimension() != want {
			t.Errorf("%s is of %s %s, want %s", id, k.Namespace(), k.Dimension(), want)
		}
	}
}
