package rules

import "testing"

func TestFargateSizes(t *testing.T) {
	for _, s := range []struct {
		cpu, memory int
		ok          bool
	}{
		{256, 512, true}, {256, 1024, true}, {256, 2048, true}, {256, 1536, false}, {256, 4096, false},
		{512, 1024, true}, {512, 4096, true}, {512, 5120, false}, {1024, 2048, true}, {1024, 8192, true},
		{4096, 30720, true}, {8192, 16384, true}, {8192, 17408, false}, {16384, 122880, true}, {300, 512, false},
	} {
		if got := (Size{s.cpu, s.memory}).Fargate(); got != s.ok {
			t.Errorf("%d CPU with %d MiB: %v", s.cpu, s.memory, got)
		}
	}
}

func FuzzParseSize(f *testing.F) {
	for _, s := range []string{"256", ".25 vCPU", "1vcpu", "2 GB", "0.5gb", "-1", "1e9", "99999999999999999999 GB"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		size, err := ParseSize(&s, &s)
		if err == nil && (size.CPU < 128 || size.Memory < 6 || size.CPU > 1<<30 || size.Memory > 1<<30) {
			t.Errorf("%q is %+v", s, size)
		}
	})
}
