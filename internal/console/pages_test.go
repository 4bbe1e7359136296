package console_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
)

// pagesOpen is how many pages are open, and mostMemory what the server may take for one.
const (
	pagesOpen  = 100
	mostMemory = 64 << 10
)

// read is what open pages read again: the first page, that of a service, and its charts.
var read = []string{"/console/", "/console/services/shop/web?range=3h", "/console/services/shop/web/charts?range=3h"}

// A hundred pages that are open, each with its stream of events and read again as the script does,
// cost the server little, and no more after a while. With -thorough they are open for ten minutes.
func TestPagesThatAreOpenTakeLittleMemory(t *testing.T) {
	s := shop(t) // whose clock stands still: nothing but pages takes memory
	lasts, pause := time.Duration(0), time.Duration(0)
	if *thorough {
		lasts, pause = 10*time.Minute, 2*time.Second/pagesOpen // each every two seconds, where there is time
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	looks := 0
	look := func() {
		t.Helper()
		res, err := client.Get(s.URL() + read[looks%len(read)])
		looks++
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("a page: %s, %v", res.Status, err)
		}
	}
	for range 10 {
		look() // what is made once is there
	}
	before := inUse()
	streams := make([]net.Conn, pagesOpen)
	for i := range streams {
		look()
		streams[i] = listen(t, strings.TrimPrefix(s.URL(), "http://"))
	}
	check := func(when string) {
		t.Helper()
		each := (inUse() - before) / pagesOpen
		t.Logf("%s a page takes %d KiB", when, each>>10)
		if each > mostMemory {
			t.Errorf("%s a page takes %d KiB, want %d at most", when, each>>10, mostMemory>>10)
		}
	}
	check("at first")
	looks = 0
	for end := time.Now().Add(lasts); looks < pagesOpen/4 || time.Now().Before(end); {
		look()
		time.Sleep(pause)
	}
	t.Logf("%d pages were read meanwhile", looks)
	check("at the end")
	runtime.KeepAlive(streams)
}

// listen opens the stream of events of a page, and returns when it has begun. Of the browser's end
// there is a socket and nothing else.
func listen(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := fmt.Fprintf(c, "GET /console/api/events?detail=false HTTP/1.1\r\nHost: %s\r\nSec-Fetch-Site: same-origin\r\n\r\n", addr); err != nil {
		t.Fatal(err)
	}
	var head bytes.Buffer
	for part := make([]byte, 512); !bytes.Contains(head.Bytes(), []byte("event: begin")); {
		n, err := c.Read(part)
		if err != nil {
			t.Fatalf("a stream does not begin: %v %s", err, head.Bytes())
		}
		head.Write(part[:n])
	}
	return c
}

// inUse is the memory of all that is not garbage.
func inUse() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc + m.StackInuse)
}
