package cgroup

import (
	"os"
	"testing"
)

func TestAProcessThatIsNotInTheContainerIsNotMeasuredForIt(t *testing.T) {
	if _, err := OfContainer(os.Getpid(), "0123456789abcdef"); err == nil {
		t.Error("this process was measured for another container")
	}
}
