package postgrestest

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/procfs"
)

// CPU is the processor time of the cluster's processes, without those that have ended; 0 where there is no /proc.
func (c *Cluster) CPU() (sum time.Duration) {
	text, err := os.ReadFile(filepath.Join(c.data(), "postmaster.pid"))
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), "\n")
	postmaster, _ := strconv.Atoi(first) // it begins the file
	all, err := procfs.AllProcs()
	if err != nil {
		return 0
	}
	for _, p := range all {
		stat, err := p.Stat()
		if err != nil || p.PID != postmaster && stat.PPID != postmaster {
			continue
		}
		// Most of them use less than the ticks that stat counts in.
		if run, err := p.Schedstat(); err == nil {
			sum += time.Duration(run.RunningNanoseconds)
		}
	}
	return sum
}
