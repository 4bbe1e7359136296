package sts_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	iamapi "github.com/aws/aws-sdk-go-v2/service/iam"
	sdk "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"

	"flyball/internal/accesskey"
	"flyball/internal/cell"
	"flyball/internal/clock"
	"flyball/internal/service/iam"
	"flyball/internal/service/sts"
	"flyball/internal/state"
	"flyball/internal/store"
)

const (
	allow = `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ecs:*", "Resource": "*"}}`
	trust = `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"Service": "ecs.amazonaws.com"}, "Action": "sts:AssumeRole"}}`
	web   = "arn:aws:iam::123456789012:role/team/web"
)

// A world is two accounts that know each other, with a role web in the first.
type world struct {
	accounts map[string]*account
	trust    sts.Trust
}

type account struct {
	*sts.API
	iam *iam.API
}

func open(t *testing.T) *world {
	t.Helper()
	st, err := store.OpenSQLite("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	w := &world{accounts: map[string]*account{}}
	all := state.New(st)
	for _, id := range []string{"123456789012", "210987654321"} {
		c := &cell.Cell{Account: id, Region: cell.Global("aws"), Clock: clock.New(time.Now(), 60)}
		c.State = all.Scope(c.Scope())
		a := &account{}
		if a.iam, err = iam.New(iam.Config{Cell: c}); err != nil {
			t.Fatal(err)
		}
		a.API, err = sts.New(sts.Config{Cell: c, IAM: a.iam, Trust: w, Account: func(id string) (*sts.API, bool) {
			other := w.accounts[id]
			if other == nil {
				return nil, false
			}
			return other.API, true
		}})
		if err != nil {
			t.Fatal(err)
		}
		w.accounts[id] = a
	}
	_, err = w.home().iam.CreateRole(t.Context(), &iamapi.CreateRoleInput{RoleName: aws.String("web"), Path: aws.String("/team/"), AssumeRolePolicyDocument: aws.String(trust)})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// Assume is the judge of trust policies, who allows all unless a test says more.
func (w *world) Assume(ctx context.Context, a sts.Assumption) error {
	if w.trust == nil {
		return nil
	}
	return w.trust.Assume(ctx, a)
}

type judge func(sts.Assumption) error

func (j judge) Assume(_ context.Context, a sts.Assumption) error { return j(a) }

func (w *world) home() *account { return w.accounts["123456789012"] }

// user makes a user with an access key.
func (a *account) user(t *testing.T, name string) (key string) {
	t.Helper()
	if _, err := a.iam.CreateUser(t.Context(), &iamapi.CreateUserInput{UserName: &name}); err != nil {
		t.Fatal(err)
	}
	out, err := a.iam.CreateAccessKey(t.Context(), &iamapi.CreateAccessKeyInput{UserName: &name})
	if err != nil {
		t.Fatal(err)
	}
	return *out.AccessKey.AccessKeyId
}

func assume(t *testing.T, a *sts.API, change func(*sdk.AssumeRoleInput)) *sdk.AssumeRoleOutput {
	t.Helper()
	in := &sdk.AssumeRoleInput{RoleArn: aws.String(web), RoleSessionName: aws.String("try")}
	if change != nil {
		change(in)
	}
	out, err := a.AssumeRole(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestWhoTheCallerIs(t *testing.T) {
	w := open(t)
	bob := w.home().user(t, "bob")
	session := *assume(t, w.home().For("test"), nil).Credentials.AccessKeyId
	token, err := w.home().For(bob).GetSessionToken(t.Context(), &sdk.GetSessionTokenInput{})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"test":                         "arn:aws:iam::123456789012:root",
		bob:                            "arn:aws:iam::123456789012:user/bob",
		*token.Credentials.AccessKeyId: "arn:aws:iam::123456789012:user/bob",
		session:                        "arn:aws:sts::123456789012:assumed-role/web/try",
	} {
		out, err := w.home().For(key).GetCallerIdentity(t.Context(), &sdk.GetCallerIdentityInput{})
		if err != nil || *out.Arn != want || *out.Account != "123456789012" {
			t.Errorf("%s: %+v, %v, want %s", key, out, err, want)
		}
	}
}

func TestASessionIsKnownByItsKeyUntilADayAfterItExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := open(t)
		out := assume(t, w.home().For("test"), func(in *sdk.AssumeRoleInput) { in.DurationSeconds = aws.Int32(900) })
		key := *out.Credentials.AccessKeyId
		c, ok := w.home().Credential(t.Context(), key)
		if !ok || c.Secret != *out.Credentials.SecretAccessKey || c.SessionToken != *out.Credentials.SessionToken || !c.Active {
			t.Errorf("got %+v, %t", c, ok)
		}
		// The clock of the cell is 60 times as fast; clients have the wall's.
		if left := time.Until(c.Expires); left > 15*time.Minute || left < 15*time.Minute-time.Second {
			t.Errorf("it expires in %v", left)
		}
		time.Sleep(24 * time.Hour)
		assume(t, w.home().For("test"), nil)
		if _, ok := w.home().Credential(t.Context(), key); !ok {
			t.Error("it is not known any more when it has expired")
		}
		time.Sleep(time.Hour)
		assume(t, w.home().For("test"), nil)
		if _, ok := w.home().Credential(t.Context(), key); ok {
			t.Error("it is known for good")
		}
	})
}

