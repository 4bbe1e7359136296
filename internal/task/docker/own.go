package docker

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
)

// An ownContainer is the container of the engine in which this program itself runs. The nil
// one stands for a program that runs beside the engine, in the same network.
type ownContainer struct {
	engine *client.Client
	id     string
	found  container.InspectResponse
}

// findOwn finds the container that this program runs in. It returns nil outside of one, in
// one of another engine, and in one that shares the machine's network.
func findOwn(ctx context.Context, engine *client.Client) (*ownContainer, error) {
	mounts, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, nil // not Linux
	}
	defer mounts.Close()
	id := containerOf(mounts)
	if id == "" {
		return nil, nil
	}
	own := &ownContainer{engine: engine, id: id}
	if err := own.inspect(ctx); errdefs.IsNotFound(err) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if host := own.found.HostConfig; host != nil && host.NetworkMode.IsHost() {
		return nil, nil
	}
	return own, nil
}

// engineFile is where an engine keeps a file that it mounts into the container.
var engineFile = regexp.MustCompile(`containers/([0-9a-f]{64})/`)

// containerOf finds the id of a container in the list of its mounts, in the form of
// proc_pid_mountinfo(5): engines mount three files of their own, from a folder that has the
// id in its name.
func containerOf(mountinfo io.Reader) string {
	for lines := bufio.NewScanner(mountinfo); lines.Scan(); {
		field := strings.Fields(lines.Text())
		if len(field) < 5 {
			continue
		}
		switch root, point := field[3], field[4]; point {
		case "/etc/hostname", "/etc/hosts", "/etc/resolv.conf":
			if id := engineFile.FindStringSubmatch(root); id != nil {
				return id[1]
			}
		}
	}
	return ""
}

// inspect asks the engine how the container is now.
func (o *ownContainer) inspect(ctx context.Context) error {
	inspected, err := o.engine.ContainerInspect(ctx, o.id, client.ContainerInspectOptions{})
	if err != nil {
		return fmt.Errorf("asking for the server's own container: %w", err)
	}
	o.found = inspected.Container
	return nil
}

// outside is where the engine's machine has a folder of this container, which no two
// servers of the engine share: all have the same path inside.
func (o *ownContainer) outside(dir string) string {
	if o == nil {
		return dir
	}
	where, longest := filepath.Join("/", o.id, dir), -1
	for _, m := range o.found.Mounts {
		below, err := filepath.Rel(m.Destination, dir)
		if err == nil && filepath.IsLocal(below) && m.Source != "" && len(m.Destination) > longest {
			where, longest = filepath.Join(m.Source, below), len(m.Destination)
		}
	}
	return where
}

// laterName is a name for the tasks' network that comes after those of the container's other
// networks. Engines before 28 lead what is published over the one that comes first, and a
// call that came over the tasks' network would be taken for a task's.
func (o *ownContainer) laterName(instance string) string {
	if o == nil {
		return instance
	}
	return "zz-" + instance
}

// join gives the container an address on a network, if it has none there.
func (o *ownContainer) join(ctx context.Context, name string) (netip.Addr, error) {
	if at, ok := o.addressOn(name); ok {
		return at, nil
	}
	_, err := o.engine.NetworkConnect(ctx, name, client.NetworkConnectOptions{
		Container:      o.id,
		EndpointConfig: &network.EndpointSettings{GwPriority: -1}, // Docker 28: as laterName does before
	})
	if err != nil {
		return netip.Addr{}, fmt.Errorf("joining the network %s: %w", name, err)
	}
	if err := o.inspect(ctx); err != nil {
		return netip.Addr{}, err
	}
	at, ok := o.addressOn(name)
	if !ok {
		return netip.Addr{}, fmt.Errorf("the server's own container has no address on the network %s", name)
	}
	return at, nil
}

func (o *ownContainer) addressOn(name string) (netip.Addr, bool) {
	if o.found.NetworkSettings == nil || o.found.NetworkSettings.Networks[name] == nil {
		return netip.Addr{}, false
	}
	at := o.found.NetworkSettings.Networks[name].IPAddress
	return at, at.IsValid()
}

// leave takes the container from a network, which can be removed then, and could not be
// joined again if somebody else removed it.
func (o *ownContainer) leave(ctx context.Context, name string) {
	if o != nil {
		_, _ = o.engine.NetworkDisconnect(ctx, name, client.NetworkDisconnectOptions{Container: o.id, Force: true})
	}
}

// published is where the engine's machine has a port of the container.
func (o *ownContainer) published(port uint16) (at []netip.AddrPort) {
	inside, ok := network.PortFrom(port, network.TCP)
	if o == nil || !ok || o.found.NetworkSettings == nil {
		return nil
	}
	for _, b := range o.found.NetworkSettings.Ports[inside] {
		if outside, err := strconv.ParseUint(b.HostPort, 10, 16); err == nil {
			at = append(at, netip.AddrPortFrom(b.HostIP, uint16(outside)))
		}
	}
	return at
}
