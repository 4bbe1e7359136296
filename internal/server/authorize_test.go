package server

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	astypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/aws/smithy-go"
)

// document is a policy of one statement with more members.
func document(effect, action, resource, more string) string {
	return `{"Version": "2012-10-17", "Statement": {"Effect": "` + effect + `", "Action": "` + action + `", "Resource": "` + resource + `"` + more + `}}`
}

// refused wants an error with a code, a status and a sentence in it.
func refused(t *testing.T, err error, code string, status int, sentence string) {
	t.Helper()
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok || api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), sentence) {
		t.Errorf("got %v, want %s: %s", err, code, sentence)
		return
	}
	if response, ok := errors.AsType[*awshttp.ResponseError](err); !ok || response.HTTPStatusCode() != status {
		t.Errorf("%v has another status than %d", err, status)
	}
}

// A user is one with an access key and what it calls with that.
type user struct {
	name string
	key  aws.Credentials
	caller
	ecs         *ecs.Client
	cloudwatch  *cloudwatch.Client
	autoscaling *applicationautoscaling.Client
}

func userWith(url, name string, key aws.Credentials) user {
	cfg := configOf(url, "us-east-1", key)
	return user{name, key, callerWith(url, "us-east-1", key), ecs.NewFromConfig(cfg), cloudwatch.NewFromConfig(cfg), applicationautoscaling.NewFromConfig(cfg)}
}

// createUser makes a user with a policy.
func createUser(t *testing.T, url, name, policy string) user {
	t.Helper()
	admin := callerOf(url, "us-east-1", "test")
	u := userWith(url, name, admin.createKey(t, name))
	embed(t, admin, name, "own", policy)
	return u
}

func embed(t *testing.T, admin caller, user, name, policy string) {
	t.Helper()
	if _, err := admin.iam.PutUserPolicy(t.Context(), &iam.PutUserPolicyInput{UserName: &user, PolicyName: &name, PolicyDocument: &policy}); err != nil {
		t.Fatal(err)
	}
}

const bob = "User: arn:aws:iam::" + testAccount + ":user/bob is not authorized to perform: "

func TestAUserMayDoWhatItsPoliciesSay(t *testing.T) {
	url, stop := serving(t, "")
	defer stop()
	admin := callerOf(url, "us-east-1", "test")
	u := createUser(t, url, "bob", document("Allow", "ecs:*", "*", ""))
	ctx := t.Context()
	if _, err := u.ecs.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String("prod")}); err != nil {
		t.Error(err)
	}
	_, err := u.cloudwatch.ListMetrics(ctx, &cloudwatch.ListMetricsInput{})
	refused(t, err, "AccessDenied", http.StatusForbidden, bob+"cloudwatch:ListMetrics on resource: * because no identity-based policy allows the cloudwatch:ListMetrics action")
	_, err = u.autoscaling.DescribeScalableTargets(ctx, &applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: astypes.ServiceNamespaceEcs})
	refused(t, err, "AccessDeniedException", http.StatusBadRequest, bob+"application-autoscaling:DescribeScalableTargets on resource: *")
	_, err = u.iam.ListUsers(ctx, &iam.ListUsersInput{})
	refused(t, err, "AccessDenied", http.StatusForbidden, bob+"iam:ListUsers on resource: *")

	embed(t, admin, "bob", "not", document("Deny", "ecs:DeleteCluster", "arn:aws:ecs:*:*:cluster/prod", ""))
	_, err = u.ecs.DeleteCluster(ctx, &ecs.DeleteClusterInput{Cluster: aws.String("arn:aws:ecs:us-east-1:" + testAccount + ":cluster/prod")})
	refused(t, err, "AccessDeniedException", http.StatusBadRequest, bob+"ecs:DeleteCluster on resource: arn:aws:ecs:us-east-1:"+testAccount+":cluster/prod with an explicit deny in an identity-based policy")

	// Everybody may ask who they are, whatever is denied.
	embed(t, admin, "bob", "nothing", document("Deny", "*", "*", ""))
	if got := u.who(t); got != "arn:aws:iam::"+testAccount+":user/bob" {
		t.Errorf("it is %s", got)
	}
	_, err = u.ecs.ListClusters(ctx, &ecs.ListClustersInput{})
	refused(t, err, "AccessDeniedException", http.StatusBadRequest, "explicit deny")
}

