package lambda_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"flyball/internal/function"
)

// A shelf is what is kept started, by ARN. What was asked for is there at once, up to a
// limit.
type shelf struct {
	mu      sync.Mutex
	kept    map[string]int
	limit   int // 0: none
	failure string
}

func (s *shelf) Provision(fn function.Function, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept[fn.ARN] = n
}

func (s *shelf) Provisioning(arn string) function.Provisioning {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := function.Provisioning{Wanted: s.kept[arn], Available: s.kept[arn], Failure: s.failure}
	if s.limit > 0 {
		p.Available = min(p.Available, s.limit)
	}
	return p
}

// of is what is kept of a version of f.
func (s *shelf) of(number string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kept["arn:aws:lambda:"+region+":"+account+":function:f:"+number]
}

// shelved opens a world with the function f, its versions 1 and 2, and the alias live of
// the first.
func shelved(t *testing.T) (*world, *shelf) {
	t.Helper()
	w, s := open(t), &shelf{kept: map[string]int{}}
	w.config.Provisioner = s
	w.restart()
	w.create("f", func(in *sdk.CreateFunctionInput) { in.Publish = true })
	_, err := w.UpdateFunctionConfiguration(t.Context(), &sdk.UpdateFunctionConfigurationInput{FunctionName: aws.String("f"), MemorySize: aws.Int32(256)})
	ok(t, err)
	_, err = w.PublishVersion(t.Context(), &sdk.PublishVersionInput{FunctionName: aws.String("f")})
	ok(t, err)
	_, err = w.CreateAlias(t.Context(), &sdk.CreateAliasInput{FunctionName: aws.String("f"), Name: aws.String("live"), FunctionVersion: aws.String("1")})
	ok(t, err)
	return w, s
}

func (w *world) provision(qualifier string, n int32) error {
	_, err := w.PutProvisionedConcurrencyConfig(w.t.Context(), &sdk.PutProvisionedConcurrencyConfigInput{
		FunctionName: aws.String("f"), Qualifier: &qualifier, ProvisionedConcurrentExecutions: &n,
	})
	return err
}

func (w *world) provisioned(qualifier string) *sdk.GetProvisionedConcurrencyConfigOutput {
	w.t.Helper()
	out, err := w.GetProvisionedConcurrencyConfig(w.t.Context(), &sdk.GetProvisionedConcurrencyConfigInput{FunctionName: aws.String("f"), Qualifier: &qualifier})
	ok(w.t, err)
	return out
}

func TestEnvironmentsAreKeptOfTheVersionOfAnAlias(t *testing.T) {
	w, s := shelved(t)
	ok(t, w.provision("live", 10))
	if s.of("1") != 10 || s.of("2") != 0 {
		t.Errorf("kept %v", s.kept)
	}
	alias := &sdk.UpdateAliasInput{FunctionName: aws.String("f"), Name: aws.String("live"), RoutingConfig: &types.AliasRoutingConfiguration{
		AdditionalVersionWeights: map[string]float64{"2": 0.3},
	}}
	_, err := w.UpdateAlias(t.Context(), alias)
	ok(t, err)
	if s.of("1") != 7 || s.of("2") != 3 {
		t.Errorf("with a weight of 0.3 kept %v", s.kept)
	}
	alias.FunctionVersion, alias.RoutingConfig = aws.String("2"), &types.AliasRoutingConfiguration{}
	_, err = w.UpdateAlias(t.Context(), alias)
	ok(t, err)
	if s.of("1") != 0 || s.of("2") != 10 {
		t.Errorf("of another version kept %v", s.kept)
	}
	_, err = w.DeleteProvisionedConcurrencyConfig(t.Context(), &sdk.DeleteProvisionedConcurrencyConfigInput{FunctionName: aws.String("f"), Qualifier: aws.String("live")})
	ok(t, err)
	if s.of("2") != 0 {
		t.Errorf("of what is not provisioned any more kept %v", s.kept)
	}
}

