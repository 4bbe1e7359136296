package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"golang.org/x/sync/errgroup"
)

// header is the head of a call with a body of so many bytes.
func header(service, target string, length int, more ...string) string {
	head := "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: " + target +
		"\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Date: 20260101T000000Z" +
		"\r\nAuthorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/" + service + "/aws4_request, SignedHeaders=host, Signature=0\r\n"
	return head + strings.Join(more, "") + fmt.Sprintf("Content-Length: %d\r\n\r\n", length)
}

// call makes a call on a connection of its own.
func (v *victim) call(service, target, body string) error {
	status, text, err := v.exchange(header(service, target, len(body)) + body)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%d %s", status, text)
	}
	return err
}

// exchange sends a request as it is and reads the answer.
func (v *victim) exchange(request string) (status int, body string, err error) {
	conn, err := net.DialTimeout("tcp", v.addr, v.slow(answeredWithin))
	if err != nil {
		return 0, "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(v.slow(2 * answeredWithin))); err != nil {
		return 0, "", err
	}
	// A server that has seen enough answers and closes: what was not sent does not matter.
	_, sent := io.WriteString(conn, request)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, "", errors.Join(err, sent)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, string(text), err
}

// dialAll opens connections that send something, as much of it as is taken at once.
func (v *victim) dialAll(many int, send []byte) (conns []net.Conn, closeAll func(), err error) {
	closeAll = func() {
		for _, c := range conns {
			c.Close()
		}
	}
	for range many {
		c, err := net.DialTimeout("tcp", v.addr, v.slow(answeredWithin))
		if err != nil {
			closeAll()
			return nil, nil, err
		}
		conns = append(conns, c)
		if err := c.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
			return conns, closeAll, err
		}
		_ = c.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
		if _, err := c.Write(send); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return conns, closeAll, err
		}
	}
	return conns, closeAll, nil
}

// areCut finds the connections that the server does not end.
func (v *victim) areCut(name string, conns []net.Conn) {
	var open atomic.Int32
	var all sync.WaitGroup
	for _, c := range conns {
		all.Go(func() {
			_ = c.SetReadDeadline(time.Now().Add(v.slow(cutWithin)))
			if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
				open.Add(1)
			}
		})
	}
	all.Wait()
	if n := open.Load(); n > 0 {
		v.fault(name, "%d connections are open after %v", n, v.slow(cutWithin))
	}
}

const createCluster = "AmazonEC2ContainerServiceV20141113.CreateCluster"

// announcedBodies announces 4 MiB and sends a byte.
func announcedBodies(ctx context.Context, v *victim) error {
	return v.bodies(ctx, "announced bodies", []byte(header("ecs", createCluster, 4<<20)+"{"))
}

// halfBodies sends half of 4 MiB.
func halfBodies(ctx context.Context, v *victim) error {
	return v.bodies(ctx, "half bodies", []byte(header("ecs", createCluster, 4<<20)+"{"+strings.Repeat(" ", 2<<20)))
}

func (v *victim) bodies(ctx context.Context, name string, send []byte) error {
	conns, closeAll, err := v.dialAll(1000, send)
	if err != nil {
		return err
	}
	defer closeAll()
	pause(ctx, time.Second)
	v.answersOthers(name)
	v.areCut(name, conns)
	return nil
}

// slowHeaders sends a byte of a header now and then.
func slowHeaders(ctx context.Context, v *victim) error {
	const name = "slow headers"
	conns, closeAll, err := v.dialAll(1000, []byte("POST / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "))
	if err != nil {
		return err
	}
	defer closeAll()
	for range 5 {
		for _, c := range conns {
			_ = c.SetWriteDeadline(time.Now().Add(time.Second))
			_, _ = c.Write([]byte("a")) // it may be cut already
		}
		pause(ctx, 500*time.Millisecond)
	}
	v.answersOthers(name)
	v.areCut(name, conns)
	return nil
}

// packedBodies sends what is small as long as it is packed.
func packedBodies(ctx context.Context, v *victim) error {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(make([]byte, 1<<20)); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	body := strings.Repeat(packed.String(), 1<<10) // members of one file
	request := header("monitoring", "GraniteServiceVersion20100801.PutMetricData", len(body), "Content-Encoding: gzip\r\n") + body
	return v.refuses(ctx, "packed bodies", 100, request, http.StatusRequestEntityTooLarge)
}

// nestedBodies sends lists in lists.
func nestedBodies(ctx context.Context, v *victim) error {
	body := `{"tags": ` + strings.Repeat("[", 100_000)
	return v.refuses(ctx, "nested bodies", 1000, header("ecs", createCluster, len(body))+body, http.StatusBadRequest)
}

// refuses makes requests, some at a time, of which each is to be refused with a status.
func (v *victim) refuses(ctx context.Context, name string, many int, request string, want int) error {
	var group errgroup.Group
	group.SetLimit(50)
	for range many {
		group.Go(func() error {
			status, text, err := v.exchange(request)
			if err == nil && status != want {
				err = fmt.Errorf("%d %s", status, text)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		v.fault(name, "one was not answered with %d: %v", want, err)
	}
	v.answersOthers(name)
	return ctx.Err()
}

// fillWithTasks has a service run so many tasks, waits until no more come, and says how many
// run and what those say that do not.
func (v *victim) fillWithTasks(ctx context.Context, many int32) (running int32, failed string, err error) {
	of := newRegions("http://" + v.addr)[0].client.ECS
	if _, err := of.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String("c")}); err != nil {
		return 0, "", err
	}
	if _, err := of.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("w"), ContainerDefinitions: []ecstypes.ContainerDefinition{{Name: aws.String("w"), Image: aws.String("flyball/web"), Memory: aws.Int32(webMemory)}},
	}); err != nil {
		return 0, "", err
	}
	_, err = of.CreateService(ctx, &ecs.CreateServiceInput{Cluster: aws.String("c"), ServiceName: aws.String("s"), TaskDefinition: aws.String("w"), DesiredCount: &many})
	if err != nil && !strings.Contains(err.Error(), "idempotent") { // that of a server before is there
		return 0, "", err
	}
	for until := time.Now().Add(v.slow(10 * time.Second)); running < many && time.Now().Before(until); pause(ctx, 200*time.Millisecond) {
		out, err := of.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: aws.String("c"), Services: []string{"s"}})
		if err != nil {
			return 0, "", err
		}
		running = out.Services[0].RunningCount
	}
	stopped, err := of.ListTasks(ctx, &ecs.ListTasksInput{Cluster: aws.String("c"), DesiredStatus: ecstypes.DesiredStatusStopped, MaxResults: aws.Int32(10)})
	if err != nil || len(stopped.TaskArns) == 0 {
		return running, "", err
	}
	out, err := of.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: aws.String("c"), Tasks: stopped.TaskArns[:1]})
	if err != nil || len(out.Tasks) == 0 {
		return running, "", err
	}
	return running, aws.ToString(out.Tasks[0].StoppedReason), nil
}
