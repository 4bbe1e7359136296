package function

import "time"

// A Function is what an environment runs. Two functions with one ARN and one revision are
// the same.
type Function struct {
	ARN      string // with the version
	Revision string // of code and configuration: another one ends the environments of those before it
	Name     string
	Version  string
	Runtime  string // as in provided.al2023, nodejs22.x, python3.13
	Handler  string
	Code     string        // the folder with its files, which it reads only
	Memory   int           // limit in MiB
	Storage  int           // what it may keep in /tmp, in MiB; 0 is 512
	Timeout  time.Duration // of an invocation, in real time
	Init     time.Duration // limit of the start of an environment; 0 is Lambda's 10 s
	Region   string
	Env      []string // NAME=value: the user's variables
	Group    string   // its log group; empty is /aws/lambda/NAME
	JSONLogs bool     // the platform's lines are JSON
	LogLevel string   // least level of the function's own lines, with JSONLogs
}

// A Call is one invocation.
type Call struct {
	RequestID       string
	ARN             string // as the caller named the function
	Payload         []byte
	ClientContext   string // JSON
	CognitoIdentity string // JSON
	TraceID         string
}

// The values of Answer.Error.
const (
	Handled   = "Handled"
	Unhandled = "Unhandled"
)

// An Answer is what came of an invocation.
type Answer struct {
	Payload  []byte
	Error    string        // Unhandled or Handled if the function has failed; the payload tells how
	Log      []byte        // the last 4 KiB of its log
	Duration time.Duration // of the invocation
	Billed   time.Duration
	Init     time.Duration // of the environment's start, if it was started for this invocation
	Memory   int           // the most that the environment has used, in MiB
	Cold     bool          // the environment was started for it

	Provisioned bool // it was a provisioned environment's
}
