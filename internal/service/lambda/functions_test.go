package lambda_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

const functionARN = "arn:aws:lambda:eu-west-2:123456789012:function:"

func TestAFunctionIsPendingInTheAnswerAndActiveAfterIt(t *testing.T) {
	w := open(t)
	made := w.create("f")
	if made.State != types.StatePending || made.StateReasonCode != types.StateReasonCodeCreating || *made.Version != "$LATEST" {
		t.Errorf("created: %v %v %v", made.State, made.StateReasonCode, *made.Version)
	}
	for _, life := range []string{"before", "after"} {
		got, err := w.GetFunction(t.Context(), &sdk.GetFunctionInput{FunctionName: aws.String("f")})
		ok(t, err)
		c := got.Configuration
		if c.State != types.StateActive || c.LastUpdateStatus != types.LastUpdateStatusSuccessful || *c.CodeSha256 != *made.CodeSha256 || *c.Timeout != 3 || *c.MemorySize != 128 {
			t.Errorf("%s a restart: %+v", life, c)
		}
		w.restart()
	}
	_, err := w.CreateFunction(t.Context(), newFunction(t, "f"))
	wants(t, err, "ResourceConflictException", "Function already exist: f")
}

func TestAFunctionIsFoundByEachOfItsNames(t *testing.T) {
	w := open(t)
	w.create("f", func(in *sdk.CreateFunctionInput) { in.Publish = true })
	for _, name := range []string{"f", "function:f", account + ":function:f", functionARN + "f", region + ":" + account + ":function:f"} {
		for qualifier, number := range map[string]string{"": "$LATEST", "$LATEST": "$LATEST", "1": "1"} {
			arn := functionARN + "f"
			in := &sdk.GetFunctionConfigurationInput{FunctionName: &name}
			if qualifier != "" {
				arn += ":" + qualifier
				in.Qualifier = &qualifier
			}
			got, err := w.GetFunctionConfiguration(t.Context(), in)
			ok(t, err)
			if *got.Version != number || *got.FunctionArn != arn {
				t.Errorf("%s with %q is %s, version %s", name, qualifier, *got.FunctionArn, *got.Version)
			}
		}
	}
}

func TestANameThatIsNoneGetsAWSsError(t *testing.T) {
	w := open(t)
	w.create("f")
	for _, tt := range []struct{ name, qualifier, code, message string }{
		{"g", "", "ResourceNotFoundException", "Function not found: " + functionARN + "g"},
		{"f", "7", "ResourceNotFoundException", "Function not found: " + functionARN + "f:7"},
		{"f", "live", "ResourceNotFoundException", "Function not found: " + functionARN + "f:live"},
		{"f:1", "2", "InvalidParameterValueException", "The derived qualifier from the function name does not match the specified qualifier."},
		{"arn:aws:lambda:us-east-1:123456789012:function:f", "", "ResourceNotFoundException", "Functions from 'us-east-1' are not reachable in this region ('eu-west-2')"},
	} {
		in := &sdk.GetFunctionInput{FunctionName: &tt.name}
		if tt.qualifier != "" {
			in.Qualifier = &tt.qualifier
		}
		_, err := w.GetFunction(t.Context(), in)
		wants(t, err, tt.code, tt.message)
	}
}

