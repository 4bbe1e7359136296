package balancer

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

const (
	smallRequest  = "GET /path?a=b HTTP/1.1\r\nHost: example.com\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n"
	smallResponse = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 40\r\n\r\n0123456789012345678901234567890123456789"
)

// cheapTarget answers each read with the same response, so that what is measured is
// the balancer.
func cheapTarget(b *testing.B) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				buf := make([]byte, 4096)
				for {
					if _, err := c.Read(buf); err != nil {
						return
					}
					if _, err := io.WriteString(c, smallResponse); err != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

// caller sends requests over one connection and reads as many bytes as a response has.
type caller struct {
	net.Conn
	size int
	buf  []byte
}

func newCaller(b *testing.B, address string) *caller {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	c := &caller{Conn: conn, buf: make([]byte, 4096)}
	io.WriteString(c, smallRequest)
	if c.size, err = c.Read(c.buf); err != nil {
		b.Fatal(err)
	}
	return c
}

func (c *caller) call() error {
	if _, err := io.WriteString(c.Conn, smallRequest); err != nil {
		return err
	}
	_, err := io.ReadFull(c.Conn, c.buf[:c.size])
	return err
}

func BenchmarkForward(b *testing.B) {
	p := newBench(b)
	p.addTarget(cheapTarget(b))
	p.apply()
	b.ReportAllocs()
	b.SetParallelism(16)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		c := newCaller(b, strings.TrimPrefix(p.url, "http://"))
		defer c.Close()
		for pb.Next() {
			if err := c.call(); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
}

// BenchmarkIdleConnections tells what a connection that waits for its next request
// takes, with its part of the connections to targets.
func BenchmarkIdleConnections(b *testing.B) {
	const conns = 2000
	p := newBench(b)
	p.addTarget(cheapTarget(b))
	p.apply()
	inUse := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapInuse + m.StackInuse
	}
	for range b.N {
		before := inUse()
		callers := make([]net.Conn, conns)
		for i := range callers {
			c := newCaller(b, strings.TrimPrefix(p.url, "http://"))
			callers[i] = c.Conn // without its buffer
		}
		b.ReportMetric(float64(inUse()-before)/conns/1024, "KiB/connection")
		for _, c := range callers {
			c.Close()
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// BenchmarkRules looks for the last of a hundred rules.
func BenchmarkRules(b *testing.B) {
	p := &plan{groupOf: func(arn string) *group { return newGroup(arn, nil, nil) }}
	for i := range 100 {
		r, err := p.newRule(forwardTo(testGroup,
			types.RuleCondition{Field: aws.String("host-header"), Values: []string{"*.example.com"}},
			types.RuleCondition{Field: aws.String("path-pattern"), Values: []string{fmt.Sprintf("/service-%d/*", i)}}))
		if err != nil {
			b.Fatal(err)
		}
		p.rules = append(p.rules, r)
	}
	q := request{method: "GET", target: "/service-99/a/b", host: "www.example.com"}
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for !p.rules[n].match(&q) {
			n++
		}
		if n != 99 {
			b.Fatal(n)
		}
	}
}
