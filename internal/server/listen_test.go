package server

import (
	"errors"
	"net"
	"syscall"
	"testing"
	"time"
)

func TestAnAddressThatIsBeingLeftIsWaitedFor(t *testing.T) {
	before, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(20*time.Millisecond, func() { before.Close() })
	l, err := awaitAddress(before.Addr().String(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := awaitAddress(l.Addr().String(), time.Millisecond); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("listening to an address that is in use: %v", err)
	}
}