func TestConditionsSeeTagsRegionsAndTheCaller(t *testing.T) {
	url, stop := serving(t, "")
	defer stop()
	u := createUser(t, url, "bob", document("Allow", "ecs:*", "*", `, "Condition": {"StringEquals": {
		"aws:RequestedRegion": "us-east-1", "aws:ResourceTag/team": "${aws:username}"}, "IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}`))
	admin := userWith(url, "", aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"})
	for _, name := range []string{"bob", "eve"} {
		_, err := admin.ecs.CreateCluster(t.Context(), &ecs.CreateClusterInput{ClusterName: &name, Tags: []ecstypes.Tag{{Key: aws.String("team"), Value: &name}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := u.ecs.DescribeClusters(t.Context(), &ecs.DescribeClustersInput{Clusters: []string{"bob"}}); err != nil {
		t.Error(err)
	}
	_, err := u.ecs.DescribeClusters(t.Context(), &ecs.DescribeClustersInput{Clusters: []string{"bob", "eve"}})
	refused(t, err, "AccessDeniedException", http.StatusBadRequest, "cluster/eve because")
}

func TestARoleIsPassedWithPermissionOnly(t *testing.T) {
	url, stop := serving(t, "")
	defer stop()
	admin := callerOf(url, "us-east-1", "test")
	role := admin.createRole(t, "web")
	u := createUser(t, url, "bob", document("Allow", "ecs:*", "*", ""))
	register := func() error {
		_, err := u.ecs.RegisterTaskDefinition(t.Context(), &ecs.RegisterTaskDefinitionInput{
			Family: aws.String("web"), TaskRoleArn: role.Arn,
			ContainerDefinitions: []ecstypes.ContainerDefinition{{Name: aws.String("web"), Image: aws.String("flyball/web"), Memory: aws.Int32(64)}},
		})
		return err
	}
	refused(t, register(), "AccessDeniedException", http.StatusBadRequest, bob+"iam:PassRole on resource: "+*role.Arn+" because no identity-based policy allows the iam:PassRole action")
	embed(t, admin, "bob", "pass", document("Allow", "iam:PassRole", *role.Arn, `, "Condition": {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}`))
	if err := register(); err != nil {
		t.Error(err)
	}
	eve := createUser(t, url, "eve", document("Allow", "ecs:*", "*", ""))
	_, err := eve.ecs.RunTask(t.Context(), &ecs.RunTaskInput{TaskDefinition: aws.String("web")})
	refused(t, err, "AccessDeniedException", http.StatusBadRequest, "iam:PassRole on resource: "+*role.Arn)
	embed(t, admin, "bob", "scale", document("Allow", "application-autoscaling:*", "*", ""))
	_, err = u.autoscaling.RegisterScalableTarget(t.Context(), &applicationautoscaling.RegisterScalableTargetInput{
		ServiceNamespace: astypes.ServiceNamespaceEcs, ScalableDimension: astypes.ScalableDimensionECSServiceDesiredCount,
		ResourceId: aws.String("service/prod/web"), MinCapacity: aws.Int32(1), MaxCapacity: aws.Int32(2), RoleARN: role.Arn,
	})
	refused(t, err, "AccessDeniedException", http.StatusBadRequest, "iam:PassRole on resource: "+*role.Arn) // to another service
}

func TestASessionIsBoundedByTheRolesBoundaryAndItsOwnPolicy(t *testing.T) {
	url, stop := serving(t, "")
	defer stop()
	admin := callerOf(url, "us-east-1", "test")
	ctx := t.Context()
	role := admin.createRole(t, "web")
	all, bound := document("Allow", "*", "*", ""), document("Allow", "ecs:*", "*", "")
	if _, err := admin.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: role.RoleName, PolicyName: aws.String("all"), PolicyDocument: &all}); err != nil {
		t.Fatal(err)
	}
	boundary, err := admin.iam.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("bound"), PolicyDocument: &bound})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admin.iam.PutRolePermissionsBoundary(ctx, &iam.PutRolePermissionsBoundaryInput{RoleName: role.RoleName, PermissionsBoundary: boundary.Policy.Arn}); err != nil {
		t.Fatal(err)
	}
	session := admin.assume(t, &sts.AssumeRoleInput{RoleArn: role.Arn, Policy: aws.String(document("Allow", "ecs:List*", "*", ""))})
	u := userWith(url, "", session)
	if _, err := u.ecs.ListClusters(ctx, &ecs.ListClustersInput{}); err != nil {
		t.Error(err)
	}
	_, err = u.ecs.CreateCluster(ctx, &ecs.CreateClusterInput{})
	refused(t, err, "AccessDeniedException", http.StatusBadRequest,
		"User: arn:aws:sts::"+testAccount+":assumed-role/web/try is not authorized to perform: ecs:CreateCluster on resource: arn:aws:ecs:us-east-1:"+testAccount+":cluster/* because no session policy allows the ecs:CreateCluster action")
	_, err = u.cloudwatch.ListMetrics(ctx, &cloudwatch.ListMetricsInput{})
	refused(t, err, "AccessDenied", http.StatusForbidden, "because no permissions boundary allows the cloudwatch:ListMetrics action")

	// Without the role the session is nobody's.
	for _, cleanUp := range []func() error{
		func() error {
			_, err := admin.iam.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: role.RoleName, PolicyName: aws.String("all")})
			return err
		},
		func() error {
			_, err := admin.iam.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: role.RoleName})
			return err
		},
	} {
		if err := cleanUp(); err != nil {
			t.Fatal(err)
		}
	}
	admin.createRole(t, "web") // another one of the same name
	_, err = u.ecs.ListClusters(ctx, &ecs.ListClustersInput{})
	refused(t, err, "UnrecognizedClientException", http.StatusBadRequest, "token included in the request is invalid")
}