func TestTheStatusOfProvisionedConcurrency(t *testing.T) {
	for name, c := range map[string]struct {
		limit   int
		failure string
		want    types.ProvisionedConcurrencyStatusEnum
		started int32
	}{
		"all are there":           {0, "", types.ProvisionedConcurrencyStatusEnumReady, 10},
		"some are there":          {4, "", types.ProvisionedConcurrencyStatusEnumInProgress, 4},
		"one does not start":      {4, "it exits", types.ProvisionedConcurrencyStatusEnumFailed, 4},
		"all after one that fell": {0, "it exits", types.ProvisionedConcurrencyStatusEnumReady, 10},
	} {
		w, s := shelved(t)
		s.limit, s.failure = c.limit, c.failure
		ok(t, w.provision("2", 10))
		got := w.provisioned("2")
		if got.Status != c.want || *got.AllocatedProvisionedConcurrentExecutions != c.started || *got.RequestedProvisionedConcurrentExecutions != 10 {
			t.Errorf("%s: got %s with %d, want %s with %d", name, got.Status, *got.AllocatedProvisionedConcurrentExecutions, c.want, c.started)
		}
		if failed := c.want == types.ProvisionedConcurrencyStatusEnumFailed; (aws.ToString(got.StatusReason) == "FUNCTION_ERROR_INIT_FAILURE") != failed {
			t.Errorf("%s: the reason is %v", name, got.StatusReason)
		}
	}
}

func TestWhatCannotBeProvisioned(t *testing.T) {
	w, _ := shelved(t)
	_, err := w.CreateAlias(t.Context(), &sdk.CreateAliasInput{FunctionName: aws.String("f"), Name: aws.String("latest"), FunctionVersion: aws.String("$LATEST")})
	ok(t, err)
	_, err = w.CreateAlias(t.Context(), &sdk.CreateAliasInput{FunctionName: aws.String("f"), Name: aws.String("second"), FunctionVersion: aws.String("2")})
	ok(t, err)
	ok(t, w.provision("live", 300))
	ok(t, w.provision("2", 300))
	const unpublished = "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
	invalid := "InvalidParameterValueException"
	wants(t, w.provision("$LATEST", 1), invalid, unpublished)
	wants(t, w.provision("latest", 1), invalid, unpublished)
	wants(t, w.provision("none", 1), "ResourceNotFoundException", "Cannot find alias arn: arn:aws:lambda:"+region+":"+account+":function:f:none")
	wants(t, w.provision("9", 1), "ResourceNotFoundException", "Function not found: arn:aws:lambda:"+region+":"+account+":function:f:9")
	_, err = w.GetProvisionedConcurrencyConfig(t.Context(), &sdk.GetProvisionedConcurrencyConfigInput{FunctionName: aws.String("g"), Qualifier: aws.String("live")})
	wants(t, err, "ResourceNotFoundException", "Cannot find alias arn: arn:aws:lambda:"+region+":"+account+":function:g:live")
	wants(t, w.provision("1", 1), "ResourceConflictException", "Version is pointed by a Provisioned Concurrency alias")
	wants(t, w.provision("second", 1), "ResourceConflictException", "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version")
	wants(t, w.provision("2", 701), invalid, "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [700].")
	wants(t, w.provision("2", 601), invalid, "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100].")
	_, err = w.PutFunctionConcurrency(t.Context(), &sdk.PutFunctionConcurrencyInput{FunctionName: aws.String("f"), ReservedConcurrentExecutions: aws.Int32(700)})
	ok(t, err)
	ok(t, w.provision("2", 400))
	wants(t, w.provision("2", 401), invalid, "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function")
	if got := w.provisioned("2"); *got.RequestedProvisionedConcurrentExecutions != 400 {
		t.Errorf("what was refused has changed it to %d", *got.RequestedProvisionedConcurrentExecutions)
	}
	_, err = w.GetProvisionedConcurrencyConfig(t.Context(), &sdk.GetProvisionedConcurrencyConfigInput{FunctionName: aws.String("f"), Qualifier: aws.String("second")})
	wants(t, err, "ProvisionedConcurrencyConfigNotFoundException", "No Provisioned Concurrency Config found for this function")
}

