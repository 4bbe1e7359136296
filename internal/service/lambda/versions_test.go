package lambda_test

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func (w *world) publish(name string) string {
	w.t.Helper()
	out, err := w.PublishVersion(w.t.Context(), &sdk.PublishVersionInput{FunctionName: &name})
	ok(w.t, err)
	return *out.Version
}

func (w *world) setTimeout(name string, seconds int32) {
	w.t.Helper()
	_, err := w.UpdateFunctionConfiguration(w.t.Context(), &sdk.UpdateFunctionConfigurationInput{FunctionName: &name, Timeout: &seconds})
	ok(w.t, err)
}

func TestPublishingWithoutAChangeMakesNoVersion(t *testing.T) {
	w := open(t)
	w.create("f")
	got := []string{w.publish("f"), w.publish("f")}
	w.setTimeout("f", 7)
	got = append(got, w.publish("f"))
	w.restart()
	got = append(got, w.publish("f"))
	if want := [4]string{"1", "1", "2", "2"}; [4]string(got) != want {
		t.Errorf("got versions %v, want %v", got, want)
	}
	old, err := w.GetFunctionConfiguration(t.Context(), &sdk.GetFunctionConfigurationInput{FunctionName: aws.String("f:1")})
	ok(t, err)
	if *old.Timeout != 3 {
		t.Errorf("version 1 has a timeout of %d s", *old.Timeout)
	}
	_, err = w.PublishVersion(t.Context(), &sdk.PublishVersionInput{FunctionName: aws.String("f"), CodeSha256: aws.String("no")})
	wants(t, err, "InvalidParameterValueException", "CodeSHA256 (no) is different from current CodeSHA256 in $LATEST ("+*old.CodeSha256+"). Please try again with the CodeSHA256 in $LATEST.")
}

func TestVersionsAreInTheOrderOfTheirNumbersAndNumbersAreNotUsedAgain(t *testing.T) {
	w := open(t)
	w.create("f")
	for i := range 11 {
		w.setTimeout("f", int32(10+i))
		w.publish("f")
	}
	_, err := w.DeleteFunction(t.Context(), &sdk.DeleteFunctionInput{FunctionName: aws.String("f"), Qualifier: aws.String("11")})
	ok(t, err)
	if n := w.publish("f"); n != "12" {
		t.Errorf("after version 11 was deleted came %s", n)
	}
	list, err := w.ListVersionsByFunction(t.Context(), &sdk.ListVersionsByFunctionInput{FunctionName: aws.String("f")})
	ok(t, err)
	got := ""
	for _, v := range list.Versions {
		got += *v.Version + " "
	}
	if want := "$LATEST 1 2 3 4 5 6 7 8 9 10 12 "; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAnAliasKeepsItsVersionFromBeingDeleted(t *testing.T) {
	w := open(t)
	w.create("f")
	w.publish("f")
	_, err := w.CreateAlias(t.Context(), &sdk.CreateAliasInput{FunctionName: aws.String("f"), Name: aws.String("live"), FunctionVersion: aws.String("1")})
	ok(t, err)
	_, err = w.DeleteFunction(t.Context(), &sdk.DeleteFunctionInput{FunctionName: aws.String("f:1")})
	wants(t, err, "ResourceConflictException", "Unable to delete version because the following aliases reference it: [live]")
	_, err = w.DeleteFunction(t.Context(), &sdk.DeleteFunctionInput{FunctionName: aws.String("f:$LATEST")})
	wants(t, err, "InvalidParameterValueException", "$LATEST version cannot be deleted without deleting the function.")
}

func TestAnAliasIsGotByItsOwnARN(t *testing.T) {
	w := open(t)
	w.create("f")
	arn := functionARN + "f:live"
	_, err := w.CreateAlias(t.Context(), &sdk.CreateAliasInput{FunctionName: aws.String("f"), Name: aws.String("live"), FunctionVersion: aws.String("$LATEST")})
	ok(t, err)
	out, err := w.GetAlias(t.Context(), &sdk.GetAliasInput{FunctionName: &arn, Name: aws.String("live")})
	ok(t, err)
	if *out.AliasArn != arn {
		t.Errorf("it is %s", *out.AliasArn)
	}
	_, err = w.GetAlias(t.Context(), &sdk.GetAliasInput{FunctionName: &arn, Name: aws.String("b")})
	wants(t, err, "InvalidParameterValueException", "The derived qualifier from the function name does not match the specified qualifier.")
}

func TestAliasesRefuse(t *testing.T) {
	w := open(t)
	w.create("f")
	w.publish("f")
	w.setTimeout("f", 7)
	w.publish("f")
	alias := func(name, version string, weights map[string]float64) error {
		_, err := w.CreateAlias(t.Context(), &sdk.CreateAliasInput{
			FunctionName: aws.String("f"), Name: &name, FunctionVersion: &version,
			RoutingConfig: &types.AliasRoutingConfiguration{AdditionalVersionWeights: weights},
		})
		return err
	}
	ok(t, alias("live", "1", map[string]float64{"2": 0.25}))
	for _, tt := range []struct {
		name, version string
		weights       map[string]float64
		code, message string
	}{
		{"live", "1", nil, "ResourceConflictException", "Alias already exists: " + functionARN + "f:live"},
		{"2024", "1", nil, "ValidationException", `1 validation error detected: Value '2024' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)`},
		{"b", "9", nil, "ResourceNotFoundException", "Function not found: " + functionARN + "f:9"},
		{"b", "$LATEST", map[string]float64{"1": 0.5}, "InvalidParameterValueException", "$LATEST is not supported for an alias pointing to more than 1 version"},
		{"b", "1", map[string]float64{"1": 0.5}, "InvalidParameterValueException", "Invalid function version 1. Function version 1 is already included in routing configuration."},
		{"b", "1", map[string]float64{"2": 0.5, "3": 0.1}, "InvalidParameterValueException", "Number of items in AdditionalVersionWeights cannot be greater than 1"},
	} {
		wants(t, alias(tt.name, tt.version, tt.weights), tt.code, tt.message)
	}
	refused, is := errors.AsType[*types.InvalidParameterValueException](alias("b", "$LATEST", map[string]float64{"1": 0.5}))
	if !is || refused.Type != nil {
		t.Errorf("weights beside $LATEST: the error says whose it is, which AWS's does not: %v", refused)
	}
	_, err := w.GetAlias(t.Context(), &sdk.GetAliasInput{FunctionName: aws.String("f"), Name: aws.String("b")})
	wants(t, err, "ResourceNotFoundException", "Cannot find alias arn: "+functionARN+"f:b")
}

func TestAnUpdateThatIsPublishedIsAnsweredWithTheVersion(t *testing.T) {
	w := open(t)
	w.create("f")
	out, err := w.UpdateFunctionCode(t.Context(), &sdk.UpdateFunctionCodeInput{FunctionName: aws.String("f"), ZipFile: zipped(t, "bootstrap", "new"), Publish: true})
	ok(t, err)
	if *out.FunctionArn != functionARN+"f:1" || *out.Version != "1" || out.State != types.StatePending || out.LastUpdateStatus != "" {
		t.Errorf("answered %s, version %s, %s, %s", *out.FunctionArn, *out.Version, out.State, out.LastUpdateStatus)
	}
}
