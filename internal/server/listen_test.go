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
	time.AfterFunc(addressPatience/4, func() { before.Close() })
	l, err := awaitAddress(before.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := awaitAddress(l.Addr().String()); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("listening to an address that is in use: %v", err)
	}
}
