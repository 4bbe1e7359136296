package main

import (
	_ "embed"
	"math"
	"strconv"
	"strings"
	"time"
)

//go:embed load.csv
var loadCSV string

const (
	// requestCPU is what a request takes of a processor, in seconds.
	requestCPU = 1.25
	// podCPU is what a pod requests, and may use, in millicores.
	podCPU = 250
)

// recorded is the load, in millicores that are asked for in each minute.
func recorded() (milli []float64) {
	for i, line := range strings.Split(strings.TrimSpace(loadCSV), "\n") {
		_, text, _ := strings.Cut(line, ",")
		requests, err := strconv.ParseFloat(text, 64)
		if err != nil {
			if i == 0 {
				continue // the names of the columns
			}
			panic("load.csv: " + err.Error()) // it is part of the program
		}
		milli = append(milli, math.Round(requests*requestCPU/60*1000))
	}
	return milli
}

// jumps is a load that is three times as high from one minute to the next, for 20 minutes of each 45.
func jumps() (milli []float64) {
	for minute := range 165 {
		requests := 120.0
		if minute >= 30 && (minute-30)%45 < 20 {
			requests = 360
		}
		milli = append(milli, requests*requestCPU/60*1000)
	}
	return milli
}

// loads are what can be played, by their names.
var loads = map[string]func() []float64{"morning": recorded, "jumps": jumps}

// at is the load at a time since the begin; false: it is over.
func (p play) at(since time.Duration) (milli float64, goes bool) {
	minute := int(since / time.Minute)
	if minute >= len(p.load) {
		return 0, false
	}
	return p.load[minute], true
}

// pods are how many pods a load keeps busy to a part.
func pods(milli, part float64) int { return max(2, int(math.Ceil(milli/podCPU/part))) }
