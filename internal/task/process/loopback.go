package process

import (
	"bytes"
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"

	"flyball/internal/task"
)

// networkLoopback is what the record says of a task with a loopback address.
const networkLoopback = ""

// loopback is the network of this machine itself, on which each task has a loopback
// address. Nothing but their good will keeps tasks to theirs.
type loopback struct{ addresses *addresses }

// newLoopback returns a network with addresses of a range. Servers on one machine
// share the range; each begins at a place of its own.
func newLoopback(from netip.Prefix, name string) (*loopback, error) {
	if !from.IsValid() {
		from = netip.MustParsePrefix("127.64.0.0/10")
	}
	if !from.Addr().IsLoopback() {
		return nil, fmt.Errorf("%s is not a range of loopback addresses", from)
	}
	addresses, err := newAddresses(from, seedOf(name))
	if err != nil {
		return nil, err
	}
	return &loopback{addresses}, nil
}

// seedOf makes a number of a name.
func seedOf(name string) uint32 {
	seed := fnv.New32a()
	seed.Write([]byte(name))
	return seed.Sum32()
}

func (l *loopback) join(id string) (attachment, error) {
	addr, err := l.addresses.take(id)
	if err != nil {
		return nil, err
	}
	return loopbackAttachment{l, id, addr}, nil
}

func (l *loopback) rejoin(rec *record) (attachment, error) {
	if !l.addresses.reserve(rec.Address, rec.Spec.ID) {
		return nil, fmt.Errorf("address %s belongs to another task", rec.Address)
	}
	return loopbackAttachment{l, rec.Spec.ID, rec.Address}, nil
}

func (l *loopback) sweep() error { return nil }

func (l *loopback) listen(context.Context, uint16) (net.Listener, error) { return nil, nil }

func (l *loopback) close() error { return nil }

// loopbackAttachment is a task's loopback address.
type loopbackAttachment struct {
	on   *loopback
	id   string
	addr netip.Addr
}

func (a loopbackAttachment) network() string { return networkLoopback }

func (a loopbackAttachment) address() netip.Addr { return a.addr }

func (a loopbackAttachment) host() string { return a.addr.String() }

func (a loopbackAttachment) start(cmd *exec.Cmd) error { return cmd.Start() }

func (a loopbackAttachment) heldBy(func() int) {}

func (a loopbackAttachment) leave() error {
	a.on.addresses.release(a.addr, a.id)
	return nil
}

// obstacle looks for programs that listen on the ports. One that listens on all
// addresses keeps every task off its port. One that listens on another address is in
// the way only of a program that wants all of them, which has said so then.
func (a loopbackAttachment) obstacle(ports []int, log string) string {
	for _, port := range ports {
		everywhere, somewhere := listeners(port)
		if everywhere || somewhere && complains(log) {
			return fmt.Sprintf("%s: another program of this machine listens on port %d. Tasks share its network here, so a program may listen only on its task's own address, "+
				"which is in $HOST. For a network of its own for each task, run flyball serve as root on Linux, or with --runtime docker.", task.PortInUse, port)
		}
	}
	return ""
}

// complaintBytes is how much of the end of a log is read for a complaint.
const complaintBytes = 8 << 10

// complains says whether a program has ended its log with the words of EADDRINUSE, as
// C libraries and Go, or as Node.js and Java write them.
func complains(log string) bool {
	text := bytes.ToLower(ending(log))
	return bytes.Contains(text, []byte("address already in use")) || bytes.Contains(text, []byte("eaddrinuse"))
}

// ending is the end of a log, or nothing.
func ending(log string) []byte {
	file, err := os.Open(log)
	if err != nil {
		return nil
	}
	defer file.Close()
	if size, err := file.Seek(0, io.SeekEnd); err == nil {
		_, _ = file.Seek(max(0, size-complaintBytes), io.SeekStart) // or there is less to read
	}
	text, _ := io.ReadAll(io.LimitReader(file, complaintBytes))
	return text
}