func TestCreateFunctionRefuses(t *testing.T) {
	w := open(t)
	for name, tt := range map[string]struct {
		change  func(*sdk.CreateFunctionInput)
		code    string
		message string
	}{
		"no handler": {func(in *sdk.CreateFunctionInput) { in.Handler = nil }, "InvalidParameterValueException",
			"Runtime and Handler are mandatory parameters for functions created with deployment packages."},
		"a runtime that has ended": {func(in *sdk.CreateFunctionInput) { in.Runtime = "go1.x" }, "InvalidParameterValueException",
			"The runtime parameter of go1.x is no longer supported for creating or updating AWS Lambda functions. We recommend you use a supported runtime while creating or updating functions."},
		"a runtime that does not run here": {func(in *sdk.CreateFunctionInput) { in.Runtime = "java21" }, "InvalidParameterValueException",
			"Flyball does not support the runtime java21; functions run with provided.*, nodejs* and python*."},
		"a timeout over 15 minutes": {func(in *sdk.CreateFunctionInput) { in.Timeout = aws.Int32(901) }, "ValidationException",
			"1 validation error detected: Value '901' at 'timeout' failed to satisfy constraint: Member must have value less than or equal to 900"},
		"too much memory": {func(in *sdk.CreateFunctionInput) { in.MemorySize = aws.Int32(10_241) }, "ValidationException",
			"1 validation error detected: Value '10241' at 'memorySize' failed to satisfy constraint: Member must have value less than or equal to 10240"},
		"a variable of Lambda's": {func(in *sdk.CreateFunctionInput) { in.Environment = variables("AWS_REGION", "x") }, "InvalidParameterValueException",
			"Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: AWS_REGION"},
		"no code":                   {func(in *sdk.CreateFunctionInput) { in.Code = nil }, "InvalidParameterValueException", "Please provide a source for function code."},
		"a role of another account": {func(in *sdk.CreateFunctionInput) { in.Role = aws.String("arn:aws:iam::210987654321:role/r") }, "AccessDeniedException", "Cross-account pass role is not allowed."},
		"what is no zip": {func(in *sdk.CreateFunctionInput) { in.Code.ZipFile = []byte("code") }, "InvalidParameterValueException",
			"Could not unzip uploaded file. Please check your file, then try to upload again."},
		"an empty zip": {func(in *sdk.CreateFunctionInput) { in.Code.ZipFile = zipped(t) }, "InvalidParameterValueException", "Uploaded file must be a non-empty zip"},
		"a zip over 50 MB": {func(in *sdk.CreateFunctionInput) { in.Code.ZipFile = make([]byte, 50<<20+1) }, "RequestEntityTooLargeException",
			"Zipped size must be smaller than 52428800 bytes"},
		"code in S3": {func(in *sdk.CreateFunctionInput) {
			in.Code = &types.FunctionCode{S3Bucket: aws.String("bucket"), S3Key: aws.String("k")}
		}, "InvalidParameterValueException", "Flyball does not support code in S3; give a ZipFile, or S3Bucket flyball:folder and a folder's path as S3Key."},
		"a folder where none are let in": {func(in *sdk.CreateFunctionInput) {
			in.Code = &types.FunctionCode{S3Bucket: aws.String("flyball:folder"), S3Key: aws.String("/")}
		}, "InvalidParameterValueException", "This server takes no code from folders, since it lets in known access keys only."},
		"an image": {func(in *sdk.CreateFunctionInput) { in.PackageType = types.PackageTypeImage }, "InvalidParameterValueException",
			"Flyball does not support functions from container images."},
		"layers": {func(in *sdk.CreateFunctionInput) { in.Layers = []string{"l"} }, "InvalidParameterValueException", "Flyball does not support layers."},
		"a topic": {func(in *sdk.CreateFunctionInput) {
			in.DeadLetterConfig = deadLetters("arn:aws:sns:eu-west-2:123456789012:t")
		}, "InvalidParameterValueException", "Flyball does not support topics of SNS as the target of DeadLetterConfig."},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.CreateFunction(t.Context(), newFunction(t, "f", tt.change))
			wants(t, err, tt.code, tt.message)
		})
	}
	if left, _ := os.ReadDir(w.folder); len(left) > 0 {
		// What was uploaded with what was refused stays until the next sweep at most.
		w.restart()
		if left, _ := os.ReadDir(w.folder); len(left) > 0 {
			t.Errorf("%d packages are left", len(left))
		}
	}
	list, err := w.ListFunctions(t.Context(), &sdk.ListFunctionsInput{})
	ok(t, err)
	if len(list.Functions) > 0 {
		t.Errorf("there are %d functions", len(list.Functions))
	}
}

func variables(pairs ...string) *types.Environment {
	e := &types.Environment{Variables: map[string]string{}}
	for i := 0; i < len(pairs); i += 2 {
		e.Variables[pairs[i]] = pairs[i+1]
	}
	return e
}

func TestATargetOfDeadLettersIsTakenAwayByAnEmptyOneAlone(t *testing.T) {
	w := open(t)
	queue := "arn:aws:sqs:" + region + ":" + account + ":dead"
	w.create("f", func(in *sdk.CreateFunctionInput) { in.DeadLetterConfig = deadLetters(queue) })
	for _, c := range []struct {
		given *types.DeadLetterConfig
		want  string
	}{{&types.DeadLetterConfig{}, queue}, {nil, queue}, {deadLetters(""), ""}} {
		out, err := w.UpdateFunctionConfiguration(t.Context(), &sdk.UpdateFunctionConfigurationInput{FunctionName: aws.String("f"), DeadLetterConfig: c.given})
		ok(t, err)
		got := ""
		if out.DeadLetterConfig != nil {
			got = *out.DeadLetterConfig.TargetArn
		}
		if got != c.want {
			t.Errorf("after %+v dead letters go to %q, want %q", c.given, got, c.want)
		}
	}
}

func deadLetters(arn string) *types.DeadLetterConfig { return &types.DeadLetterConfig{TargetArn: &arn} }

