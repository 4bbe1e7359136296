package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"flyball/internal/fit"
	"flyball/internal/policydoc"
	"flyball/sim"
)

// A serviceModel is the flags that describe a service.
type serviceModel struct {
	file                                    string
	cpu, wait, timeout                      time.Duration
	variation, crashes                      float64
	concurrency                             int
	workers                                 bool
	taskCPU, taskMemory                     int
	atRest, perRequest                      float64
	start, startSpread, healthCheck, drains time.Duration
}

func (m *serviceModel) flags(f *pflag.FlagSet) {
	f.StringVar(&m.file, "model", "", "file of what the flags below say, as flyball fit --out writes it; flags that are given go before it")
	f.DurationVar(&m.cpu, "cpu-per-request", 0, "processor time of a request")
	f.DurationVar(&m.wait, "wait-per-request", 0, "time that a request waits for others, such as a database")
	f.Float64Var(&m.variation, "variation", 1, "standard deviation of a request's time, as a share of its mean")
	f.IntVar(&m.concurrency, "concurrency", 0, "requests that a task has in hand at a time; 0: any number")
	f.DurationVar(&m.timeout, "timeout", time.Minute, "time after which a request that waits is given up")
	f.BoolVar(&m.workers, "workers", false, "tasks take messages from a queue, where they wait as long as it takes")
	f.IntVar(&m.taskCPU, "task-cpu", 0, "CPU units of a task, 1024 a vCPU; the plan's own, or 256, by default")
	f.IntVar(&m.taskMemory, "task-memory", 0, "memory of a task in MiB; the plan's own, or 512, by default")
	f.Float64Var(&m.atRest, "memory-at-rest", 0, "MiB that a task uses without requests")
	f.Float64Var(&m.perRequest, "memory-per-request", 0, "MiB that a request in hand uses")
	f.DurationVar(&m.start, "start", 30*time.Second, "time from asking for a task until it runs")
	f.DurationVar(&m.startSpread, "start-spread", 0, "standard deviation of that time")
	f.DurationVar(&m.healthCheck, "health-check", 10*time.Second, "time that a task runs before it gets requests")
	f.DurationVar(&m.drains, "drain", 30*time.Second, "time that a task which is stopped lives on, and is paid for")
	f.Float64Var(&m.crashes, "crashes-per-hour", 0, "how often a task ends by itself")
}

// read sets the flags that a file of a model has and nobody gave.
func (m *serviceModel) read(f *pflag.FlagSet) error {
	file, err := os.Open(m.file)
	if err != nil {
		return err
	}
	defer file.Close()
	settings, err := fit.ReadSettings(file)
	if err != nil {
		return fmt.Errorf("--model %s: %w", m.file, err)
	}
	var own pflag.FlagSet
	new(serviceModel).flags(&own)
	for _, s := range settings {
		flag := own.Lookup(s.Name)
		if flag == nil || s.Name == "model" {
			return fmt.Errorf("--model %s: %q is not part of a model; the names are those of flags such as cpu-per-request", m.file, s.Name)
		}
		if f.Changed(s.Name) {
			continue
		}
		if err := f.Set(s.Name, s.Value); err != nil {
			return fmt.Errorf("--model %s: %s is %q: %s", m.file, s.Name, s.Value, wants(flag))
		}
	}
	return checkValues(f)
}

// service is the model that the flags describe, with what documents know of the tasks.
func (m *serviceModel) service(f *pflag.FlagSet, d policydoc.Documents) (sim.Service, error) {
	if m.file != "" {
		if err := m.read(f); err != nil {
			return sim.Service{}, err
		}
	}
	cpu, memory := taskOf(d)
	if cpu == 0 {
		cpu = 256
	}
	if memory == 0 {
		memory = 512
	}
	if f.Changed("task-cpu") {
		cpu = m.taskCPU
	}
	if f.Changed("task-memory") {
		memory = m.taskMemory
	}
	s := sim.Service{
		CPU: m.cpu, Wait: m.wait, Variation: m.variation, Concurrency: m.concurrency, Timeout: m.timeout, Workers: m.workers,
		VCPU: float64(cpu) / 1024, Memory: float64(memory), MemoryAtRest: m.atRest, MemoryPerRequest: m.perRequest,
		Start: m.start, StartSpread: m.startSpread, Healthy: m.healthCheck, Drain: m.drains, CrashesPerHour: m.crashes,
	}
	switch {
	case m.cpu == 0 && m.wait == 0:
		return s, fmt.Errorf("what does a request take? Give --cpu-per-request, such as 50ms, or --wait-per-request with --concurrency, or a --model that flyball fit has found")
	case cpu <= 0 || memory <= 0:
		return s, fmt.Errorf("--task-cpu %d, --task-memory %d: a task has more than 0 of both, such as 256 and 512", cpu, memory)
	case m.variation == 0:
		s.Variation = 1e-6 // 0 stands for nothing being said
	case m.timeout == 0:
		return s, fmt.Errorf("--timeout 0s: a request that may not wait cannot be served; give some time")
	}
	return s, nil
}

// taskOf is the size of a task by the task definitions of documents; 0 where they say nothing.
func taskOf(d policydoc.Documents) (cpu, memory int) {
	for _, s := range d.Services {
		if s.CPU > 0 {
			cpu = s.CPU
		}
		if s.Memory > 0 {
			memory = s.Memory
		}
	}
	return cpu, memory
}

// sized says which sizes of a task were taken from documents, or nothing where none was.
func sized(f *pflag.FlagSet, d policydoc.Documents) []string {
	cpu, memory := taskOf(d)
	var taken []string
	if cpu > 0 && !f.Changed("task-cpu") {
		taken = append(taken, fmt.Sprintf("%d CPU units", cpu))
	}
	if memory > 0 && !f.Changed("task-memory") {
		taken = append(taken, fmt.Sprintf("%d MiB", memory))
	}
	if len(taken) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("a task has %s, as the task definition says; --task-cpu and --task-memory say otherwise", strings.Join(taken, " and "))}
}