func TestARoleOfAnotherAccountIsAssumedThere(t *testing.T) {
	w := open(t)
	visitor := w.accounts["210987654321"]
	out := assume(t, visitor.For("test"), nil)
	if account, _ := accesskey.Account(*out.Credentials.AccessKeyId); account != "123456789012" {
		t.Errorf("the session is in account %s", account)
	}
	if _, ok := w.home().Credential(t.Context(), *out.Credentials.AccessKeyId); !ok {
		t.Error("the role's account does not know the session")
	}
	if _, ok := visitor.Credential(t.Context(), *out.Credentials.AccessKeyId); ok {
		t.Error("the caller's account knows the session")
	}
}

func TestTheJudgeSeesWhoWantsWhat(t *testing.T) {
	w := open(t)
	key := w.home().user(t, "bob")
	var seen sts.Assumption
	denied := &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "no"}
	w.trust = judge(func(a sts.Assumption) error { seen = a; return denied })
	_, err := w.home().For(key).AssumeRole(t.Context(), &sdk.AssumeRoleInput{
		RoleArn: aws.String(web), RoleSessionName: aws.String("try"), ExternalId: aws.String("x1"),
		Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("shop")}},
	})
	if err != denied {
		t.Errorf("got %v", err)
	}
	if seen.Caller.Name != "bob" || seen.Role.ARN != web || seen.Role.Trust.Text != trust || seen.ExternalID != "x1" || seen.Tags["team"] != "shop" {
		t.Errorf("saw %+v", seen)
	}
}

func TestASessionHasItsPoliciesAndTags(t *testing.T) {
	w := open(t)
	out := assume(t, w.home().For("test"), func(in *sdk.AssumeRoleInput) {
		in.Policy = aws.String(allow)
		in.PolicyArns = []types.PolicyDescriptorType{{Arn: aws.String("arn:aws:iam::aws:policy/AmazonECS_FullAccess")}}
		in.Tags = []types.Tag{{Key: aws.String("team"), Value: aws.String("shop")}, {Key: aws.String("a"), Value: aws.String("b")}}
		in.TransitiveTagKeys = []string{"team"}
	})
	key := *out.Credentials.AccessKeyId
	c, _ := w.home().Credential(t.Context(), key)
	policies, ok := w.home().Policies(t.Context(), c)
	if !ok || len(policies.Session) != 2 || policies.Session[1].Text != allow {
		t.Errorf("got %+v, %t", policies, ok)
	}
	if c.Principal.Tags["a"] != "b" {
		t.Errorf("tags %v", c.Principal.Tags)
	}
	chained, _ := w.home().Credential(t.Context(), *assume(t, w.home().For(key), nil).Credentials.AccessKeyId)
	if got := chained.Principal.Tags; got["team"] != "shop" || got["a"] != "" {
		t.Errorf("of the tags %v only the transitive ones go on", got)
	}
	if policies, _ := w.home().Policies(t.Context(), chained); policies.Session != nil {
		t.Error("session policies go on")
	}
}

func TestARoleThatIsGoneTakesItsSessionsVoice(t *testing.T) {
	w := open(t)
	c, _ := w.home().Credential(t.Context(), *assume(t, w.home().For("test"), nil).Credentials.AccessKeyId)
	if _, ok := w.home().Policies(t.Context(), c); !ok {
		t.Error("it has none from the start")
	}
	if _, err := w.home().iam.DeleteRole(t.Context(), &iamapi.DeleteRoleInput{RoleName: aws.String("web")}); err != nil {
		t.Fatal(err)
	}
	if _, ok := w.home().Policies(t.Context(), c); ok {
		t.Error("it still has one")
	}
}