func TestProvisionedConcurrencyGoesWithWhatHasIt(t *testing.T) {
	w, s := shelved(t)
	ok(t, w.provision("live", 3))
	ok(t, w.provision("2", 2))
	out, err := w.ListProvisionedConcurrencyConfigs(t.Context(), &sdk.ListProvisionedConcurrencyConfigsInput{FunctionName: aws.String("f")})
	ok(t, err)
	if len(out.ProvisionedConcurrencyConfigs) != 2 {
		t.Errorf("there are %d", len(out.ProvisionedConcurrencyConfigs))
	}
	_, err = w.DeleteAlias(t.Context(), &sdk.DeleteAliasInput{FunctionName: aws.String("f"), Name: aws.String("live")})
	ok(t, err)
	if s.of("1") != 0 {
		t.Errorf("of an alias that is gone kept %v", s.kept)
	}
	w.restart()
	if got := w.provisioned("2"); *got.RequestedProvisionedConcurrentExecutions != 2 {
		t.Errorf("after a start %d are wanted", *got.RequestedProvisionedConcurrentExecutions)
	}
	_, err = w.DeleteFunction(t.Context(), &sdk.DeleteFunctionInput{FunctionName: aws.String("f")})
	ok(t, err)
	w.create("f", func(in *sdk.CreateFunctionInput) { in.Publish = true })
	_, err = w.GetProvisionedConcurrencyConfig(t.Context(), &sdk.GetProvisionedConcurrencyConfigInput{FunctionName: aws.String("f"), Qualifier: aws.String("1")})
	wants(t, err, "ProvisionedConcurrencyConfigNotFoundException", "No Provisioned Concurrency Config found for this function")
}

func TestWhatIsProvisionedIsNotShared(t *testing.T) {
	w, _ := shelved(t)
	w.create("g")
	ok(t, w.provision("live", 300))
	unreserved := func() int32 {
		out, err := w.GetAccountSettings(t.Context(), &sdk.GetAccountSettingsInput{})
		ok(t, err)
		return *out.AccountLimit.UnreservedConcurrentExecutions
	}
	if got := unreserved(); got != 700 {
		t.Errorf("%d are shared, want 700", got)
	}
	const invalid = "InvalidParameterValueException"
	wants(t, w.keep("g", 601), invalid,
		"Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100].")
	ok(t, w.keep("g", 600))
	wants(t, w.keep("f", 299), invalid, " ReservedConcurrentExecutions  299 should not be lower than function's total provisioned concurrency [300].")
	ok(t, w.keep("f", 300))
	if got := unreserved(); got != 100 {
		t.Errorf("with what f keeps %d are shared, want 100", got)
	}
}

func TestProvisionedConcurrencyIsForWhatHasIt(t *testing.T) {
	w, _ := shelved(t)
	ok(t, w.keep("f", 3))
	ok(t, w.provision("live", 2))
	entered, leave, ended := make(chan bool), make(chan bool), make(chan error)
	w.runner.answer = func(function.Function, function.Call) (function.Answer, error) {
		entered <- true
		<-leave
		return function.Answer{}, nil
	}
	begin := func(name string) {
		go func() { _, err := w.invoke(name, "{}"); ended <- err }()
		<-entered
	}
	begin("f")
	_, err := w.invoke("f:2", "{}")
	wants(t, err, "TooManyRequestsException", "Rate Exceeded.")
	begin("f:live")
	begin("f:live")
	_, err = w.invoke("f:live", "{}")
	wants(t, err, "TooManyRequestsException", "Rate Exceeded.")
	close(leave)
	for range 3 {
		ok(t, <-ended)
	}
}

func TestWhoScalesIsToldWhatIsDeleted(t *testing.T) {
	w, _ := shelved(t)
	var told []string
	w.config.Deleted = func(_ context.Context, function, qualifier string) error {
		told = append(told, function+":"+qualifier)
		return nil
	}
	w.restart()
	_, err := w.DeleteFunction(t.Context(), &sdk.DeleteFunctionInput{FunctionName: aws.String("f"), Qualifier: aws.String("2")})
	ok(t, err)
	_, err = w.CreateAlias(t.Context(), &sdk.CreateAliasInput{FunctionName: aws.String("f"), Name: aws.String("next"), FunctionVersion: aws.String("1")})
	ok(t, err)
	_, err = w.DeleteAlias(t.Context(), &sdk.DeleteAliasInput{FunctionName: aws.String("f"), Name: aws.String("next")})
	ok(t, err)
	_, err = w.DeleteFunction(t.Context(), &sdk.DeleteFunctionInput{FunctionName: aws.String("f")})
	ok(t, err)
	if want := []string{"f:2", "f:next", "f:$LATEST", "f:1", "f:live"}; !slices.Equal(told, want) {
		t.Errorf("told of %v, want %v", told, want)
	}
}
