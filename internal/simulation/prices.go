package simulation

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"flyball/sim"
)

// listed are the prices that are known where no other file is given.
//
//go:embed prices.json
var listed []byte

// Prices are those of tasks on AWS Fargate, in dollars an hour.
type Prices struct {
	About   string // where they are from, and of when
	Regions map[string]map[string]Rate
}

// A Rate is what a processor and a GB of memory cost for an hour.
type Rate struct {
	VCPU float64 `json:"vcpu"`
	GB   float64 `json:"gb"`
}

// ReadPrices reads a file of prices; nil is the one that comes with Flyball.
func ReadPrices(text []byte) (Prices, error) {
	if text == nil {
		text = listed
	}
	var p Prices
	if err := json.Unmarshal(text, &p); err != nil {
		return p, fmt.Errorf(`it is no JSON document of prices: write {"Regions": {"us-east-1": {"x86_64": {"vcpu": 0.04, "gb": 0.004}}}}`)
	}
	if len(p.Regions) == 0 {
		return p, fmt.Errorf(`it has no prices: write {"Regions": {"us-east-1": {"x86_64": {"vcpu": 0.04, "gb": 0.004}}}}`)
	}
	return p, nil
}

// Of is the price of tasks in a region, on an architecture.
func (p Prices) Of(region, architecture string) (sim.Price, error) {
	of, known := p.Regions[region]
	if !known {
		return sim.Price{}, fmt.Errorf("the price of region %q is not known; it is of %s. Give a file of prices with --prices",
			region, strings.Join(slices.Sorted(maps.Keys(p.Regions)), ", "))
	}
	r, known := of[architecture]
	if !known {
		return sim.Price{}, fmt.Errorf("the price of architecture %q is not known in region %s; it is of %s", architecture, region, strings.Join(slices.Sorted(maps.Keys(of)), ", "))
	}
	return sim.Price{VCPUHour: r.VCPU, GBHour: r.GB}, nil
}
