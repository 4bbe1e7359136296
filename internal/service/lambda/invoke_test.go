package lambda_test

import (
	"encoding/base64"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"flyball/internal/function"
)

func (w *world) invoke(name, payload string, change ...func(*sdk.InvokeInput)) (*sdk.InvokeOutput, error) {
	in := &sdk.InvokeInput{FunctionName: &name, Payload: []byte(payload)}
	for _, f := range change {
		f(in)
	}
	return w.Invoke(w.t.Context(), in)
}

func TestAnInvocationRunsTheVersionThatItNames(t *testing.T) {
	w := open(t)
	w.create("f", func(in *sdk.CreateFunctionInput) { in.Environment = variables("STAGE", "one") })
	w.publish("f")
	w.setTimeout("f", 7)
	_, err := w.CreateAlias(t.Context(), &sdk.CreateAliasInput{FunctionName: aws.String("f"), Name: aws.String("live"), FunctionVersion: aws.String("1")})
	ok(t, err)
	for name, version := range map[string]string{"f": "$LATEST", "f:1": "1", functionARN + "f:live": "1"} {
		out, err := w.invoke(name, `{"a":1}`)
		ok(t, err)
		if out.StatusCode != 200 || string(out.Payload) != `{"a":1}` || *out.ExecutedVersion != version || out.FunctionError != nil {
			t.Errorf("%s: %+v", name, out)
		}
		ran := w.runner.ran[len(w.runner.ran)-1]
		if ran.ARN != functionARN+"f:"+version || ran.Env[0] != "STAGE=one" || ran.Group != "/aws/lambda/f" {
			t.Errorf("%s ran %+v", name, ran)
		}
		if call := w.runner.calls[len(w.runner.calls)-1]; call.ARN != functionARN+strings.TrimPrefix(name, functionARN) {
			t.Errorf("%s was told that it is %s", name, call.ARN)
		}
	}
}

func TestAnAliasWithWeightsRunsBothVersions(t *testing.T) {
	w := open(t)
	w.create("f")
	w.publish("f")
	w.setTimeout("f", 7)
	w.publish("f")
	_, err := w.CreateAlias(t.Context(), &sdk.CreateAliasInput{
		FunctionName: aws.String("f"), Name: aws.String("live"), FunctionVersion: aws.String("1"),
		RoutingConfig: &types.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{"2": 0.5}},
	})
	ok(t, err)
	ran := map[string]int{}
	for range 200 {
		out, err := w.invoke("f:live", "{}")
		ok(t, err)
		ran[*out.ExecutedVersion]++
	}
	if ran["1"] < 50 || ran["2"] < 50 {
		t.Errorf("of 200 invocations ran %v", ran)
	}
}

func TestAFailureOfTheFunctionIsAnAnswer(t *testing.T) {
	w := open(t)
	w.create("f")
	w.runner.answer = func(function.Function, function.Call) (function.Answer, error) {
		answer := failing("no")
		answer.Log = []byte("its log")
		return answer, nil
	}
	out, err := w.invoke("f", "", func(in *sdk.InvokeInput) { in.LogType = types.LogTypeTail })
	ok(t, err)
	if out.StatusCode != 200 || *out.FunctionError != "Unhandled" || *out.LogResult != base64.StdEncoding.EncodeToString([]byte("its log")) {
		t.Errorf("got %+v", out)
	}
	if got := string(w.runner.calls[0].Payload); got != "{}" {
		t.Errorf("without a payload it was given %q", got)
	}
}

func TestInvokeRefuses(t *testing.T) {
	w := open(t)
	w.create("f")
	event := func(in *sdk.InvokeInput) { in.InvocationType = types.InvocationTypeEvent }
	for name, tt := range map[string]struct {
		payload       string
		change        func(*sdk.InvokeInput)
		code, message string
	}{
		"what is no JSON": {"{", func(*sdk.InvokeInput) {}, "InvalidRequestContentException",
			"Could not parse request body into json: Could not parse payload into json: unexpected end of JSON input"},
		"an event that is no JSON": {"{", event, "InvalidRequestContentException",
			"Could not parse request body into json: Could not parse payload into json: unexpected end of JSON input"},
		"more than 6 MB": {`"` + strings.Repeat("x", 6<<20) + `"`, func(*sdk.InvokeInput) {}, "RequestEntityTooLargeException",
			"6291458 byte payload is too large for the RequestResponse invocation type (limit 6291456 bytes)"},
		"an event of more than 1 MB": {`"` + strings.Repeat("x", 1<<20) + `"`, event, "RequestEntityTooLargeException",
			"1048578 byte payload is too large for the Event invocation type (limit 1048576 bytes)"},
		"a client context that is none": {"{}", func(in *sdk.InvokeInput) { in.ClientContext = aws.String("e") }, "InvalidRequestContentException",
			"Client context must be a valid Base64-encoded JSON object."},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.invoke("f", tt.payload, tt.change)
			wants(t, err, tt.code, tt.message)
		})
	}
	if len(w.runner.calls) > 0 {
		t.Errorf("it was run %d times", len(w.runner.calls))
	}
}

func TestADryRunRunsNothing(t *testing.T) {
	w := open(t)
	w.create("f")
	out, err := w.invoke("f", "{}", func(in *sdk.InvokeInput) { in.InvocationType = types.InvocationTypeDryRun })
	ok(t, err)
	if out.StatusCode != 204 || len(w.runner.calls) > 0 {
		t.Errorf("got %d after %d calls", out.StatusCode, len(w.runner.calls))
	}
}

