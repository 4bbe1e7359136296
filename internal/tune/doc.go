// Package tune looks for scaling policies that keep an agreement at the least cost. It
// plays candidates through one part of the traffic of the past, a coarse grid first and
// then what lies around the best, and checks what it found on the rest, which the
// search does not see. A candidate is the calls of AWS's APIs that would put it in
// place, read the way any other document is: what is written is what was simulated.
//
// The same problem and seed give the same outcome, on any number of processors.
package tune