func TestACredentialThatIsNotGoodIsRefused(t *testing.T) {
	url, stop := serving(t, "")
	defer stop()
	admin := callerOf(url, "us-east-1", "test")
	ctx := t.Context()
	u := createUser(t, url, "bob", document("Allow", "*", "*", ""))
	role := admin.createRole(t, "web")
	session := admin.assume(t, &sts.AssumeRoleInput{RoleArn: role.Arn})
	with := func(change func(*aws.Credentials), key aws.Credentials) error {
		change(&key)
		_, err := callerWith(url, "us-east-1", key).sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		return err
	}
	refused(t, with(func(c *aws.Credentials) { c.SecretAccessKey += "x" }, u.key), "SignatureDoesNotMatch", http.StatusForbidden, "does not match")
	refused(t, with(func(c *aws.Credentials) { c.SessionToken = "x" }, u.key), "InvalidClientTokenId", http.StatusForbidden, "is invalid")
	refused(t, with(func(c *aws.Credentials) { c.SessionToken = "" }, session), "InvalidClientTokenId", http.StatusForbidden, "is invalid")
	refused(t, with(func(c *aws.Credentials) { c.SessionToken += "x" }, session), "InvalidClientTokenId", http.StatusForbidden, "is invalid")

	_, err := admin.iam.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{UserName: &u.name, AccessKeyId: &u.key.AccessKeyID, Status: iamtypes.StatusTypeInactive})
	if err != nil {
		t.Fatal(err)
	}
	refused(t, with(func(*aws.Credentials) {}, u.key), "InvalidClientTokenId", http.StatusForbidden, "is invalid")
	if _, err := admin.iam.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: &u.name, AccessKeyId: &u.key.AccessKeyID}); err != nil {
		t.Fatal(err)
	}
	refused(t, with(func(*aws.Credentials) {}, u.key), "InvalidClientTokenId", http.StatusForbidden, "is invalid")
	_, err = u.ecs.ListClusters(ctx, &ecs.ListClustersInput{})
	refused(t, err, "UnrecognizedClientException", http.StatusBadRequest, "is invalid")
}

