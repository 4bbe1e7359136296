package scaling

import (
	"fmt"
	"math"
	"time"
)

// A Capacity is a number of tasks, or of whatever else is scaled. It is at most
// MaxCapacity.
type Capacity uint32

// MaxCapacity is the largest capacity that the API can express.
const MaxCapacity Capacity = math.MaxInt32

// Bounds are the smallest and the largest capacity that scaling may set. The
// zero Bounds allow capacity 0 only.
type Bounds struct {
	min, max Capacity
}

// NewBounds returns the bounds min..max, or an error if they are negative or
// the wrong way round.
func NewBounds(min, max int32) (Bounds, error) {
	switch {
	case min < 0:
		return Bounds{}, fmt.Errorf("minimum capacity %d must not be negative", min)
	case max < 0:
		return Bounds{}, fmt.Errorf("maximum capacity %d must not be negative", max)
	case min > max:
		return Bounds{}, fmt.Errorf("maximum capacity cannot be less than minimum capacity (%d is less than %d)", max, min)
	}
	return Bounds{Capacity(min), Capacity(max)}, nil
}

// Min is the smallest capacity.
func (b Bounds) Min() Capacity { return b.min }

// Max is the largest capacity.
func (b Bounds) Max() Capacity { return b.max }

// Clamp returns the capacity inside the bounds that is nearest to c.
func (b Bounds) Clamp(c Capacity) Capacity { return min(max(c, b.min), b.max) }

// Suspended says which kinds of scaling are switched off for a while.
type Suspended struct {
	In        bool `json:"in"`        // scale-in by policies
	Out       bool `json:"out"`       // scale-out by policies
	Scheduled bool `json:"scheduled"` // scheduled actions
}

// A Target is a scalable target: what scaling may do with one resource.
type Target struct {
	Kind      Kind // of the resource
	Bounds    Bounds
	Suspended Suspended
	Floor     Floor // of predictive policies, in addition to Bounds
	Reach     Reach // of limits, inside Bounds
}

// Seen is what is known about a target when it is decided upon.
type Seen struct {
	Desired   Capacity  // the capacity that was last asked for
	Running   Capacity  // the tasks that run, and that the metrics are about
	Deploying bool      // a deployment is under way
	Policies  []Reading // every policy of the target
	Called    string    // the alarm that asks for a decision; "" where none does
	// Brief leaves what is done and why unsaid, in the decision and in the activity that it
	// begins, for those who ask what is to be done far more often: to say it takes longer than
	// to do it.
	Brief bool
}

// A Reading is one policy with what it sees and remembers.
type Reading struct {
	Name     string
	Policy   Policy
	Alarms   []Alarm
	Cooldown Cooldown
}

// A Policy is a TargetTracking or a Step.
type Policy interface {
	// Cooldown is how long the policy waits after an activity in a direction.
	Cooldown(Direction) time.Duration
	// propose is what the policy alone asks for. It leaves to the caller what
	// holds for every policy: bounds, suspension, deployments.
	propose(now time.Time, r Reading, seen Seen) Proposal
}

// A Direction is where a decision moves the capacity.
type Direction int8

// The directions.
const (
	In   Direction = -1
	Hold Direction = 0
	Out  Direction = +1
)

// String returns "scale-out", "scale-in" or "hold".
func (d Direction) String() string {
	switch d {
	case Out:
		return "scale-out"
	case In:
		return "scale-in"
	}
	return "hold"
}

// MarshalText encodes the direction as its String.
func (d Direction) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText decodes what MarshalText encoded.
func (d *Direction) UnmarshalText(text []byte) error {
	for _, known := range []Direction{In, Hold, Out} {
		if known.String() == string(text) {
			*d = known
			return nil
		}
	}
	return fmt.Errorf("unknown direction %q", text)
}
