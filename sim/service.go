package sim

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"time"

	"flyball/internal/duration"
)

// A Service is the model of what is scaled: what a request or a message takes, what a
// task has, and how long tasks take to come and to go.
type Service struct {
	// CPU is the processor time that a request takes, and Wait the time that it waits
	// for others, such as a database.
	CPU, Wait time.Duration
	// Variation is the standard deviation of a request's time, as a share of its mean.
	// 0 stands for 1, that of the exponential distribution.
	Variation float64
	// Concurrency is how many requests a task has in hand at a time; 0: any number.
	Concurrency int
	// Timeout is how long a request waits before it is given up; 0: a minute.
	Timeout time.Duration
	// Workers take messages from a queue, where they wait as long as it takes, instead of
	// answering requests.
	Workers bool
	// Buffered has requests wait for a task where none serves, as workers' messages do.
	// Otherwise they are refused then.
	Buffered bool

	VCPU             float64 // of a task
	Memory           float64 // of a task, in MiB; 0: not known
	MemoryAtRest     float64 // that a task uses without requests, in MiB
	MemoryPerRequest float64 // that a request in hand uses, in MiB

	// Start is the time from asking for a task until it runs, and StartSpread its standard
	// deviation. Healthy is how long the task runs before it gets requests.
	Start, StartSpread, Healthy time.Duration
	// Drain is how long a task that is stopped lives on, and is paid for.
	Drain time.Duration
	// CrashesPerHour is how often a task ends by itself; another takes its place.
	CrashesPerHour float64
}

func (s Service) check() error {
	for _, d := range []struct {
		name string
		d    time.Duration
	}{
		{"CPU time of a request", s.CPU}, {"waiting of a request", s.Wait}, {"timeout", s.Timeout}, {"start of a task", s.Start},
		{"spread of a task's start", s.StartSpread}, {"time until a task is healthy", s.Healthy}, {"drain of a task", s.Drain},
	} {
		if d.d < 0 || d.d > longestDelay {
			return fmt.Errorf("the %s is %s; it must be 0 to %s", d.name, duration.String(d.d), duration.String(longestDelay))
		}
	}
	switch {
	case s.CPU > 0 && !(s.VCPU > 0 && s.VCPU <= 1024):
		return fmt.Errorf("a task has %v vCPU; it must be more than 0, and at most 1024", s.VCPU)
	case s.CPU == 0 && s.Concurrency == 0:
		return errors.New("a request that takes no CPU time needs a concurrency, or a task could serve any number of them")
	case s.CPU == 0 && s.Wait == 0:
		return errors.New("a request takes neither CPU time nor waiting")
	case s.Concurrency < 0 || s.Concurrency > 1e6:
		return fmt.Errorf("a concurrency of %d; it must be 0 to 1000000", s.Concurrency)
	case !(s.Variation >= 0 && s.Variation <= 100):
		return fmt.Errorf("a variation of %v; it must be 0 to 100", s.Variation)
	case !(s.CrashesPerHour >= 0 && s.CrashesPerHour <= 3600):
		return fmt.Errorf("%v crashes an hour of a task; it must be 0 to 3600", s.CrashesPerHour)
	case !(s.Memory >= 0) || !(s.MemoryAtRest >= 0) || !(s.MemoryPerRequest >= 0) || math.IsInf(s.Memory+s.MemoryAtRest+s.MemoryPerRequest, 1):
		return errors.New("memory must not be negative")
	}
	return nil
}

// longestDelay bounds the durations of a model.
const longestDelay = 24 * time.Hour

// A station is where a service's requests queue: the processors of its tasks, or the
// requests that they may have in hand, whichever are short sooner.
type station struct {
	servers  int     // of a task
	time     float64 // of a request at a server, in seconds
	apart    float64 // that a request takes beside it, in seconds
	fixed    float64 // the part of time that is always the same; the rest is exponential
	varied   float64 // the mean of the rest
	variance float64 // what waiting is multiplied with, for times that are not exponential
	perTask  float64 // requests that a task serves in a second at most
	ends     float64 // 1 / varied
}

// station is the service's bottleneck. A task of 0.25 vCPU is one server at which 50 ms
// of CPU time take 200 ms, one of 2.5 vCPU three of five sixths of a processor.
func (s Service) station() station {
	processors := math.Max(1, math.Ceil(s.VCPU))
	alone := 0.0
	if s.CPU > 0 {
		alone = s.CPU.Seconds() * processors / s.VCPU
	}
	cpu := station{servers: int(processors), time: alone, apart: s.Wait.Seconds()}
	hands := station{servers: s.Concurrency, time: alone + s.Wait.Seconds()}
	cpu.perTask, hands.perTask = float64(cpu.servers)/cpu.time, float64(hands.servers)/hands.time
	st := cpu
	if s.CPU == 0 || s.Concurrency > 0 && hands.perTask < cpu.perTask {
		st = hands
	}
	variation := min(cmp.Or(s.Variation, 1), 1)
	st.varied = st.time * max(variation, 0.001)
	st.fixed, st.ends = st.time-st.varied, 1/st.varied
	st.variance = (1 + math.Pow(cmp.Or(s.Variation, 1), 2)) / 2
	return st
}

// rate is how many requests tasks serve in a second at most.
func (s *station) rate(tasks float64) float64 { return tasks * s.perTask }

// timeout is how long a request waits at most, in seconds.
func (s Service) timeout() float64 {
	if s.Workers {
		return math.Inf(1)
	}
	return cmp.Or(s.Timeout, time.Minute).Seconds()
}
