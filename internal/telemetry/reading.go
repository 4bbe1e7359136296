package telemetry

import "time"

// A Reading is what there is in a server at the moment of a scrape.
type Reading struct {
	Clock Clock
	Store Store
	Cells []Cell
	Lease *Lease // nil: the server is by itself
}

// A Clock is how the server's clock stands to the wall clock.
type Clock struct {
	Now   time.Time
	Lead  time.Duration // before the wall clock
	Speed float64
}

// A Store is what was written to the state since the server started.
type Store struct {
	Transactions, Documents, Bytes int64
	Stalled                        bool // a write waits for room on the disk
}

// A Lease is which replicas one server has.
type Lease struct {
	Epoch    int64 // in which this one answers
	Replicas []Replica
}

// A Replica is one of them.
type Replica struct {
	Address, Release    string
	Owner               bool          // it has the lease
	Silent              time.Duration // since it renewed its claim to be alive
	Renewals, Forwarded int64         // how often it has, and how many calls it has handed on to the owner
	Waited              time.Duration // for the renewals
	Refused             int64         // writes that were refused, since another one had the lease
}

// A Cell is what there is in a region of an account.
type Cell struct {
	Account, Region string
	Services        []Service
	Targets         []Target
	Alarms          map[string]int // by state
	Queues          []Queue
	Forecasts       []Forecast
}

// A Service is how many tasks an ECS service is to have, and has.
type Service struct {
	Cluster, Name             string
	Desired, Running, Pending int
}

// A Target is within which bounds a scalable target is scaled.
type Target struct {
	Resource string
	Min, Max int
}

// A Queue is how many messages there are in a queue.
type Queue struct {
	Name                         string
	Visible, NotVisible, Delayed int64
}

// A Forecast is how far the forecast of a predictive policy has been from what was measured.
type Forecast struct {
	Resource, Policy string
	Error            float64 // as a part of what was measured
}
