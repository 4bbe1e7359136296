package control

import (
	"io"
)

// Settings are what AWS's shapes cannot say of targets and their metrics.
type Settings struct {
}

// add adds other settings.
func (s *Settings) add(o Settings) {}

// ReadSettings reads a file of settings.
func ReadSettings(r io.Reader) (Settings, error) {
	return Settings{}, nil
}
