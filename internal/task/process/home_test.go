package process

import "testing"

func TestOnlyRootGivesAContainerTheHomeOfItsUser(t *testing.T) {
	t.Setenv("HOME", "/home/me")
	for _, tt := range []struct {
		user string
		uid  int
		want string
	}{
		{"", 0, "/home/me"},
		{"0", 0, "/root"},
		{"4294967000:1", 0, "/"},
		{"0", 1000, "/home/me"},
		{"", 1000, "/home/me"},
	} {
		if got := homeOf(tt.user, tt.uid); got != tt.want {
			t.Errorf("%q for %d: got %s, want %s", tt.user, tt.uid, got, tt.want)
		}
	}
}