func TestAFunctionHasTheConcurrencyThatIsKeptForIt(t *testing.T) {
	w := open(t)
	w.create("f")
	w.create("g")
	keep := func(n int32) error {
		_, err := w.PutFunctionConcurrency(t.Context(), &sdk.PutFunctionConcurrencyInput{FunctionName: aws.String("f"), ReservedConcurrentExecutions: &n})
		return err
	}
	wants(t, keep(901), "InvalidParameterValueException",
		"Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100].")
	ok(t, keep(2))
	entered, leave := make(chan bool), make(chan bool)
	w.runner.answer = func(function.Function, function.Call) (function.Answer, error) {
		entered <- true
		<-leave
		return function.Answer{}, nil
	}
	ended := make(chan error)
	for range 2 {
		go func() { _, err := w.invoke("f", "{}"); ended <- err }()
		<-entered
	}
	_, err := w.invoke("f", "{}")
	var throttled *types.TooManyRequestsException
	if !errors.As(err, &throttled) || throttled.Reason != types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded || throttled.RetryAfterSeconds != nil || *throttled.Message != "Rate Exceeded." {
		t.Errorf("the third at a time got %v", err)
	}
	go func() { _, err := w.invoke("g", "{}"); ended <- err }()
	<-entered
	for range 3 {
		leave <- true
		ok(t, <-ended)
	}
	ok(t, keep(0))
	if _, err := w.invoke("f", "{}"); !errors.As(err, &throttled) {
		t.Errorf("without concurrency it got %v", err)
	}
}

func TestFunctionsShareWhatNoneKeeps(t *testing.T) {
	w := open(t)
	w.create("kept")
	w.create("f")
	_, err := w.PutFunctionConcurrency(t.Context(), &sdk.PutFunctionConcurrencyInput{FunctionName: aws.String("kept"), ReservedConcurrentExecutions: aws.Int32(900)})
	ok(t, err)
	entered, leave := make(chan bool), make(chan bool)
	w.runner.answer = func(function.Function, function.Call) (function.Answer, error) {
		entered <- true
		<-leave
		return function.Answer{}, nil
	}
	ended := make(chan error)
	for range 100 {
		go func() { _, err := w.invoke("f", "{}"); ended <- err }()
		<-entered
	}
	_, err = w.invoke("f", "{}")
	var throttled *types.TooManyRequestsException
	if !errors.As(err, &throttled) || throttled.Reason != types.ThrottleReasonConcurrentInvocationLimitExceeded {
		t.Errorf("the 101st at a time got %v", err)
	}
	close(leave)
	for range 100 {
		ok(t, <-ended)
	}
}

func TestTheEnvironmentsOfADeletedFunctionAreEnded(t *testing.T) {
	w := open(t)
	w.create("f", func(in *sdk.CreateFunctionInput) { in.Publish = true })
	_, err := w.DeleteFunction(t.Context(), &sdk.DeleteFunctionInput{FunctionName: aws.String("f")})
	ok(t, err)
	if got := strings.Join(w.runner.retired, " "); got != functionARN+"f:$LATEST "+functionARN+"f:1" {
		t.Errorf("ended are those of %s", got)
	}
}

func TestAnUpdateChangesWhatEnvironmentsAreOf(t *testing.T) {
	w := open(t)
	w.create("f")
	revision := func() string {
		t.Helper()
		_, err := w.invoke("f", "{}")
		ok(t, err)
		return w.runner.ran[len(w.runner.ran)-1].Revision
	}
	first := revision()
	w.publish("f")
	if again := revision(); again != first {
		t.Error("publishing a version ends the environments of $LATEST")
	}
	w.setTimeout("f", 7)
	if revision() == first {
		t.Error("an update leaves the environments of before")
	}
}

func TestCodeStaysWhileItRuns(t *testing.T) {
	w := open(t)
	w.create("f")
	update := func(text string) {
		_, err := w.UpdateFunctionCode(t.Context(), &sdk.UpdateFunctionCodeInput{FunctionName: aws.String("f"), ZipFile: zipped(t, "bootstrap", text)})
		ok(t, err)
	}
	var folder string
	w.runner.answer = func(fn function.Function, _ function.Call) (function.Answer, error) {
		folder = fn.Code
		update("the second")
		_, err := os.Stat(folder)
		return function.Answer{}, err
	}
	_, err := w.invoke("f", "{}")
	ok(t, err)
	update("the third")
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("code that nothing runs is still there: %v", err)
	}
}

func TestAFunctionThatIsDeletedWhileItStartsIsNotFound(t *testing.T) {
	w := open(t)
	w.create("f")
	w.runner.answer = func(function.Function, function.Call) (function.Answer, error) {
		_, err := w.DeleteFunction(t.Context(), &sdk.DeleteFunctionInput{FunctionName: aws.String("f")})
		ok(t, err)
		return function.Answer{}, errors.New("its variables cannot be told")
	}
	_, err := w.invoke("f", "{}")
	wants(t, err, "ResourceNotFoundException", "Function not found: "+functionARN+"f")
}

func TestWhatIsInvokedWithoutAQualifierIsLATEST(t *testing.T) {
	w := open(t)
	_, err := w.invoke("none", "{}")
	wants(t, err, "ResourceNotFoundException", "Function not found: "+functionARN+"none:$LATEST")
	_, err = w.invoke("none:live", "{}")
	wants(t, err, "ResourceNotFoundException", "Function not found: "+functionARN+"none:live")
}
