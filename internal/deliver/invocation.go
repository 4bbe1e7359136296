package deliver

// An Invocation is what a rule, a schedule or a function sends to a target. Takers
// of services that can be targets understand it.
type Invocation struct {
	ID        string // the same at each attempt
	Principal string // the service that sends it, such as events.amazonaws.com
	Attempt   int    `json:",omitempty"` // which one this is, from 1
	Source    string // the ARN of what sends it, aws:SourceArn to a resource's policy
	Role      string `json:",omitempty"` // the ARN of the role that is taken for it; empty: none
	Body      []byte `json:",omitempty"`
	// Attributes go with the body to receivers that have message attributes, such as
	// queues. Their values are strings.
	Attributes map[string]string `json:",omitempty"`
	StartedBy  string            `json:",omitempty"` // what tasks tell of what has started them; empty: what Source is
	Trace      string            `json:",omitempty"` // an X-Ray trace header, or nothing
	// Parameters are what the target needs besides the body, in the types of
	// EventBridge's SDK, such as *types.EcsParameters or *types.SqsParameters; or nil.
	Parameters any `json:",omitempty"`
}

// Refused is the error of a message that no other attempt would bring to its
// receiver. The code is the one that a dead letter shows, such as NO_PERMISSIONS or
// NO_RESOURCE.
type Refused struct {
	Code string
	Err  error
}

func (r *Refused) Error() string { return r.Err.Error() }
func (r *Refused) Unwrap() error { return r.Err }

// Busy is the error of a message that its receiver has no room for now. Another attempt
// may bring it there, and this one does not count as one.
type Busy struct{ Err error }

func (b *Busy) Error() string { return b.Err.Error() }
func (b *Busy) Unwrap() error { return b.Err }
