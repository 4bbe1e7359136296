package server

import (
	"errors"
	"log/slog"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"flyball/internal/accesskey"
	"flyball/internal/client"
	"flyball/internal/task/idle"
)

// A caller calls IAM and STS in a region with an access key.
type caller struct {
	iam *iam.Client
	sts *sts.Client
}

// callerOf calls with a key that the server does not know.
func callerOf(url, region, key string) caller {
	return callerWith(url, region, aws.Credentials{AccessKeyID: key, SecretAccessKey: "secret"})
}

func callerWith(url, region string, c aws.Credentials) caller {
	cfg := configOf(url, region, c)
	return caller{iam.NewFromConfig(cfg), sts.NewFromConfig(cfg)}
}

func configOf(url, region string, c aws.Credentials) aws.Config {
	return aws.Config{
		Region: region, BaseEndpoint: &url, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken),
	}
}

// who is the ARN of the caller.
func (c caller) who(t *testing.T) string {
	t.Helper()
	out, err := c.sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err)
	}
	return *out.Arn
}

func (c caller) createRole(t *testing.T, name string) *iamtypes.Role {
	t.Helper()
	trust := `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "` + testAccount + `"}, "Action": "sts:AssumeRole"}}`
	out, err := c.iam.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: &trust})
	if err != nil {
		t.Fatal(err)
	}
	return out.Role
}

// refused is the code that the caller is refused with.
func (c caller) refused(t *testing.T) string {
	t.Helper()
	_, err := c.sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	api, _ := errors.AsType[smithy.APIError](err)
	if api == nil {
		t.Fatalf("got %v", err)
	}
	return api.ErrorCode()
}

// createKey makes a user with an access key.
func (c caller) createKey(t *testing.T, name string) aws.Credentials {
	t.Helper()
	if _, err := c.iam.CreateUser(t.Context(), &iam.CreateUserInput{UserName: &name}); err != nil {
		t.Fatal(err)
	}
	out, err := c.iam.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: &name})
	if err != nil {
		t.Fatal(err)
	}
	return aws.Credentials{AccessKeyID: *out.AccessKey.AccessKeyId, SecretAccessKey: *out.AccessKey.SecretAccessKey}
}

