package netns

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// TestMain lets the test binary be a program in a namespace: a web server on port
// 8080 of all addresses, or its client.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "serve" {
		time.AfterFunc(10*time.Minute, func() { os.Exit(1) }) // a test that was killed ends none
		listener, err := net.Listen("tcp", "0.0.0.0:8080")
		fmt.Println("listening", err)
		fmt.Println(http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, os.Args[2]) })))
		os.Exit(1)
	}
	if len(os.Args) == 3 && (os.Args[1] == "get" || os.Args[1] == "try") {
		ask := get
		if os.Args[1] == "try" {
			ask = try
		}
		answer, err := ask(os.Args[2])
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Print(answer)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// get asks a server that is reached.
func get(host string) (string, error) { return ask(host, time.Minute) }

// try asks a server that is not.
func try(host string) (string, error) { return ask(host, 3*time.Second) }

func ask(host string, patience time.Duration) (string, error) {
	client := http.Client{Timeout: patience, Transport: &http.Transport{}} // without a proxy
	resp, err := client.Get("http://" + host + "/")
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return string(answer), err
}

// nameOf is the name of a bridge of the test's own.
func nameOf(suffix string) string { return fmt.Sprintf("fbt%d%s", os.Getpid(), suffix) }

// open opens a bridge that is gone when the test ends.
func open(t *testing.T, name string) *Bridge {
	t.Helper()
	b, err := Open(name, netip.MustParsePrefix("100.64.0.0/10"))
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EOPNOTSUPP) {
		t.Skip("this machine does not permit network namespaces: ", err)
	}
	if err != nil {
		t.Fatal(err)
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

// nth is an address of a bridge's network, the n-th after the gateway.
func nth(b *Bridge, n int) netip.Addr {
	addr := b.Gateway().Addr()
	for range n {
		addr = addr.Next()
	}
	return addr
}

// join joins a namespace to a bridge until the test ends.
func join(t *testing.T, b *Bridge, addr netip.Addr) *Namespace {
	t.Helper()
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

// serve runs a web server in a namespace until the test ends.
func serve(t *testing.T, space *Namespace, answer string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], "serve", answer)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := space.Start(cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // says that it was killed
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "listening <nil>\n" {
		t.Fatalf("the server said %q, %v", line, err)
	}
	return cmd
}

// getFrom asks a server from within a namespace that reaches it, and tryFrom from one that does not.
func getFrom(t *testing.T, space *Namespace, host string) (string, error) {
	t.Helper()
	return runIn(t, space, "get", host)
}

func tryFrom(t *testing.T, space *Namespace, host string) (string, error) {
	t.Helper()
	return runIn(t, space, "try", host)
}

func runIn(t *testing.T, space *Namespace, what, host string) (string, error) {
	t.Helper()
	cmd := exec.Command(os.Args[0], what, host)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := space.Start(cmd); err != nil {
		t.Fatal(err)
	}
	err := cmd.Wait()
	return out.String(), err
}

func TestEachNamespaceHasAllPortsAndIsReachedAtItsAddress(t *testing.T) {
	b := open(t, nameOf("a"))
	one, two := join(t, b, nth(b, 1)), join(t, b, nth(b, 2))
	serve(t, one, "one")
	serve(t, two, "two")
	for _, tt := range []struct {
		from string
		get  func(host string) (string, error)
		host netip.Addr
		want string
	}{
		{"this machine", get, nth(b, 1), "one"},
		{"this machine", get, nth(b, 2), "two"},
		{"the other namespace", func(host string) (string, error) { return getFrom(t, two, host) }, nth(b, 1), "one"},
		{"the same namespace", func(host string) (string, error) { return getFrom(t, two, host) }, netip.MustParseAddr("127.0.0.1"), "two"},
	} {
		if got, err := tt.get(tt.host.String() + ":8080"); err != nil || got != tt.want {
			t.Errorf("%s from %s answers %q, %v; want %q", tt.host, tt.from, got, err, tt.want)
		}
	}
}

func TestNamespacesReachWhatListensOnTheirBridgeAndThoseOfOthersDoNot(t *testing.T) {
	b, other := open(t, nameOf("a")), open(t, nameOf("b"))
	listener, err := b.Listen(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	server := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "hello ", r.RemoteAddr[:strings.LastIndexByte(r.RemoteAddr, ':')])
	})}
	go server.Serve(listener)
	defer server.Close()

	if got, err := getFrom(t, join(t, b, nth(b, 1)), listener.Addr().String()); err != nil || got != "hello "+nth(b, 1).String() {
		t.Errorf("the gateway answers %q, %v", got, err)
	}
	if got, err := tryFrom(t, join(t, other, nth(other, 1)), listener.Addr().String()); err == nil {
		t.Errorf("the gateway of another network answers %q", got)
	}
}

