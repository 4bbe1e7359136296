package rules

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"

	"flyball/internal/service/ecs/fault"
)

// A memory range that goes with a Fargate CPU size, in MiB. The sizes are
// multiples of step from least to most.
type memoryRange struct{ least, most, step int }

// The sizes of Fargate tasks (Amazon ECS Developer Guide, "Task CPU and memory"
// under "Amazon ECS task definition parameters for Fargate").
var fargateSizes = map[int]memoryRange{
	256:   {512, 2048, 512}, // 1.5 GB is not one of them
	512:   {1024, 4096, 1024},
	1024:  {2048, 8192, 1024},
	2048:  {4096, 16384, 1024},
	4096:  {8192, 30720, 1024},
	8192:  {16384, 61440, 4096},
	16384: {32768, 122880, 8192},
	32768: {61440, 249856, 8192},
}

// Fargate is whether Fargate runs tasks of the size.
func (s Size) Fargate() bool {
	r, ok := fargateSizes[s.CPU]
	return ok && s.Memory >= r.least && s.Memory <= r.most && (s.Memory-r.least)%r.step == 0 && !(s.CPU == 256 && s.Memory == 1536)
}

// A Size is task-level CPU in units and memory in MiB, 0 where there is none.
type Size struct{ CPU, Memory int }

// Or fills in what the size has none of.
func (s Size) Or(other Size) Size {
	return Size{cmp.Or(s.CPU, other.CPU), cmp.Or(s.Memory, other.Memory)}
}

var (
	vcpuPattern = regexp.MustCompile(`(?i)^\s*([0-9]+|[0-9]*\.[0-9]+)\s*vcpu\s*$`)
	gbPattern   = regexp.MustCompile(`(?i)^\s*([0-9]+|[0-9]*\.[0-9]+)\s*gb\s*$`)
)

// ParseSize reads task-level CPU and memory: units and MiB, or with a suffix
// such as "1 vCPU" and "2 GB".
func ParseSize(cpu, memory *string) (Size, error) {
	var size Size
	var ok bool
	if size.CPU, ok = parseAmount(cpu, vcpuPattern); !ok || (cpu != nil && size.CPU < 128) {
		return size, fault.Client("Invalid 'cpu' setting for task.")
	}
	if size.Memory, ok = parseAmount(memory, gbPattern); !ok || (memory != nil && size.Memory < 6) {
		return size, fault.Client("Invalid 'memory' setting for task.")
	}
	return size, nil
}

// parseAmount reads a whole number, or one with a suffix that stands for 1024.
func parseAmount(s *string, suffixed *regexp.Regexp) (int, bool) {
	if s == nil {
		return 0, true
	}
	if m := suffixed.FindStringSubmatch(*s); m != nil {
		f, err := strconv.ParseFloat(m[1], 64)
		return int(f * 1024), err == nil && f <= 1<<20
	}
	n, err := strconv.Atoi(strings.TrimSpace(*s))
	return n, err == nil && n > 0 && n <= 1<<30
}
