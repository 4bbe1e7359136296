package lambda

import (
	"cmp"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"flyball/internal/optional"
	"flyball/internal/service/lambda/fault"
	"flyball/internal/service/lambda/rules"
)

// settings are how a version of a function runs.
type settings struct {
	Runtime      string
	Handler      string
	Role         string
	Description  string
	Timeout      int32 // seconds
	Memory       int32 // MiB
	Storage      int32 // MiB of /tmp
	Architecture string
	Environment  map[string]string
	DeadLetters  string // the ARN of the queue for events that fail
	KMSKey       string
	Tracing      string
	Logging      logging
	Subnets      []string
	Groups       []string // security groups
}

// logging is where a function's log goes, and how its lines look.
type logging struct {
	Group, Format, Application, System string
}

// defaults are the settings of a function for which nothing is given.
func defaults(name string) settings {
	return settings{
		Timeout: 3, Memory: 128, Storage: 512, Architecture: string(types.ArchitectureX8664),
		Tracing: string(types.TracingModePassThrough),
		Logging: logging{Group: "/aws/lambda/" + name, Format: string(types.LogFormatText)},
	}
}

// A settingsInput is what CreateFunction and UpdateFunctionConfiguration have in common.
type settingsInput struct {
	Runtime     types.Runtime
	Handler     *string
	Role        *string
	Description *string
	Timeout     *int32
	MemorySize  *int32
	Storage     *types.EphemeralStorage
	Environment *types.Environment
	DeadLetter  *types.DeadLetterConfig
	KMSKeyArn   *string
	Tracing     *types.TracingConfig
	Logging     *types.LoggingConfig
	VPC         *types.VpcConfig
}

// with returns the settings with what is given, or what is wrong with that.
func (s settings) with(in settingsInput) (settings, error) {
	if in.Runtime != "" {
		if err := rules.CheckRuntime(string(in.Runtime)); err != nil {
			return s, err
		}
		s.Runtime = string(in.Runtime)
	}
	optional.Set(&s.Handler, in.Handler)
	optional.Set(&s.Role, in.Role)
	optional.Set(&s.Description, in.Description)
	optional.Set(&s.Timeout, in.Timeout)
	optional.Set(&s.Memory, in.MemorySize)
	optional.Set(&s.KMSKey, in.KMSKeyArn)
	if in.Storage != nil {
		optional.Set(&s.Storage, in.Storage.Size)
	}
	if in.Environment != nil {
		s.Environment = maps.Clone(in.Environment.Variables)
	}
	if in.DeadLetter != nil { // an empty target takes it away, and none leaves it as it is
		optional.Set(&s.DeadLetters, in.DeadLetter.TargetArn)
	}
	if in.Tracing != nil && in.Tracing.Mode != "" {
		s.Tracing = string(in.Tracing.Mode)
	}
	if in.VPC != nil {
		s.Subnets, s.Groups = slices.Clone(in.VPC.SubnetIds), slices.Clone(in.VPC.SecurityGroupIds)
	}
	if in.Logging != nil {
		s.Logging = s.Logging.with(in.Logging)
	}
	return s, s.check()
}

// with returns the logging with what is given. Levels are those of lines in JSON.
func (l logging) with(in *types.LoggingConfig) logging {
	optional.Set(&l.Group, in.LogGroup)
	if in.LogFormat != "" {
		l.Format = string(in.LogFormat)
	}
	if l.Format != string(types.LogFormatJson) {
		l.Application, l.System = "", ""
		return l
	}
	l.Application, l.System = cmp.Or(string(in.ApplicationLogLevel), l.Application, "INFO"), cmp.Or(string(in.SystemLogLevel), l.System, "INFO")
	return l
}

// check checks what the types of single members do not say.
func (s settings) check() error {
	for _, limit := range []struct {
		member      string
		value       int32
		least, most int32
	}{
		{"timeout", s.Timeout, 1, 900},
		{"memorySize", s.Memory, 128, 10_240},
		{"ephemeralStorage.size", s.Storage, 512, 10_240},
	} {
		if limit.value < limit.least {
			return fault.Constraint(limit.value, limit.member, "have value greater than or equal to "+number(limit.least))
		}
		if limit.value > limit.most {
			return fault.Constraint(limit.value, limit.member, "have value less than or equal to "+number(limit.most))
		}
	}
	if err := rules.CheckEnvironment(s.Environment); err != nil {
		return err
	}
	return rules.CheckDeadLetters(s.DeadLetters)
}

// An unsupported is a member that asks for what Flyball does not have.
type unsupported struct {
	what  string
	given bool
}

// refuse answers the first of some members that is given.
func refuse(members ...unsupported) error {
	for _, m := range members {
		if m.given {
			return fault.Unsupported(m.what)
		}
	}
	return nil
}

// snapStarts tells whether versions are to be started from snapshots.
func snapStarts(s *types.SnapStart) bool {
	return s != nil && s.ApplyOn != "" && s.ApplyOn != types.SnapStartApplyOnNone
}
