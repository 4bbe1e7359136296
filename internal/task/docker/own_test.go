package docker

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
)

const containerID = "3f4e0c1b9a7d5e8f3f4e0c1b9a7d5e8f3f4e0c1b9a7d5e8f3f4e0c1b9a7d5e8f"

func TestAContainerIsKnownByTheFilesThatItsEngineMounts(t *testing.T) {
	for name, c := range map[string]struct{ mounts, want string }{
		"Docker": {"601 580 254:0 /var/lib/docker/containers/" + containerID + "/hostname /etc/hostname rw,relatime - ext4 /dev/vda rw", containerID},
		"Podman": {"601 580 0:24 /containers/storage/overlay-containers/" + containerID + "/userdata/hosts /etc/hosts rw - tmpfs tmpfs rw", containerID},
		"the engine's machine, where it is mounted as well": {
			"90 29 0:48 / /var/lib/docker/containers/" + containerID + "/mounts/shm rw - tmpfs shm rw", ""},
		"another file of a container": {"601 580 254:0 /var/lib/docker/containers/" + containerID + "/log /log rw - ext4 /dev/vda rw", ""},
		"a name of its own":           {"601 580 254:0 /srv/containers/web/hostname /etc/hostname rw - ext4 /dev/vda rw", ""},
		"half a line":                 {"601 580 254:0", ""},
		"nothing":                     {"", ""},
	} {
		if got := containerOf(strings.NewReader(c.mounts + "\n")); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestAFolderOfAContainerIsNamedByWhereTheEngineHasIt(t *testing.T) {
	own := &ownContainer{id: containerID, found: container.InspectResponse{Mounts: []container.MountPoint{
		{Source: "/var/lib/docker/volumes/flyball/_data", Destination: "/data"},
		{Source: "/srv/state", Destination: "/data/state"},
		{Destination: "/scratch"}, // in memory
	}}}
	for dir, want := range map[string]string{
		"/data/flyball":       "/var/lib/docker/volumes/flyball/_data/flyball",
		"/data/state/flyball": "/srv/state/flyball",
		"/database":           "/" + containerID + "/database",
		"/scratch/flyball":    "/" + containerID + "/scratch/flyball",
	} {
		if got := own.outside(dir); got != want {
			t.Errorf("%s is %s, want %s", dir, got, want)
		}
	}
	if got := (*ownContainer)(nil).outside("/data"); got != "/data" {
		t.Errorf("outside of a container it is %s", got)
	}
}

func TestAPublishedPortIsWhereTheMachineHasIt(t *testing.T) {
	port, _ := network.PortFrom(4566, network.TCP)
	own := &ownContainer{found: container.InspectResponse{NetworkSettings: &container.NetworkSettings{Ports: network.PortMap{
		port: {{HostIP: netip.MustParseAddr("::"), HostPort: "14566"}, {HostIP: netip.MustParseAddr("0.0.0.0"), HostPort: "14567"}},
	}}}}
	want := []netip.AddrPort{netip.MustParseAddrPort("[::]:14566"), netip.MustParseAddrPort("0.0.0.0:14567")}
	if at := own.published(4566); !slices.Equal(at, want) {
		t.Errorf("it is at %v, want %v", at, want)
	}
	if at := own.published(80); at != nil {
		t.Errorf("a port that is not published is at %v", at)
	}
	if at := (*ownContainer)(nil).published(4566); at != nil {
		t.Errorf("outside of a container it is at %v", at)
	}
}
