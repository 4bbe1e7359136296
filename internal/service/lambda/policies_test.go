package lambda_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/lambda"
)

func (w *world) permit(sid, principal string, change ...func(*sdk.AddPermissionInput)) error {
	in := &sdk.AddPermissionInput{FunctionName: aws.String("f"), StatementId: &sid, Action: aws.String("lambda:InvokeFunction"), Principal: &principal}
	for _, f := range change {
		f(in)
	}
	_, err := w.AddPermission(w.t.Context(), in)
	return err
}

func (w *world) policy(qualifier string) (string, error) {
	in := &sdk.GetPolicyInput{FunctionName: aws.String("f")}
	if qualifier != "" {
		in.Qualifier = &qualifier
	}
	out, err := w.GetPolicy(w.t.Context(), in)
	if err != nil {
		return "", err
	}
	return *out.Policy, nil
}

func TestAPermissionIsAStatementOfTheFunctionsPolicy(t *testing.T) {
	for name, tt := range map[string]struct {
		principal string
		change    func(*sdk.AddPermissionInput)
		want      string // of the statement, without its Sid, Effect and Action
	}{
		"a service, for one of its resources": {"events.amazonaws.com",
			func(in *sdk.AddPermissionInput) {
				in.SourceArn = aws.String("arn:aws:events:eu-west-2:123456789012:rule/r")
			},
			`"Principal":{"Service":"events.amazonaws.com"},"Resource":"` + functionARN + `f","Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:events:eu-west-2:123456789012:rule/r"}}`},
		"alarms": {"lambda.alarms.cloudwatch.amazonaws.com",
			func(in *sdk.AddPermissionInput) { in.SourceAccount = aws.String(account) },
			`"Principal":{"Service":"lambda.alarms.cloudwatch.amazonaws.com"},"Resource":"` + functionARN + `f","Condition":{"StringEquals":{"AWS:SourceAccount":"` + account + `"}}`},
		"an account":  {"210987654321", func(*sdk.AddPermissionInput) {}, `"Principal":{"AWS":"arn:aws:iam::210987654321:root"},"Resource":"` + functionARN + `f"`},
		"a user":      {"arn:aws:iam::210987654321:user/bob", func(*sdk.AddPermissionInput) {}, `"Principal":{"AWS":"arn:aws:iam::210987654321:user/bob"},"Resource":"` + functionARN + `f"`},
		"everybody":   {"*", func(*sdk.AddPermissionInput) {}, `"Principal":"*","Resource":"` + functionARN + `f"`},
		"one version": {"*", func(in *sdk.AddPermissionInput) { in.Qualifier = aws.String("1") }, `"Principal":"*","Resource":"` + functionARN + `f:1"`},
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t)
			w.create("f", func(in *sdk.CreateFunctionInput) { in.Publish = true })
			var in sdk.AddPermissionInput
			tt.change(&in)
			ok(t, w.permit("s", tt.principal, tt.change))
			w.restart()
			got, err := w.policy(aws.ToString(in.Qualifier))
			ok(t, err)
			want := `{"Version":"2012-10-17","Id":"default","Statement":[{"Sid":"s","Effect":"Allow",` + strings.Replace(tt.want, `,"Resource"`, `,"Action":"lambda:InvokeFunction","Resource"`, 1) + `}]}`
			if got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestTheFirstPermissionOfAnAliasTakesTheAliassRevision(t *testing.T) {
	const stale = "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve the latest Revision Id"
	w := open(t)
	w.create("f", func(in *sdk.CreateFunctionInput) { in.Publish = true })
	alias, err := w.CreateAlias(t.Context(), &sdk.CreateAliasInput{FunctionName: aws.String("f"), Name: aws.String("live"), FunctionVersion: aws.String("1")})
	ok(t, err)
	permit := func(sid string, revision *string) error {
		return w.permit(sid, "*", func(in *sdk.AddPermissionInput) { in.Qualifier, in.RevisionId = aws.String("live"), revision })
	}
	wants(t, permit("a", aws.String("another")), "PreconditionFailedException", stale)
	ok(t, permit("a", alias.RevisionId))
	wants(t, permit("b", alias.RevisionId), "PreconditionFailedException", stale)
}

func TestPermissionsRefuse(t *testing.T) {
	w := open(t)
	w.create("f")
	_, err := w.policy("")
	wants(t, err, "ResourceNotFoundException", "The resource you requested does not exist.")
	_, err = w.RemovePermission(t.Context(), &sdk.RemovePermissionInput{FunctionName: aws.String("f"), StatementId: aws.String("s")})
	wants(t, err, "ResourceNotFoundException", "No policy is associated with the given resource.")
	ok(t, w.permit("s", "*"))
	wants(t, w.permit("s", "*"), "ResourceConflictException", "The statement id (s) provided already exists. Please provide a new statement id, or remove the existing statement.")
	wants(t, w.permit("t", "bob"), "InvalidParameterValueException", "The provided principal was invalid. Please check the principal and try again.")
	wants(t, w.permit("t", "*", func(in *sdk.AddPermissionInput) { in.Qualifier = aws.String("$LATEST") }), "InvalidParameterValueException", "We currently do not support adding policies for $LATEST.")
	wants(t, w.permit("t", "*", func(in *sdk.AddPermissionInput) { in.Qualifier = aws.String("live") }), "ResourceNotFoundException", "Cannot find alias arn: "+functionARN+"f:live")
	wants(t, w.permit("t", "*", func(in *sdk.AddPermissionInput) { in.RevisionId = aws.String("old") }), "PreconditionFailedException",
		"The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve the latest Revision Id")
	_, err = w.RemovePermission(t.Context(), &sdk.RemovePermissionInput{FunctionName: aws.String("f"), StatementId: aws.String("t")})
	wants(t, err, "ResourceNotFoundException", "Statement t is not found in resource policy.")
	_, err = w.RemovePermission(t.Context(), &sdk.RemovePermissionInput{FunctionName: aws.String("f"), StatementId: aws.String("s")})
	ok(t, err)
	_, err = w.policy("")
	wants(t, err, "ResourceNotFoundException", "The resource you requested does not exist.")
}

func TestAPolicyHasAnEnd(t *testing.T) {
	w := open(t)
	w.create("f")
	var err error
	n := 0
	for ; err == nil && n < 1000; n++ {
		err = w.permit("statement-"+strings.Repeat("x", n%60)+"-"+string(rune('a'+n%26))+strings.Repeat("y", n/26), "events.amazonaws.com")
	}
	if err == nil || !strings.Contains(err.Error(), "PolicyLengthExceededException") || !strings.Contains(err.Error(), "is bigger than the limit (20480).") {
		t.Errorf("after %d statements: %v", n, err)
	}
	text, err := w.policy("")
	ok(t, err)
	if len(text) > 20<<10 || !json.Valid([]byte(text)) {
		t.Errorf("the policy has %d bytes", len(text))
	}
}

func TestThoseWhoJudgeSeeThePolicyOfWhatIsNamed(t *testing.T) {
	w := open(t)
	w.create("f", func(in *sdk.CreateFunctionInput) { in.Publish, in.Tags = true, map[string]string{"team": "shop"} })
	ok(t, w.permit("s", "*"))
	for name, has := range map[string]bool{functionARN + "f": true, functionARN + "f:1": false, "f": true} {
		_, tags, document, found := w.Resource(t.Context(), name)
		if !found || tags["team"] != "shop" || (document != "") != has {
			t.Errorf("%s: found is %t, its tags are %v, its policy is %q", name, found, tags, document)
		}
	}
	if _, _, _, found := w.Resource(t.Context(), functionARN+"g"); found {
		t.Error("there is a function g")
	}
}
