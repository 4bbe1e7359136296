//go:build unix && !linux

package launch

import "os"

// executable is where this program can be started again.
func executable() (string, error) { return os.Executable() }
