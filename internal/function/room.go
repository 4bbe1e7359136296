package function

import "github.com/shirou/gopsutil/v4/mem"

// mostEnvironments is how many a bridge of Linux has ports for, with some to spare for
// those that are being taken away.
const mostEnvironments = 1000

// room is how many environments this machine has memory for, if each takes 64 MiB.
func room() int {
	memory, err := mem.VirtualMemory()
	if err != nil {
		return 16
	}
	return int(min(mostEnvironments, max(4, memory.Total/(64<<20))))
}
