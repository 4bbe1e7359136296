package autoscaling

import (
	"strings"
	"testing"
)

func TestResourceIDs(t *testing.T) {
	long, longer := strings.Repeat("a", 255), strings.Repeat("a", 256)
	for id, want := range map[string]bool{
		"service/prod/web_1-a": true, "service/prod": false, "service//web": false, "service/prod/": false,
		"service/prod/web/1": false, "prod/web": false, "service/prod/we b": false,
		"service/" + long + "/" + long: true, "service/" + longer + "/a": false, "service/a/" + longer: false,
	} {
		if got := validResourceID(id); got != want {
			t.Errorf("validResourceID(%.20q, %d long) = %t", id, len(id), got)
		}
	}
}
