package ecr

import "flyball/internal/state"

var kindSettings = state.Kind{Name: "ecr.settings", Version: 1}

// settings are what is set of the registry as a whole; one row.
type settings struct{}
