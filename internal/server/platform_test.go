package server

import "testing"

func TestWhatDoesNotWorkOnASystemIsSaid(t *testing.T) {
	for _, runtime := range []string{"process", "docker", "idle"} {
		if got := shortcoming("linux", runtime); got != "" {
			t.Errorf("%s on Linux: %s", runtime, got)
		}
		if got := shortcoming("darwin", runtime); (got == "") != (runtime == "idle") {
			t.Errorf("%s on macOS: %q", runtime, got)
		}
	}
}