func TestFunctionsAreListedInPages(t *testing.T) {
	w := open(t)
	for i := range 3 {
		w.create(fmt.Sprintf("f%d", i), func(in *sdk.CreateFunctionInput) { in.Publish = i == 1 })
	}
	for _, tt := range []struct {
		version types.FunctionVersion
		want    string
	}{
		{"", "f0 f1 f2"},
		{types.FunctionVersionAll, "f0:$LATEST f1:$LATEST f1:1 f2:$LATEST"},
	} {
		var got []string
		pages := sdk.NewListFunctionsPaginator(w, &sdk.ListFunctionsInput{MaxItems: aws.Int32(1), FunctionVersion: tt.version})
		for pages.HasMorePages() {
			p, err := pages.NextPage(t.Context())
			ok(t, err)
			for _, f := range p.Functions {
				if f.State != "" || f.LastUpdateStatus != "" || f.RuntimeVersionConfig != nil {
					t.Errorf("a list tells what %s is about: %+v", *f.FunctionArn, f)
				}
				got = append(got, strings.TrimPrefix(*f.FunctionArn, functionARN))
			}
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("got %v, want %s", got, tt.want)
		}
	}
}

func TestAnUpdateNeedsTheLatestRevisionIfOneIsGiven(t *testing.T) {
	w := open(t)
	created := w.create("f")
	made, err := w.GetFunctionConfiguration(t.Context(), &sdk.GetFunctionConfigurationInput{FunctionName: aws.String("f")})
	ok(t, err)
	if *made.RevisionId == *created.RevisionId {
		t.Error("a function that has become active has the revision that it had before")
	}
	if arn := *made.RuntimeVersionConfig.RuntimeVersionArn; !strings.HasPrefix(arn, "arn:aws:lambda:eu-west-2::runtime:") {
		t.Errorf("the version of its runtime is %s", arn)
	}
	in := &sdk.UpdateFunctionConfigurationInput{FunctionName: aws.String("f"), RevisionId: made.RevisionId, Timeout: aws.Int32(10), Environment: variables("STAGE", "prod")}
	changed, err := w.UpdateFunctionConfiguration(t.Context(), in)
	ok(t, err)
	if changed.LastUpdateStatus != types.LastUpdateStatusInProgress || *changed.Timeout != 10 || changed.Environment.Variables["STAGE"] != "prod" || *changed.MemorySize != 128 {
		t.Errorf("changed: %+v", changed)
	}
	_, err = w.UpdateFunctionConfiguration(t.Context(), in)
	wants(t, err, "PreconditionFailedException", "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id")
	_, err = w.UpdateFunctionCode(t.Context(), &sdk.UpdateFunctionCodeInput{FunctionName: aws.String("f"), RevisionId: made.RevisionId, ZipFile: zipped(t, "bootstrap", "new")})
	wants(t, err, "PreconditionFailedException", "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id")
}

func TestDeleteFunctionRefusesWhatIsNoVersion(t *testing.T) {
	w := open(t)
	w.create("f")
	for qualifier, want := range map[string][2]string{
		"$latest": {"ResourceNotFoundException", "Function not found: " + functionARN + "f"},
		"$LATEST": {"InvalidParameterValueException", "$LATEST version cannot be deleted without deleting the function."},
		"live":    {"InvalidParameterValueException", "Deletion of aliases is not currently supported."},
	} {
		_, err := w.DeleteFunction(t.Context(), &sdk.DeleteFunctionInput{FunctionName: aws.String("f"), Qualifier: &qualifier})
		wants(t, err, want[0], want[1])
	}
}

func TestCodeThatNothingRunsAnyMoreIsRemoved(t *testing.T) {
	w := open(t)
	w.create("f")
	w.create("g", func(in *sdk.CreateFunctionInput) { in.Code.ZipFile = zipped(t, "bootstrap", "code of f") })
	count := func(want int) {
		t.Helper()
		if left, _ := os.ReadDir(w.folder); len(left) != want {
			t.Errorf("%d packages are kept, want %d", len(left), want)
		}
	}
	count(1)
	_, err := w.UpdateFunctionCode(t.Context(), &sdk.UpdateFunctionCodeInput{FunctionName: aws.String("f"), ZipFile: zipped(t, "bootstrap", "new"), Publish: true})
	ok(t, err)
	count(2)
	_, err = w.DeleteFunction(t.Context(), &sdk.DeleteFunctionInput{FunctionName: aws.String("g")})
	ok(t, err)
	count(1)
	w.restart()
	count(1)
	_, err = w.DeleteFunction(t.Context(), &sdk.DeleteFunctionInput{FunctionName: aws.String("f")})
	ok(t, err)
	count(0)
}
