package console

import "testing"

// No access key has more followers of searches than its share, and all of them together not more than
// there can be; one that leaves makes room.
func TestFollowersOfSearchesAreBounded(t *testing.T) {
	var f followers
	for i := range mostOfOne {
		if !f.enter("a") {
			t.Fatalf("follower %d of a key is refused", i)
		}
	}
	if f.enter("a") {
		t.Error("one more follower of the key is let in")
	}
	all := mostOfOne
	for _, key := range []string{"b", "c", "d", "e"} {
		for range mostOfOne {
			if f.enter(key) {
				all++
			}
		}
	}
	if all != mostFollowers {
		t.Errorf("%d followers are let in, want %d", all, mostFollowers)
	}
	f.leave("a")
	if !f.enter("b") && !f.enter("a") {
		t.Error("one that has left made no room")
	}
}
