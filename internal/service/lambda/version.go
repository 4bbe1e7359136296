package lambda

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"reflect"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"flyball/internal/optional"
	"flyball/internal/service/lambda/code"
	"flyball/internal/service/lambda/rules"
)

// A version is what runs of a function: $LATEST, which changes, or one that was
// published, which does not.
type version struct {
	Function string
	Number   string // $LATEST, or digits
	Modified time.Time
	Revision string
	Note     *string // the description that it was published with, in place of its own
	Code     code.Reference
	Settings settings
}

// touch notes that a version has changed.
func (v *version) touch(now time.Time) {
	v.Modified, v.Revision = now, newRevision()
}

// newRevision makes the identifier of a state of something.
func newRevision() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// same tells whether two versions run the same code in the same way: publishing one
// after the other makes nothing new.
func (v *version) same(other version) bool {
	return v.Code.Same(other.Code) && reflect.DeepEqual(v.Settings, other.Settings)
}

// timeFormat is how functions tell when they were changed.
const timeFormat = "2006-01-02T15:04:05.000-0700"

// configuration describes a version by the qualifier with which it was asked for.
func (a *API) configuration(v version, qualifier string) *types.FunctionConfiguration {
	s := v.Settings
	c := &types.FunctionConfiguration{
		FunctionName:     &v.Function,
		FunctionArn:      aws.String(a.qualified(v.Function, qualifier)),
		Version:          &v.Number,
		Description:      &s.Description,
		Runtime:          types.Runtime(s.Runtime),
		Handler:          &s.Handler,
		Role:             &s.Role,
		Timeout:          &s.Timeout,
		MemorySize:       &s.Memory,
		EphemeralStorage: &types.EphemeralStorage{Size: &s.Storage},
		Architectures:    []types.Architecture{types.Architecture(s.Architecture)},
		CodeSha256:       aws.String(v.Code.SHA256()),
		CodeSize:         v.Code.Size,
		LastModified:     aws.String(v.Modified.UTC().Format(timeFormat)),
		RevisionId:       &v.Revision,
		PackageType:      types.PackageTypeZip,
		TracingConfig:    &types.TracingConfigResponse{Mode: types.TracingMode(s.Tracing)},
		SnapStart:        &types.SnapStartResponse{ApplyOn: types.SnapStartApplyOnNone, OptimizationStatus: types.SnapStartOptimizationStatusOff},
		LoggingConfig:    s.Logging.response(),
		State:            types.StateActive,
		LastUpdateStatus: types.LastUpdateStatusSuccessful,
		KMSKeyArn:        optional.String(s.KMSKey),

		RuntimeVersionConfig: &types.RuntimeVersionConfig{RuntimeVersionArn: aws.String(a.runtimeVersion(s.Runtime))},
	}
	if v.Note != nil {
		c.Description = v.Note
	}
	if s.Environment != nil {
		c.Environment = &types.EnvironmentResponse{Variables: s.Environment}
	}
	if s.DeadLetters != "" {
		c.DeadLetterConfig = &types.DeadLetterConfig{TargetArn: &s.DeadLetters}
	}
	if len(s.Subnets)+len(s.Groups) > 0 {
		c.VpcConfig = &types.VpcConfigResponse{SubnetIds: s.Subnets, SecurityGroupIds: s.Groups, VpcId: aws.String(""), Ipv6AllowedForDualStack: aws.Bool(false)}
	}
	return c
}

// runtimeVersion is the ARN of the version of a runtime, which ends in a hash. There is
// one version of each here.
func (a *API) runtimeVersion(runtime string) string {
	return fmt.Sprintf("arn:%s:lambda:%s::runtime:%x", a.cell.Partition(), a.cell.Region, sha256.Sum256([]byte(runtime)))
}

// inList is a configuration as lists show it: without what the function is about.
func inList(c *types.FunctionConfiguration) types.FunctionConfiguration {
	c.State, c.LastUpdateStatus, c.RuntimeVersionConfig = "", "", nil
	return *c
}

func (l logging) response() *types.LoggingConfig {
	return &types.LoggingConfig{
		LogFormat: types.LogFormat(l.Format), LogGroup: aws.String(l.Group),
		ApplicationLogLevel: types.ApplicationLogLevel(l.Application), SystemLogLevel: types.SystemLogLevel(l.System),
	}
}

// beingCreated is a configuration as the answer of a call shows it that makes the function. It
// can be invoked as soon as that is answered, which is another revision.
func beingCreated(c *types.FunctionConfiguration) *types.FunctionConfiguration {
	c.State, c.StateReason, c.StateReasonCode = types.StatePending, aws.String("The function is being created."), types.StateReasonCodeCreating
	c.LastUpdateStatus, c.RevisionId = "", aws.String(newRevision())
	return c
}

// beingUpdated is a configuration as the answer of a call shows it that changes the
// function. That the change is made is another revision.
func beingUpdated(c *types.FunctionConfiguration) *types.FunctionConfiguration {
	c.LastUpdateStatus, c.RevisionId = types.LastUpdateStatusInProgress, aws.String(newRevision())
	c.LastUpdateStatusReason, c.LastUpdateStatusReasonCode = aws.String("The function is being created."), types.LastUpdateStatusReasonCode("Creating")
	return c
}

// as is a description as the output of an operation, whose members have the same
// names.
func as[T, S any](c *S) *T {
	out := new(T)
	from, to := reflect.ValueOf(c).Elem(), reflect.ValueOf(out).Elem()
	for i := range from.NumField() {
		field := from.Type().Field(i)
		if target := to.FieldByName(field.Name); field.IsExported() && target.IsValid() {
			target.Set(from.Field(i))
		}
	}
	return out
}

// number is a number as text.
func number[N int | int32](n N) string { return strconv.Itoa(int(n)) }

// next is the number of the version that is published next.
func (f *functionRow) next() string { return number(f.Last + 1) }

// published tells versions from $LATEST.
func (v *version) published() bool { return v.Number != rules.Latest }
