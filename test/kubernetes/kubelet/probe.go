package kubelet

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// probe tells when a running container has started, whether it is ready and, if it has a
// liveness probe, ends it when that fails.
func (c *container) probe(ctx context.Context, p *process) {
	if s := c.spec.StartupProbe; s != nil {
		well := false
		c.watch(ctx, s, func(ok bool) bool {
			well = ok
			return false // the first time that it is decided
		})
		if !well {
			if ctx.Err() == nil {
				p.kill()
			}
			return
		}
	}
	yes := true
	c.alter(func(s *corev1.ContainerStatus) { s.Started, s.Ready = &yes, c.spec.ReadinessProbe == nil })
	c.begun.Do(func() { close(c.start) })
	if l := c.spec.LivenessProbe; l != nil {
		go c.watch(ctx, l, func(ok bool) bool {
			if !ok {
				c.stop(p)
			}
			return ok
		})
	}
	if r := c.spec.ReadinessProbe; r != nil {
		c.watch(ctx, r, func(ok bool) bool {
			c.alter(func(s *corev1.ContainerStatus) { s.Ready = ok })
			return true
		})
	}
}

// watch tries a probe in its period, and tells when its thresholds are reached. It ends when
// it is told to.
func (c *container) watch(ctx context.Context, p *corev1.Probe, tell func(ok bool) bool) {
	sleep(ctx, time.Duration(p.InitialDelaySeconds)*time.Second)
	good, bad := int32(0), int32(0)
	for ctx.Err() == nil {
		if c.try(ctx, p) == nil {
			good, bad = good+1, 0
		} else {
			good, bad = 0, bad+1
		}
		if ctx.Err() != nil {
			return
		}
		if good == max(p.SuccessThreshold, 1) && !tell(true) || bad == max(p.FailureThreshold, 1) && !tell(false) {
			return
		}
		sleep(ctx, time.Duration(max(p.PeriodSeconds, 1))*time.Second)
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// try is one attempt of a probe.
func (c *container) try(ctx context.Context, p *corev1.Probe) error {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(max(p.TimeoutSeconds, 1))*time.Second)
	defer cancel()
	switch {
	case p.Exec != nil:
		command := exec.CommandContext(ctx, p.Exec.Command[0], p.Exec.Command[1:]...)
		command.Env = c.environment()
		return command.Run()
	case p.HTTPGet != nil:
		url := "http://" + net.JoinHostPort(c.of.address, c.port(p.HTTPGet.Port)) + p.HTTPGet.Path
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		if answer.StatusCode >= 400 {
			return fmt.Errorf("status %d", answer.StatusCode)
		}
		return nil
	case p.TCPSocket != nil:
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(c.of.address, c.port(p.TCPSocket.Port)))
		if err == nil {
			err = conn.Close()
		}
		return err
	}
	return nil
}

// port is a port by its number or its name.
func (c *container) port(p intstr.IntOrString) string {
	for _, known := range c.spec.Ports {
		if p.Type == intstr.String && known.Name == p.StrVal {
			return strconv.Itoa(int(known.ContainerPort))
		}
	}
	return p.String()
}

// watchMemory kills a process that takes more memory than its container may have.
func (c *container) watchMemory(ctx context.Context, p *process, over chan<- struct{}) {
	limit := c.spec.Resources.Limits.Memory().Value()
	if limit == 0 || p.pid() == 0 {
		return
	}
	for ctx.Err() == nil {
		if used, _, err := usage(p.pid()); err == nil && used > limit {
			close(over)
			p.kill()
			return
		}
		sleep(ctx, 50*time.Millisecond)
	}
}

// usage is the resident memory of a process, and the CPU time that it has used.
func usage(pid int) (memory int64, cpu time.Duration, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, err
	}
	// What stands behind the name, which may hold anything (proc_pid_stat(5)).
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 22 {
		return 0, 0, fmt.Errorf("%d fields", len(fields))
	}
	number := func(i int) int64 {
		n, _ := strconv.ParseInt(fields[i], 10, 64) // the kernel's
		return n
	}
	const ticks = 100 // a second, on all that Go runs on
	return number(21) * int64(os.Getpagesize()), time.Duration(number(11)+number(12)) * time.Second / ticks, nil
}