func TestANamespaceIsJoinedAgainThroughAProcess(t *testing.T) {
	name := nameOf("a")
	b := open(t, name)
	space := join(t, b, nth(b, 1))
	pid := serve(t, space, "one").Process.Pid

	again, err := Open(name, netip.MustParsePrefix("100.64.0.0/16"))
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if again.Gateway() != b.Gateway() {
		t.Errorf("the gateway is %v, and was %v", again.Gateway(), b.Gateway())
	}
	rejoined, err := again.Rejoin(pid, nth(b, 1))
	if err != nil {
		t.Fatal(err)
	}
	defer rejoined.Close()
	if got, err := getFrom(t, rejoined, "127.0.0.1:8080"); err != nil || got != "one" {
		t.Errorf("its server answers %q, %v", got, err)
	}
}

func TestSweepRemovesTheDevicesThatAreNotKept(t *testing.T) {
	b := open(t, nameOf("a"))
	one, two := nth(b, 1), nth(b, 2)
	join(t, b, one)
	join(t, b, two)
	if err := b.Sweep(func(addr netip.Addr) bool { return addr == two }); err != nil {
		t.Fatal(err)
	}
	if ports, err := b.ports(); err != nil || len(ports) != 1 || ports[0] != two {
		t.Errorf("devices lead to %v, %v; want %v", ports, err, two)
	}
}

func TestAnAddressIsTakenAgainAtOnce(t *testing.T) {
	b := open(t, nameOf("a"))
	for range 5 {
		space, err := b.Join(nth(b, 1))
		if err != nil {
			t.Fatal(err)
		}
		if err := space.Leave(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestABridgeStaysWhileANamespaceIsOnIt(t *testing.T) {
	name := nameOf("a")
	b := open(t, name)
	join(t, b, nth(b, 1))
	again, err := Find(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil || !again.Exists() {
		t.Fatal(err)
	}
	if _, err := net.InterfaceByName(name); err != nil {
		t.Error("the bridge is gone: ", err)
	}
}

func TestANetworkThatThisMachineKnowsARouteToIsNotTaken(t *testing.T) {
	b := open(t, nameOf("a"))
	other, err := Open(nameOf("b"), b.Gateway().Masked())
	if err == nil {
		t.Errorf("two bridges have %v and %v", b.Gateway(), other.Gateway())
		other.Close()
	}
	if _, err := net.InterfaceByName(nameOf("b")); err == nil {
		t.Error("the bridge that has no network is left")
	}
}

func TestABridgeThatWasNotMadeWholeIsMadeAnewOrRemoved(t *testing.T) {
	name := nameOf("a")
	open(t, nameOf("b")) // or the test is skipped
	half := func() {
		attributes := netlink.NewLinkAttrs()
		attributes.Name = name
		if err := netlink.LinkAdd(&netlink.Bridge{LinkAttrs: attributes}); err != nil {
			t.Fatal(err)
		}
	}
	half()
	found, err := Find(name)
	if err != nil || found.Exists() {
		t.Fatalf("Find = %v, %v", found, err)
	}
	if err := found.Close(); err != nil {
		t.Error(err)
	}
	half() // which fails if it was not removed
	b := open(t, name)
	join(t, b, nth(b, 1))
}

func TestWhatOthersChangeWhileItIsListedIsListedAgain(t *testing.T) {
	times := 0
	got, err := whole(func() ([]int, error) {
		if times++; times < 3 {
			return nil, netlink.ErrDumpInterrupted
		}
		return []int{times}, nil
	})
	if err != nil || len(got) != 1 || got[0] != 3 {
		t.Errorf("the third listing is whole: got %v, %v", got, err)
	}
	never := func() ([]int, error) { return nil, netlink.ErrDumpInterrupted }
	if _, err := whole(never); !errors.Is(err, netlink.ErrDumpInterrupted) {
		t.Errorf("a listing that is never whole: %v", err)
	}
}
