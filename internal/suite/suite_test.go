package main

import (
	"slices"
	"strings"
	"testing"
)

func TestRoomIsAskedForByWhatIsToBeCompiled(t *testing.T) {
	places := func(cache, work, disk int64) []place {
		return []place{
			{dir: "/cache", what: "its cache", cold: 1000, warm: 100, free: cache, disk: 1},
			{dir: "/tmp", what: "its temporary folder", cold: 2000, warm: 500, free: work, disk: uint64(disk)},
		}
	}
	for name, c := range map[string]struct {
		places []place
		share  float64
		want   bool
	}{
		"all is compiled, on two disks":                {places(1000, 2000, 2), 1, true},
		"all is compiled, and the cache has no room":   {places(999, 2000, 2), 1, false},
		"all is compiled, and the work has no room":    {places(1000, 1999, 2), 1, false},
		"all is compiled, on one disk":                 {places(3000, 3000, 1), 1, true},
		"all is compiled, on one disk for one of them": {places(2999, 2999, 1), 1, false},
		"nothing is compiled":                          {places(100, 500, 2), 0, true},
		"half is compiled, on one disk":                {places(1799, 1799, 1), 0.5, false},
	} {
		if got := enough(c.places, c.share); got != c.want {
			t.Errorf("%s: there is enough: %t", name, got)
		}
	}
	err := lack(places(300, 300, 1), 0.5)
	for _, want := range []string{"550 MiB in its cache, /cache", "1250 MiB in its temporary folder, /tmp, where 300 MiB are free: on one disk", "go clean -cache", "GOTMPDIR=DIR"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}

func TestTestsAreNotLedElsewhere(t *testing.T) {
	got := environment([]string{"HOME=/root", "AWS_PROFILE=work", "AWS_ENDPOINT_URL=http://other", "FLYBALL_ENDPOINT=http://other", "http_proxy=http://proxy", "no_proxy=intra"})
	slices.Sort(got)
	want := []string{
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "HOME=/root", "NO_PROXY=intra," + local, "http_proxy=http://proxy", "no_proxy=intra," + local,
	}
	if !slices.Equal(got, want) {
		t.Errorf("they get %q, want %q", got, want)
	}
}
