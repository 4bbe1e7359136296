package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/fxamacker/cbor/v2"
	"golang.org/x/sync/errgroup"
)

// A program is a server that was started to be measured.
type program struct {
	cmd   *exec.Cmd
	url   string
	ready time.Duration // from its start to the line that says so
	data  string        // the folder of its state, where that is to go with it
}

// startAnew starts `flyball serve` with nothing in its state.
func startAnew(ctx context.Context, binary string) (*program, error) {
	data, err := os.MkdirTemp("", "flyball-bench-")
	if err != nil {
		return nil, err
	}
	p, err := startFlyball(ctx, binary, data)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(data))
	}
	p.data = data
	return p, nil
}

// startFlyball starts `flyball serve` with its state in a folder.
func startFlyball(ctx context.Context, binary, data string) (*program, error) {
	return start(ctx, binary, "serve", "--addr", "127.0.0.1:0", "--data", data, "--runtime", "process", "--log-level", "error")
}

// start starts a program and waits until it says that it is ready.
func start(ctx context.Context, binary string, args ...string) (*program, error) {
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "ready ")
	if err != nil || !ok {
		return nil, fmt.Errorf("%s did not become ready: %q %v", binary, line, err)
	}
	return &program{cmd: cmd, url: url, ready: time.Since(began)}, nil
}

func (p *program) stop() {
	if p.cmd.Process.Signal(syscall.SIGTERM) == nil {
		p.cmd.Wait()
	}
}

// end stops the program and removes its state.
func (p *program) end() {
	p.stop()
	os.RemoveAll(p.data)
}

// cpu is the processor time that the program has used.
func (p *program) cpu() (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	// After the name, which may have spaces, user and system time are the 12th
	// and 13th, in hundredths of a second.
	_, rest, _ := strings.Cut(string(b), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("a process's stat: %q", b)
	}
	var total time.Duration
	for _, f := range fields[11:13] {
		ticks, err := strconv.Atoi(f)
		if err != nil {
			return 0, err
		}
		total += time.Duration(ticks) * 10 * time.Millisecond
	}
	return total, nil
}

// rss is the resident memory in MiB.
func (p *program) rss() (float64, error) { return p.memory("VmRSS:") }

// peak is the most that the resident memory has been since forgetPeak, or the start, in MiB.
func (p *program) peak() (float64, error) { return p.memory("VmHWM:") }

// settling is how long a server gives back what only its start has used.
const settling = 2 * time.Second

// forgetPeak has peak tell of what comes from now on: at its start a program has read much of its own file.
func (p *program) forgetPeak() error {
	time.Sleep(settling)
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.cmd.Process.Pid), []byte("5"), 0)
}

// memory reads a line of the process's status.
func (p *program) memory(name string) (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if value, ok := strings.CutPrefix(line, name); ok {
			kb, err := strconv.ParseFloat(strings.Fields(value)[0], 64)
			return kb / 1024, err
		}
	}
	return 0, fmt.Errorf("no %s in the process's status", name)
}

// startUp measures starts with an empty data folder, and the memory of an idle
// server.
func startUp(ctx context.Context, binary string) error {
	var ready []time.Duration
	for range 21 {
		p, err := startAnew(ctx, binary)
		if err != nil {
			return err
		}
		ready = append(ready, p.ready)
		if len(ready) == 21 {
			time.Sleep(settling)
			if mib, err := p.rss(); err == nil {
				figure("idle_memory", mib, "MiB")
			}
		}
		p.end()
	}
	figure("start_to_ready_p50", quantile(ready, 0.5), "ms")
	return nil
}

// ingestion measures PutMetricData over loopback, with client and server on the
// same machine: requests of 1,000 metrics, with one value and with 150 values
// each.
func ingestion(ctx context.Context, binary string) error {
	for _, values := range []int{1, 150} {
		p, err := startAnew(ctx, binary)
		if err != nil {
			return err
		}
		rate, err := putFor(ctx, p.url, values, 5*time.Second)
		p.end()
		if err != nil {
			return err
		}
		figure(fmt.Sprintf("put_metric_data_1000x%d", values), rate, "datapoints/s")
	}
	return nil
}

func putFor(ctx context.Context, url string, values int, d time.Duration) (float64, error) {
	const metrics, senders = 1000, 4
	body, err := metricData(0, metrics, values, time.Now())
	if err != nil {
		return 0, err
	}
	counts := make([]int, senders)
	began := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	for i := range senders {
		group.Go(func() error {
			for time.Since(began) < d {
				if err := put(ctx, url, body); err != nil {
					return err
				}
				counts[i]++
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	total := 0
	for _, n := range counts {
		total += n
	}
	return float64(total) * metrics * float64(values) / time.Since(began).Seconds(), nil
}

// metricData is the body of one PutMetricData request for so many metrics from
// the first on, compressed as the SDKs do. It is made before the call, so that
// the figure is the server's and not the client's.
func metricData(first, metrics, values int, at time.Time) ([]byte, error) {
	type dimension struct{ Name, Value string }
	type datum struct {
		MetricName string
		Dimensions []dimension
		Timestamp  cbor.Tag
		Value      *float64  `cbor:",omitempty"`
		Values     []float64 `cbor:",omitempty"`
		Unit       string
	}
	in := struct {
		Namespace  string
		MetricData []datum
	}{Namespace: "Bench"}
	for i := range metrics {
		m := datum{
			MetricName: "Latency", Unit: "Milliseconds", Timestamp: cbor.Tag{Number: 1, Content: at.Unix()},
			Dimensions: []dimension{{"Service", fmt.Sprint("service-", first+i)}},
		}
		if values == 1 {
			m.Value = new(float64(i) + 0.5)
		}
		for v := range values {
			if values > 1 {
				m.Values = append(m.Values, float64(v)+0.25)
			}
		}
		in.MetricData = append(in.MetricData, m)
	}
	encoded, err := cbor.Marshal(in)
	if err != nil {
		return nil, err
	}
	var body bytes.Buffer
	zip := gzip.NewWriter(&body)
	zip.Write(encoded)
	err = zip.Close()
	return body.Bytes(), err
}

func put(ctx context.Context, url string, body []byte) error {
	return post(ctx, url+"/service/GraniteServiceVersion20100801/operation/PutMetricData", body, http.Header{
		"Smithy-Protocol": {"rpc-v2-cbor"}, "Content-Type": {"application/cbor"}, "Content-Encoding": {"gzip"},
	})
}

// post makes one call without the work of an SDK's client.
func post(ctx context.Context, url string, body []byte, header http.Header) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header = header
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=bench/20260101/us-east-1/bench/aws4_request, SignedHeaders=host, Signature=0")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s: %q", url, header.Get("X-Amz-Target"), res.Status, text)
	}
	return nil
}