// assume makes a session of a role.
func (c caller) assume(t *testing.T, in *sts.AssumeRoleInput) aws.Credentials {
	t.Helper()
	in.RoleSessionName = aws.String("try")
	out, err := c.sts.AssumeRole(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return aws.Credentials{AccessKeyID: *out.Credentials.AccessKeyId, SecretAccessKey: *out.Credentials.SecretAccessKey, SessionToken: *out.Credentials.SessionToken}
}

func TestRolesAreOnceForAllRegionsOfAPartitionAndApartForEachAccount(t *testing.T) {
	url, stop := serving(t, "")
	defer stop()
	callerOf(url, "us-east-1", "test").createRole(t, "web")
	has := func(region, key string) bool {
		_, err := callerOf(url, region, key).iam.GetRole(t.Context(), &iam.GetRoleInput{RoleName: aws.String("web")})
		if _, none := errors.AsType[*iamtypes.NoSuchEntityException](err); err != nil && !none {
			t.Error(err)
		}
		return err == nil
	}
	for _, c := range []struct {
		region, key string
		want        bool
	}{{"eu-west-2", "test", true}, {"cn-north-1", "test", false}, {"us-gov-west-1", "test", false}, {"us-east-1", "210987654321", false}} {
		if got := has(c.region, c.key); got != c.want {
			t.Errorf("in %s for %s it is there: %t", c.region, c.key, got)
		}
	}
}

func TestAnAccessKeyIsServedInItsAccountAlsoAfterARestart(t *testing.T) {
	dir := t.TempDir()
	url, stop := serving(t, dir)
	key := callerOf(url, "us-east-1", "210987654321").createKey(t, "bob")
	role := callerOf(url, "us-east-1", "210987654321").createRole(t, "web")
	stop()

	s, err := Open(t.Context(), Config{
		Addr: "127.0.0.1:0", Data: dir, Tasks: idle.Runtime{}, Speed: 1, Account: testAccount, Region: testRegion, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.globals.opened) != 0 {
		t.Error("global services are opened before the first call")
	}
	s.Close()

	url, stop = serving(t, dir)
	defer stop()
	if got, want := callerWith(url, "us-east-1", key).who(t), "arn:aws:iam::210987654321:user/bob"; got != want {
		t.Errorf("the key is served as %s", got)
	}
	session := callerOf(url, "eu-west-2", "test").assume(t, &sts.AssumeRoleInput{RoleArn: role.Arn})
	if got, want := callerWith(url, "eu-west-2", session).who(t), "arn:aws:sts::210987654321:assumed-role/web/try"; got != want {
		t.Errorf("the session is served as %s", got)
	}
}

func TestTheUseOfAKeyIsNoted(t *testing.T) {
	url, stop := serving(t, "")
	defer stop()
	key := callerOf(url, "us-east-1", "test").createKey(t, "bob")
	callerWith(url, "eu-west-2", key).who(t)
	out, err := callerOf(url, "us-east-1", "test").iam.GetAccessKeyLastUsed(t.Context(), &iam.GetAccessKeyLastUsedInput{AccessKeyId: &key.AccessKeyID})
	if err != nil || *out.UserName != "bob" || aws.ToString(out.AccessKeyLastUsed.ServiceName) != "sts" || aws.ToString(out.AccessKeyLastUsed.Region) != "eu-west-2" {
		t.Errorf("got %+v, %v", out, err)
	}
}

func TestAKeyThatNobodyHasIsServedAsTheServersAccount(t *testing.T) {
	url, stop := serving(t, "")
	defer stop()
	// It has an account in it, as keys of AWS do.
	if got, want := callerOf(url, "us-east-1", "AKIAQYLPMN5HHHFPZAM2").who(t), "arn:aws:iam::"+testAccount+":root"; got != want {
		t.Errorf("served as %s", got)
	}
}

func TestKeysThatWereMadeHereHaveToBeGood(t *testing.T) {
	url, stop := serving(t, "")
	defer stop()
	root := callerOf(url, "us-east-1", "test")
	key := root.createKey(t, "bob")
	elsewhere, _ := accesskey.New(accesskey.User, "210987654321", func(string) bool { return false })
	stolen := key
	stolen.SessionToken = "token"
	for name, c := range map[string]struct {
		caller caller
		want   string
	}{
		"another secret":          {callerOf(url, "us-east-1", key.AccessKeyID), "SignatureDoesNotMatch"},
		"a token that is not its": {callerWith(url, "us-east-1", stolen), "InvalidClientTokenId"},
		"another partition":       {callerWith(url, "cn-north-1", key), "InvalidClientTokenId"},
		"no server that knows it": {callerOf(url, "us-east-1", elsewhere), "InvalidClientTokenId"},
	} {
		if got := c.caller.refused(t); got != c.want {
			t.Errorf("with %s: %s", name, got)
		}
	}
	bob := callerWith(url, "us-east-1", key)
	update := &iam.UpdateAccessKeyInput{UserName: aws.String("bob"), AccessKeyId: &key.AccessKeyID, Status: iamtypes.StatusTypeInactive}
	if _, err := root.iam.UpdateAccessKey(t.Context(), update); err != nil {
		t.Fatal(err)
	}
	if got := bob.refused(t); got != "InvalidClientTokenId" {
		t.Errorf("while it is inactive: %s", got)
	}
	update.Status = iamtypes.StatusTypeActive
	if _, err := root.iam.UpdateAccessKey(t.Context(), update); err != nil {
		t.Fatal(err)
	}
	if got := bob.who(t); got != "arn:aws:iam::123456789012:user/bob" {
		t.Errorf("served as %s", got)
	}
	if _, err := root.iam.DeleteAccessKey(t.Context(), &iam.DeleteAccessKeyInput{UserName: aws.String("bob"), AccessKeyId: &key.AccessKeyID}); err != nil {
		t.Fatal(err)
	}
	if got := bob.refused(t); got != "InvalidClientTokenId" {
		t.Errorf("when it is deleted: %s", got)
	}
}

func TestATargetWithoutARoleMakesTheServicesOwn(t *testing.T) {
	url, stop := serving(t, "")
	defer stop()
	role := &iam.GetRoleInput{RoleName: aws.String("AWSServiceRoleForApplicationAutoScaling_ECSService")}
	if _, err := callerOf(url, "us-east-1", "test").iam.GetRole(t.Context(), role); err == nil {
		t.Error("the role is there before")
	}
	furnish(t, client.New(client.Config{Endpoint: url, Region: "us-east-1"}))
	if _, err := callerOf(url, "us-east-1", "test").iam.GetRole(t.Context(), role); err != nil {
		t.Error(err)
	}
}
