package process

import (
	"strings"
	"testing"

	"github.com/containerd/cgroups/v3"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

func TestAContainerSeesTheLimitOfItsMemory(t *testing.T) {
	needCgroups(t)
	reference := pushed(t, v1.Config{Entrypoint: []string{"/program"}}, scratch(t))
	file := "/sys/fs/cgroup/memory.max"
	if cgroups.Mode() != cgroups.Unified {
		file = "/sys/fs/cgroup/memory/memory.limit_in_bytes"
	}
	onEachRooting(t, func(t *testing.T, r *Runtime, how rooting) {
		if how.user {
			t.Skip("nothing limits tasks there")
		}
		spec := running("task", reference, "cat:"+file, "write:"+file)
		spec.Memory = 64
		got, _ := output(t, r, spec)
		if got[0] != "cat "+file+": 67108864" || !strings.HasSuffix(got[len(got)-1], "read-only file system") {
			t.Errorf("got %q, want 64 MiB, and that it cannot be changed", got)
		}
	})
}