func TestRefusals(t *testing.T) {
	w := open(t)
	session := *assume(t, w.home().For("test"), nil).Credentials.AccessKeyId
	_, err := w.home().iam.UpdateRole(t.Context(), &iamapi.UpdateRoleInput{RoleName: aws.String("web"), MaxSessionDuration: aws.Int32(7200)})
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Replace(allow, "ecs:*", "ecs:"+strings.Repeat("x", 2000), 1)
	for _, c := range []struct {
		name, key  string
		change     func(*sdk.AssumeRoleInput)
		code, says string
	}{
		{"a role that is not there", "test", func(in *sdk.AssumeRoleInput) { in.RoleArn = aws.String(web + "2") }, "AccessDeniedException",
			"User: arn:aws:iam::123456789012:root is not authorized to perform: sts:AssumeRole on resource: " + web + "2"},
		{"a role by the wrong path", "test", func(in *sdk.AssumeRoleInput) { in.RoleArn = aws.String("arn:aws:iam::123456789012:role/web") }, "AccessDeniedException",
			"User: arn:aws:iam::123456789012:root is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::123456789012:role/web"},
		{"a role of an account that is not there", "test", func(in *sdk.AssumeRoleInput) { in.RoleArn = aws.String("arn:aws:iam::999999999999:role/web") }, "AccessDeniedException",
			"User: arn:aws:iam::123456789012:root is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::999999999999:role/web"},
		{"what is no role", "test", func(in *sdk.AssumeRoleInput) { in.RoleArn = aws.String("arn:aws:iam::123456789012:user/web") }, "ValidationError",
			"arn:aws:iam::123456789012:user/web is invalid"},
		{"tags that differ in case alone", "test", func(in *sdk.AssumeRoleInput) {
			in.Tags = []types.Tag{{Key: aws.String("team"), Value: aws.String("a")}, {Key: aws.String("Team"), Value: aws.String("b")}}
		}, "InvalidParameterValue", "Duplicate tag keys found. Please note that Tag keys are case insensitive."},
		{"a transitive tag that is not given", "test", func(in *sdk.AssumeRoleInput) { in.TransitiveTagKeys = []string{"team"} }, "InvalidParameterValue",
			"The specified transitive tag key must be included in the requested tags."},
		{"longer than the role allows", "test", func(in *sdk.AssumeRoleInput) { in.DurationSeconds = aws.Int32(7201) }, "ValidationError",
			"The requested DurationSeconds exceeds the MaxSessionDuration set for this role."},
		{"longer than a chain allows", session, func(in *sdk.AssumeRoleInput) { in.DurationSeconds = aws.Int32(3601) }, "ValidationError",
			"The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining"},
		{"a policy that is none", "test", func(in *sdk.AssumeRoleInput) { in.Policy = aws.String("{}") }, "MalformedPolicyDocument", "Syntax errors in policy."},
		{"a policy that is too long", "test", func(in *sdk.AssumeRoleInput) { in.Policy = &long }, "PackedPolicyTooLarge",
			"Packed size of session tags and session policies consumes 101% of allotted space, please use smaller policy."},
		{"a one-time password", "test", func(in *sdk.AssumeRoleInput) { in.TokenCode = aws.String("123456") }, "AccessDeniedException",
			"MultiFactorAuthentication failed with invalid MFA one time pass code. "},
	} {
		in := &sdk.AssumeRoleInput{RoleArn: aws.String(web), RoleSessionName: aws.String("try")}
		c.change(in)
		_, err := w.home().For(c.key).AssumeRole(t.Context(), in)
		if api, ok := errors.AsType[smithy.APIError](err); !ok || api.ErrorCode() != c.code || api.ErrorMessage() != c.says {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	_, err = w.home().For(session).GetSessionToken(t.Context(), &sdk.GetSessionTokenInput{})
	if api, ok := errors.AsType[smithy.APIError](err); !ok || api.ErrorCode() != "AccessDeniedException" {
		t.Errorf("a session token for a session: %v", err)
	}
}

func TestATokenIsAsLongAsAsked(t *testing.T) {
	w := open(t)
	var sizes, shares []int32
	for _, asked := range []*int32{nil, aws.Int32(10), aws.Int32(1000), aws.Int32(4096)} {
		out := assume(t, w.home().For("test"), func(in *sdk.AssumeRoleInput) { in.MinimumSessionTokenSize = asked })
		sizes, shares = append(sizes, *out.SessionTokenSize), append(shares, *out.SessionTokenUtilization)
		if len(*out.Credentials.SessionToken) != int(*out.SessionTokenSize) {
			t.Errorf("a token of %d bytes is said to have %d", len(*out.Credentials.SessionToken), *out.SessionTokenSize)
		}
	}
	if want := []int32{256, 256, 1000, 4096}; !slices.Equal(sizes, want) {
		t.Errorf("got %v, want %v", sizes, want)
	}
	if want := []int32{6, 6, 24, 100}; !slices.Equal(shares, want) {
		t.Errorf("got %v %%, want %v", shares, want)
	}
}
