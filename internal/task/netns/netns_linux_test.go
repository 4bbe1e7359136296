package netns

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// open opens a bridge of a test's own, which is gone when the test ends.
func open(t *testing.T, name string) *Bridge {
	t.Helper()
	b, err := Open(name, netip.MustParsePrefix("100.64.0.0/10"))
	if err != nil {
		t.Skip("network namespaces cannot be made here: ", err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if _, err := net.InterfaceByName(name); err == nil {
			t.Errorf("bridge %s is left", name)
		}
	})
	return b
}

// name is one that no bridge has but the test's.
func name(suffix string) string { return fmt.Sprintf("fbt%d%s", os.Getpid(), suffix) }

// join joins a namespace with the n-th address after the gateway's to a bridge.
func join(t *testing.T, b *Bridge, n int) *Namespace {
	t.Helper()
	addr := b.Gateway().Addr()
	for range n {
		addr = addr.Next()
	}
	space, err := b.Join(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := space.Leave(); err != nil {
			t.Error(err)
		}
	})
	return space
}

// output is what a shell script in a namespace prints.
func output(t *testing.T, space *Namespace, script string) string {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", script)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := space.Start(cmd); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%s: %v, %s", script, err, &out)
	}
	return out.String()
}

func TestX(t *testing.T) {
	b := open(t, name("a"))
	one := join(t, b, 1)
	t.Log(output(t, one, "ip addr; ip route; ping -c1 -W1 "+b.Gateway().Addr().String()))
	l, err := b.Listen(context.Background(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := net.Dial("tcp", l.Addr().String()); err == nil {
		t.Error("reached from the host")
	}
	_ = io.EOF
}
