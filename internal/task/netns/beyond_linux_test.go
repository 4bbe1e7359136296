package netns

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// onAnotherMachine runs the test that calls it in a network namespace of its own, which
// stands for a machine, and says whether this is the one there.
func onAnotherMachine(t *testing.T) bool {
	const there = "FLYBALL_TEST_MACHINE"
	if os.Getenv(there) != "" {
		forward(t, "0") // whatever the real one does
		return true
	}
	open(t, nameOf("a")) // or the test is skipped
	cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), there+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

// forward makes the machine forward packets, with "1", or none, with "0".
func forward(t *testing.T, whether string) {
	t.Helper()
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte(whether), 0); err != nil {
		t.Fatal(err)
	}
}

// What lies beyond a machine is here another of its networks, whose bridge was made
// before the machine forwarded: it masks and filters nothing.
func TestNamespacesReachBeyondAMachineThatForwards(t *testing.T) {
	if !onAnotherMachine(t) {
		return
	}
	beyond := open(t, nameOf("beyond"))
	forward(t, "1")
	b := open(t, nameOf("b"))
	if err := b.Beyond(); err != nil {
		t.Skip("this machine masquerades nothing: ", err)
	}
	inside, outside := join(t, b, nth(b, 1)), join(t, beyond, nth(beyond, 1))
	serve(t, inside, "inside")
	serve(t, outside, "outside")
	if got, err := getFrom(t, inside, nth(beyond, 1).String()+":8080"); err != nil || got != "outside" {
		t.Errorf("what lies beyond answers %q, %v", got, err)
	}
	if got, err := get(nth(b, 1).String() + ":8080"); err != nil || got != "inside" {
		t.Errorf("the namespace answers this machine %q, %v", got, err)
	}
	if got, err := getFrom(t, outside, nth(b, 1).String()+":8080"); err == nil {
		t.Errorf("a namespace answers another network: %q", got)
	}
}

func TestNamespacesAreToldAtOnceThatAMachineForwardsNothing(t *testing.T) {
	if !onAnotherMachine(t) {
		return
	}
	b := open(t, nameOf("b"))
	if err := b.Beyond(); err == nil || !strings.Contains(err.Error(), "ip_forward") {
		t.Errorf("Beyond = %v", err)
	}
	inside := join(t, b, nth(b, 1))
	began := time.Now()
	out, err := getFrom(t, inside, "198.51.100.1:8080")
	if err == nil || !strings.Contains(out, "network is unreachable") || time.Since(began) > 3*time.Second {
		t.Errorf("a call beyond this machine: %q, %v, after %v", out, err, time.Since(began))
	}
}
