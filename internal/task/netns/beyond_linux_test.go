package netns

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
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
	cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.timeout=5m")
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
	if got, err := tryFrom(t, outside, nth(b, 1).String()+":8080"); err == nil {
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
	out, err := tryFrom(t, inside, "198.51.100.1:8080")
	if err == nil || !strings.Contains(out, "network is unreachable") {
		t.Errorf("a call beyond this machine: %q, %v", out, err)
	}
}

// Docker drops what is forwarded for networks that it does not know, after the rules of its
// chain for others.
func TestNamespacesPassDockersRulesAndLeaveNoneOfTheirOwn(t *testing.T) {
	if _, err := exec.LookPath("iptables-restore"); err != nil {
		t.Skip("there is no iptables, and so no Docker: ", err)
	}
	if !onAnotherMachine(t) {
		return
	}
	beyond := open(t, nameOf("beyond"))
	forward(t, "1")
	docker := exec.Command("iptables-restore", "--noflush")
	docker.Stdin = strings.NewReader("*filter\n:FORWARD DROP\n:DOCKER-USER -\n-A FORWARD -j DOCKER-USER\nCOMMIT\n")
	if out, err := docker.CombinedOutput(); err != nil {
		t.Skipf("this machine keeps no such rules: %v: %s", err, out)
	}
	rules := func() string {
		out, err := exec.Command("iptables", "-S", dockerChain).CombinedOutput()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	name := nameOf("b")
	b := open(t, name)
	if err := b.Beyond(); err != nil {
		t.Fatal(err)
	}
	inside, outside := join(t, b, nth(b, 1)), join(t, beyond, nth(beyond, 1))
	serve(t, outside, "outside")
	if got, err := getFrom(t, inside, nth(beyond, 1).String()+":8080"); err != nil || got != "outside" {
		t.Errorf("what lies beyond answers %q, %v", got, err)
	}
	if err := b.passDocker(); err != nil || strings.Count(rules(), name) != 2 {
		t.Errorf("made again, the rules are %v\n%s", err, rules())
	}
	b.unpassDocker()
	if strings.Contains(rules(), name) {
		t.Errorf("rules are left:\n%s", rules())
	}
}
