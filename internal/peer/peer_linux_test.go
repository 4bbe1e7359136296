package peer

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// connected are the two ends of a connection over an address of this machine.
func connected(t testing.TB, address string) (client, server net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Skip("this machine has no such address: ", err)
	}
	defer l.Close()
	if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

func pairOf(server net.Conn) pair {
	return pair{plain(server.RemoteAddr().(*net.TCPAddr).AddrPort()), plain(server.LocalAddr().(*net.TCPAddr).AddrPort())}
}

// ways are all ways to find a peer.
var ways = map[string]func(pair) (Peer, error){"asked": ask, "looked for": look}

func TestAPeerIsTheUserWhoOpenedTheSocket(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "127.9.8.7:0", "[::1]:0", "[::]:0"} {
		_, server := connected(t, address)
		for way, find := range ways {
			if p, err := find(pairOf(server)); err != nil || p.UID != os.Geteuid() {
				t.Errorf("%s at %s: %+v, %v", way, address, p, err)
			}
		}
	}
}

// The kernel says user 0 of a socket that has been closed: whoever closes his before he is
// looked at must not be root.
func TestASocketThatWasClosedIsNobodys(t *testing.T) {
	client, server := connected(t, "127.0.0.1:0")
	client.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
	client.Close()
	for way, find := range ways {
		if p, err := find(pairOf(server)); !errors.Is(err, ErrUnknown) {
			t.Errorf("%s: %+v, %v", way, p, err)
		}
	}
}

func TestASocketThatListensIsNoPeer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	at := l.Addr().(*net.TCPAddr).AddrPort()
	for way, find := range ways {
		if p, err := find(pair{at, netip.MustParseAddrPort("127.0.0.1:1")}); !errors.Is(err, ErrUnknown) {
			t.Errorf("%s: %+v, %v", way, p, err)
		}
	}
}

const asChild = "FLYBALL_TEST_DIAL"

func TestAnotherUserIsToldFromRoot(t *testing.T) {
	if address := os.Getenv(asChild); address != "" {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		c.Read(make([]byte, 1)) // until the other end is closed
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("only root starts programs as another user")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cmd := exec.Command("/proc/self/exe", "-test.run", "^"+t.Name()+"$", "-test.timeout=1m")
	cmd.Env = append(os.Environ(), asChild+"="+l.Addr().String())
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 12345, Gid: 12345}}
	if err := cmd.Start(); err != nil {
		t.Skip("this program may not be started as another user: ", err)
	}
	_ = l.(*net.TCPListener).SetDeadline(time.Now().Add(time.Minute)) // TCP has them
	server, err := l.Accept()
	if err != nil {
		t.Fatalf("another user's program does not call: %v, %v", err, cmd.Wait())
	}
	for way, find := range ways {
		if p, err := find(pairOf(server)); err != nil || p.UID != 12345 {
			t.Errorf("%s: %+v, %v", way, p, err)
		}
	}
	server.Close()
	_ = cmd.Wait()
}

func TestListsAreReadWhateverStandsInThem(t *testing.T) {
	const list = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:9C40 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1 0 100 0 0 10 0
   1: 0100007F:9C40 0100007F:11D6 01 00000000:00000000 00:00000000 00000000  1000        0 12 1 0 20 4 30 10 -1
   2: 0100007F:9C41 0100007F:11D6 06 00000000:00000000 03:00000000 00000000     0        0 0 3 0
   3: nonsense
`
	for port, want := range map[uint16]int{40000: 1000, 40001: -1, 40002: -1} {
		p, err := search(strings.NewReader(list), pair{
			netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port), netip.MustParseAddrPort("127.0.0.1:" + strconv.Itoa(4566)),
		})
		if (err == nil) != (want >= 0) || err == nil && p.UID != want {
			t.Errorf("port %d: %+v, %v", port, p, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	p := pair{netip.MustParseAddrPort("127.0.0.1:40000"), netip.MustParseAddrPort("127.0.0.1:4566")}
	f.Add(question(p))
	f.Add(make([]byte, answerSize+12))
	f.Fuzz(func(t *testing.T, b []byte) {
		if found, err := read(b, p); err != nil && found != (Peer{}) {
			t.Errorf("%+v, %v", found, err)
		}
	})
}

func BenchmarkOf(b *testing.B) {
	_, server := connected(b, "127.0.0.1:0")
	for b.Loop() {
		if _, err := Of(server); err != nil {
			b.Fatal(err)
		}
	}
}