func TestARoleOfAnotherAccountNeedsBothSides(t *testing.T) {
	url, stop := serving(t, "")
	defer stop()
	owner := callerOf(url, "us-east-1", "210987654321")
	ctx := t.Context()
	trust := func(principal string) string {
		return `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"AWS": "` + principal + `"}, "Action": ["sts:AssumeRole", "sts:TagSession"],
			"Condition": {"StringEquals": {"sts:ExternalId": "shared", "aws:RequestedRegion": "us-east-1"}, "IpAddress": {"aws:SourceIp": "127.0.0.1"}}}}`
	}
	role, err := owner.iam.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("web"), AssumeRolePolicyDocument: aws.String(trust("arn:aws:iam::" + testAccount + ":root"))})
	if err != nil {
		t.Fatal(err)
	}
	u := createUser(t, url, "bob", document("Allow", "ecs:*", "*", ""))
	assume := func(external *string, tags ...ststypes.Tag) (*sts.AssumeRoleOutput, error) {
		return u.sts.AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: role.Role.Arn, RoleSessionName: aws.String("try"), ExternalId: external, Tags: tags})
	}
	sentence := bob + "sts:AssumeRole on resource: " + *role.Role.Arn + " because no "
	_, err = assume(aws.String("shared"))
	refused(t, err, "AccessDenied", http.StatusForbidden, sentence+"identity-based policy allows the sts:AssumeRole action")

	embed(t, callerOf(url, "us-east-1", "test"), "bob", "assume", document("Allow", "sts:AssumeRole", *role.Role.Arn, ""))
	for _, wrong := range []*string{nil, aws.String("other")} {
		_, err = assume(wrong)
		refused(t, err, "AccessDenied", http.StatusForbidden, sentence+"role trust policy allows the sts:AssumeRole action")
	}
	_, err = assume(aws.String("shared"), ststypes.Tag{Key: aws.String("team"), Value: aws.String("red")})
	refused(t, err, "AccessDenied", http.StatusForbidden, "sts:TagSession")
	out, err := assume(aws.String("shared"))
	if err != nil {
		t.Fatal(err)
	}
	session := callerWith(url, "us-east-1", aws.Credentials{AccessKeyID: *out.Credentials.AccessKeyId, SecretAccessKey: *out.Credentials.SecretAccessKey, SessionToken: *out.Credentials.SessionToken})
	if got := session.who(t); got != "arn:aws:sts::210987654321:assumed-role/web/try" {
		t.Errorf("the session is %s", got)
	}

	_, err = owner.iam.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: aws.String("web"), PolicyDocument: aws.String(trust("111122223333"))})
	if err != nil {
		t.Fatal(err)
	}
	_, err = assume(aws.String("shared"))
	refused(t, err, "AccessDenied", http.StatusForbidden, sentence+"role trust policy allows")
}

func TestWithAnAdministratorUnknownKeysAreRefused(t *testing.T) {
	s := open(t, "", knownKeysOnly)
	defer running(t, s)()
	admin := callerWith(s.URL(), "us-east-1", adminKey)
	if got := admin.who(t); got != "arn:aws:iam::"+testAccount+":root" {
		t.Errorf("the administrator is %s", got)
	}
	for _, unknown := range []string{"test", testAccount, "AKIAQYLPMN5HHHFPZAM2"} {
		_, err := callerOf(s.URL(), "us-east-1", unknown).sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
		refused(t, err, "InvalidClientTokenId", http.StatusForbidden, "is invalid")
	}
	_, err := callerOf(s.URL(), "us-east-1", adminKey.AccessKeyID).sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	refused(t, err, "SignatureDoesNotMatch", http.StatusForbidden, "does not match")
	if got := callerWith(s.URL(), "us-east-1", admin.createKey(t, "bob")).who(t); got != "arn:aws:iam::"+testAccount+":user/bob" {
		t.Errorf("the user is %s", got)
	}
}

func TestReadAdministrator(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"as AWS's clients write it":  {"# mine\n[other]\naws_access_key_id = x\n[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key=a/b=\n", ""},
		"without a section":          {"aws_access_key_id=AKIAIOSFODNN7EXAMPLE\naws_secret_access_key=a/b=", ""},
		"without a key":              {"[default]\naws_secret_access_key=a", "has no aws_access_key_id"},
		"without a secret":           {"[default]\naws_access_key_id=AKIAIOSFODNN7EXAMPLE", "has no aws_secret_access_key"},
		"with a key that is no key":  {"aws_access_key_id=test\naws_secret_access_key=a", "16 to 128"},
		"with another section alone": {"[other]\naws_access_key_id=AKIAIOSFODNN7EXAMPLE\naws_secret_access_key=a", "has no aws_access_key_id"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "credentials")
			if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			a, err := ReadAdministrator(file)
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %v, want %s", err, c.want)
				}
				return
			}
			if err != nil || *a != (Administrator{"AKIAIOSFODNN7EXAMPLE", "a/b="}) {
				t.Errorf("got %+v, %v", a, err)
			}
		})
	}
	if _, err := ReadAdministrator(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a file: %v", err)
	}
}
