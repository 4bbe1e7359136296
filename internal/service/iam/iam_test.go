package iam_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"

	"flyball/internal/cell"
	"flyball/internal/clock"
	"flyball/internal/principal"
	"flyball/internal/service/iam"
	"flyball/internal/state"
	"flyball/internal/store"
)

const (
	allow     = `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "ecs:*", "Resource": "*"}}`
	trust     = `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"Service": "ecs.amazonaws.com"}, "Action": "sts:AssumeRole"}}`
	minePath  = "arn:aws:iam::123456789012:policy/mine"
	executing = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
)

// An account is a cell whose service can be opened again.
type account struct {
	*iam.API
	cell *cell.Cell
}

func open(t *testing.T) *account {
	t.Helper()
	st, err := store.OpenSQLite("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	a := &account{cell: &cell.Cell{Account: "123456789012", Region: cell.Global("aws"), Clock: clock.New(time.Now(), 1), State: state.New(st)}}
	a.reopen(t)
	return a
}

// reopen is a restart of the service.
func (a *account) reopen(t *testing.T) {
	t.Helper()
	var err error
	if a.API, err = iam.New(iam.Config{Cell: a.cell}); err != nil {
		t.Fatal(err)
	}
}

// must is the output of a call that has to succeed.
func must[T any](out T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

// furnish makes one of everything, all of it connected.
func furnish(t *testing.T, a *account) {
	t.Helper()
	ctx := t.Context()
	must(a.CreatePolicy(ctx, &sdk.CreatePolicyInput{PolicyName: aws.String("mine"), PolicyDocument: aws.String(allow)}))(t)
	must(a.CreateRole(ctx, &sdk.CreateRoleInput{RoleName: aws.String("web"), AssumeRolePolicyDocument: aws.String(trust), PermissionsBoundary: aws.String(minePath)}))(t)
	must(a.PutRolePolicy(ctx, &sdk.PutRolePolicyInput{RoleName: aws.String("web"), PolicyName: aws.String("inline"), PolicyDocument: aws.String(allow)}))(t)
	must(a.AttachRolePolicy(ctx, &sdk.AttachRolePolicyInput{RoleName: aws.String("web"), PolicyArn: aws.String(executing)}))(t)
	must(a.CreateInstanceProfile(ctx, &sdk.CreateInstanceProfileInput{InstanceProfileName: aws.String("host")}))(t)
	must(a.AddRoleToInstanceProfile(ctx, &sdk.AddRoleToInstanceProfileInput{InstanceProfileName: aws.String("host"), RoleName: aws.String("web")}))(t)
	must(a.CreateGroup(ctx, &sdk.CreateGroupInput{GroupName: aws.String("devs")}))(t)
	must(a.AttachGroupPolicy(ctx, &sdk.AttachGroupPolicyInput{GroupName: aws.String("devs"), PolicyArn: aws.String(minePath)}))(t)
	must(a.CreateUser(ctx, &sdk.CreateUserInput{UserName: aws.String("bob"), Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("shop")}}}))(t)
	must(a.PutUserPolicy(ctx, &sdk.PutUserPolicyInput{UserName: aws.String("bob"), PolicyName: aws.String("inline"), PolicyDocument: aws.String(allow)}))(t)
	must(a.AddUserToGroup(ctx, &sdk.AddUserToGroupInput{UserName: aws.String("bob"), GroupName: aws.String("devs")}))(t)
	must(a.CreateServiceLinkedRole(ctx, &sdk.CreateServiceLinkedRoleInput{AWSServiceName: aws.String("ecs.amazonaws.com")}))(t)
	must(a.CreateAccountAlias(ctx, &sdk.CreateAccountAliasInput{AccountAlias: aws.String("shop")}))(t)
}

func everything(t *testing.T, a *account) *sdk.GetAccountAuthorizationDetailsOutput {
	t.Helper()
	return must(a.GetAccountAuthorizationDetails(t.Context(), &sdk.GetAccountAuthorizationDetailsInput{MaxItems: aws.Int32(1000)}))(t)
}

func TestARestartKeepsEverything(t *testing.T) {
	a := open(t)
	furnish(t, a)
	key := must(a.CreateAccessKey(t.Context(), &sdk.CreateAccessKeyInput{UserName: aws.String("bob")}))(t).AccessKey
	before := everything(t, a)
	a.reopen(t)
	if after := everything(t, a); !reflect.DeepEqual(before, after) {
		t.Errorf("before %+v\nafter %+v", before, after)
	}
	if k, ok := a.Credential(t.Context(), *key.AccessKeyId); !ok || k.Secret != *key.SecretAccessKey || k.Principal.Name != "bob" {
		t.Errorf("the key is %+v, %t", k, ok)
	}
}

func TestARolesLongestSessionIsToldWhereItIsRead(t *testing.T) {
	a := open(t)
	ctx := t.Context()
	created := must(a.CreateRole(ctx, &sdk.CreateRoleInput{RoleName: aws.String("new"), AssumeRolePolicyDocument: aws.String(trust), MaxSessionDuration: aws.Int32(7200)}))(t).Role
	must(a.CreateInstanceProfile(ctx, &sdk.CreateInstanceProfileInput{InstanceProfileName: aws.String("host")}))(t)
	must(a.AddRoleToInstanceProfile(ctx, &sdk.AddRoleToInstanceProfileInput{InstanceProfileName: aws.String("host"), RoleName: aws.String("new")}))(t)
	for name, r := range map[string]struct {
		types.Role
		want int32
	}{
		"created":    {*created, 0},
		"in profile": {must(a.GetInstanceProfile(ctx, &sdk.GetInstanceProfileInput{InstanceProfileName: aws.String("host")}))(t).InstanceProfile.Roles[0], 0},
		"read":       {*must(a.GetRole(ctx, &sdk.GetRoleInput{RoleName: aws.String("new")}))(t).Role, 7200},
		"listed":     {must(a.ListRoles(ctx, &sdk.ListRolesInput{}))(t).Roles[0], 7200},
	} {
		if got := aws.ToInt32(r.MaxSessionDuration); got != r.want {
			t.Errorf("%s: %d, want %d", name, got, r.want)
		}
	}
}

func TestAPermissionsBoundaryIsAPolicy(t *testing.T) {
	a := open(t)
	furnish(t, a)
	role := must(a.GetRole(t.Context(), &sdk.GetRoleInput{RoleName: aws.String("web")}))(t).Role
	if got := role.PermissionsBoundary.PermissionsBoundaryType; got != "Policy" {
		t.Errorf("the boundary is of type %s", got)
	}
}

// Terraform compares what it reads with what it wrote.
func TestDocumentsAreReadAsTheyWereWritten(t *testing.T) {
	a := open(t)
	ctx := t.Context()
	furnish(t, a)
	odd := strings.ReplaceAll(allow, " ", "\n\t ") + "\n"
	must(a.PutRolePolicy(ctx, &sdk.PutRolePolicyInput{RoleName: aws.String("web"), PolicyName: aws.String("odd"), PolicyDocument: &odd}))(t)
	v := must(a.CreatePolicyVersion(ctx, &sdk.CreatePolicyVersionInput{PolicyArn: aws.String(minePath), PolicyDocument: &odd}))(t).PolicyVersion
	for name, document := range map[string]*string{
		"inline":  must(a.GetRolePolicy(ctx, &sdk.GetRolePolicyInput{RoleName: aws.String("web"), PolicyName: aws.String("odd")}))(t).PolicyDocument,
		"managed": must(a.GetPolicyVersion(ctx, &sdk.GetPolicyVersionInput{PolicyArn: aws.String(minePath), VersionId: v.VersionId}))(t).PolicyVersion.Document,
	} {
		if strings.ContainsAny(*document, " +\n{") {
			t.Errorf("%s: %q is not URL-encoded as in RFC 3986", name, *document)
		}
		if got := must(url.QueryUnescape(*document))(t); got != odd {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// refusals are calls that are refused in the account that furnish makes.
var refusals = []struct {
	name string
	call func(context.Context, *account) error
	code string
	says string
}{
	{"a role twice, in another case", func(ctx context.Context, a *account) error {
		_, err := a.CreateRole(ctx, &sdk.CreateRoleInput{RoleName: aws.String("WEB"), AssumeRolePolicyDocument: aws.String(trust)})
		return err
	}, "EntityAlreadyExists", "Role with name WEB already exists."},
	{"a role that trusts nobody there", func(ctx context.Context, a *account) error {
		_, err := a.CreateRole(ctx, &sdk.CreateRoleInput{RoleName: aws.String("new"), AssumeRolePolicyDocument: aws.String(strings.Replace(trust, `"Service": "ecs.amazonaws.com"`, `"AWS": "arn:aws:iam::123456789012:role/new"`, 1))})
		return err
	}, "MalformedPolicyDocument", `Invalid principal in policy: "AWS":"arn:aws:iam::123456789012:role/new"`},
	{"a role without its boundary", func(ctx context.Context, a *account) error {
		_, err := a.CreateRole(ctx, &sdk.CreateRoleInput{RoleName: aws.String("new"), AssumeRolePolicyDocument: aws.String(trust), PermissionsBoundary: aws.String(minePath + "2")})
		return err
	}, "NoSuchEntity", "Scope ARN: " + minePath + "2 does not exist or is not attachable."},
	{"a role whose boundary is a role", func(ctx context.Context, a *account) error {
		_, err := a.CreateRole(ctx, &sdk.CreateRoleInput{RoleName: aws.String("new"), AssumeRolePolicyDocument: aws.String(trust), PermissionsBoundary: aws.String("arn:aws:iam::123456789012:role/r")})
		return err
	}, "InvalidInput", "ARN arn:aws:iam::123456789012:role/r is not valid."},
	{"a role whose boundary is another partition's", func(ctx context.Context, a *account) error {
		_, err := a.CreateRole(ctx, &sdk.CreateRoleInput{RoleName: aws.String("new"), AssumeRolePolicyDocument: aws.String(trust), PermissionsBoundary: aws.String("arn:aws-cn:iam::aws:policy/ReadOnlyAccess")})
		return err
	}, "ValidationError", "Invalid ARN partition"},
	{"a role at a service's path", func(ctx context.Context, a *account) error {
		_, err := a.CreateRole(ctx, &sdk.CreateRoleInput{RoleName: aws.String("new"), AssumeRolePolicyDocument: aws.String(trust), Path: aws.String("/aws-service-role/")})
		return err
	}, "InvalidInput", "Paths beginning with '/aws-service-role' are reserved for AWS Service Linked Roles"},
	{"a role of no service", func(ctx context.Context, a *account) error {
		_, err := a.CreateServiceLinkedRole(ctx, &sdk.CreateServiceLinkedRoleInput{AWSServiceName: aws.String("elasticloadbalancing")})
		return err
	}, "AccessDenied", "elasticloadbalancing is not a valid AWS service name (Service Principal)"},
	{"the attachment of what is no ARN", func(ctx context.Context, a *account) error {
		_, err := a.AttachRolePolicy(ctx, &sdk.AttachRolePolicyInput{RoleName: aws.String("web"), PolicyArn: aws.String("AdministratorAccess-and-more")})
		return err
	}, "ValidationError", "Invalid ARN:  Could not be parsed!"},
	{"the deletion of a role in a profile", func(ctx context.Context, a *account) error {
		_, err := a.DeleteRole(ctx, &sdk.DeleteRoleInput{RoleName: aws.String("web")})
		return err
	}, "DeleteConflict", "Cannot delete entity, must remove roles from instance profile first."},
	{"the deletion of a role that is not there", func(ctx context.Context, a *account) error {
		_, err := a.DeleteRole(ctx, &sdk.DeleteRoleInput{RoleName: aws.String("none")})
		return err
	}, "NoSuchEntity", "The role with name none cannot be found."},
	{"a second role in a profile", func(ctx context.Context, a *account) error {
		_, err := a.AddRoleToInstanceProfile(ctx, &sdk.AddRoleToInstanceProfileInput{InstanceProfileName: aws.String("host"), RoleName: aws.String("web")})
		return err
	}, "LimitExceeded", "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1"},
	{"the deletion of a user in a group", func(ctx context.Context, a *account) error {
		_, err := a.DeleteUser(ctx, &sdk.DeleteUserInput{UserName: aws.String("bob")})
		return err
	}, "DeleteConflict", "Cannot delete entity, must remove users from group first."},
	{"the deletion of a group with users", func(ctx context.Context, a *account) error {
		_, err := a.DeleteGroup(ctx, &sdk.DeleteGroupInput{GroupName: aws.String("devs")})
		return err
	}, "DeleteConflict", "Cannot delete entity, must remove users from group first."},
	{"the deletion of a policy in use", func(ctx context.Context, a *account) error {
		_, err := a.DeletePolicy(ctx, &sdk.DeletePolicyInput{PolicyArn: aws.String(minePath)})
		return err
	}, "DeleteConflict", "Cannot delete a policy attached to entities."},
	{"the deletion of the version in force", func(ctx context.Context, a *account) error {
		_, err := a.DeletePolicyVersion(ctx, &sdk.DeletePolicyVersionInput{PolicyArn: aws.String(minePath), VersionId: aws.String("v1")})
		return err
	}, "DeleteConflict", "Cannot delete the default version of a policy."},
	{"a version that is not there", func(ctx context.Context, a *account) error {
		_, err := a.SetDefaultPolicyVersion(ctx, &sdk.SetDefaultPolicyVersionInput{PolicyArn: aws.String(minePath), VersionId: aws.String("v7")})
		return err
	}, "NoSuchEntity", "Policy " + minePath + " version v7 does not exist or is not attachable."},
	{"a policy by the wrong path", func(ctx context.Context, a *account) error {
		_, err := a.GetPolicy(ctx, &sdk.GetPolicyInput{PolicyArn: aws.String("arn:aws:iam::123456789012:policy/a/mine")})
		return err
	}, "NoSuchEntity", "Policy arn:aws:iam::123456789012:policy/a/mine was not found."},
	{"a policy by what is no ARN", func(ctx context.Context, a *account) error {
		_, err := a.GetPolicy(ctx, &sdk.GetPolicyInput{PolicyArn: aws.String("mine")})
		return err
	}, "InvalidInput", "ARN mine is not valid."},
	{"a service's policy for a role of one's own", func(ctx context.Context, a *account) error {
		_, err := a.AttachRolePolicy(ctx, &sdk.AttachRolePolicyInput{RoleName: aws.String("web"), PolicyArn: aws.String("arn:aws:iam::aws:policy/aws-service-role/AmazonECSServiceRolePolicy")})
		return err
	}, "PolicyNotAttachable", "Cannot attach a Service Role Policy to a Customer Role."},
	{"a change of a service's role", func(ctx context.Context, a *account) error {
		_, err := a.AttachRolePolicy(ctx, &sdk.AttachRolePolicyInput{RoleName: aws.String("AWSServiceRoleForECS"), PolicyArn: aws.String(minePath)})
		return err
	}, "UnmodifiableEntity", "Cannot perform the operation on the protected role 'AWSServiceRoleForECS' - this role is only modifiable by AWS"},
	{"a service's role twice", func(ctx context.Context, a *account) error {
		_, err := a.CreateServiceLinkedRole(ctx, &sdk.CreateServiceLinkedRoleInput{AWSServiceName: aws.String("ecs.amazonaws.com")})
		return err
	}, "InvalidInput", "Service role name AWSServiceRoleForECS has been taken in this account, please try a different suffix."},
	{"a detachment of what is not attached", func(ctx context.Context, a *account) error {
		_, err := a.DetachUserPolicy(ctx, &sdk.DetachUserPolicyInput{UserName: aws.String("bob"), PolicyArn: aws.String(minePath)})
		return err
	}, "NoSuchEntity", "Policy " + minePath + " was not found."},
	{"an inline policy that is not there", func(ctx context.Context, a *account) error {
		_, err := a.GetRolePolicy(ctx, &sdk.GetRolePolicyInput{RoleName: aws.String("web"), PolicyName: aws.String("none")})
		return err
	}, "NoSuchEntity", "The role policy with name none cannot be found."},
	{"inline policies that are too long together", func(ctx context.Context, a *account) error {
		long := strings.Replace(allow, "ecs:*", "ecs:"+strings.Repeat("x", 2040), 1)
		_, err := a.PutUserPolicy(ctx, &sdk.PutUserPolicyInput{UserName: aws.String("bob"), PolicyName: aws.String("long"), PolicyDocument: &long})
		return err
	}, "LimitExceeded", "Maximum policy size of 2048 bytes exceeded for user bob"},
	{"the same tag key in another case", func(ctx context.Context, a *account) error {
		_, err := a.TagUser(ctx, &sdk.TagUserInput{UserName: aws.String("bob"), Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("")}, {Key: aws.String("A"), Value: aws.String("")}}})
		return err
	}, "InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive."},
	{"a key for nobody", func(ctx context.Context, a *account) error {
		_, err := a.CreateAccessKey(ctx, &sdk.CreateAccessKeyInput{})
		return err
	}, "ValidationError", "Must specify userName when calling with non-User credentials"},
	{"another's key", func(ctx context.Context, a *account) error {
		_, err := a.DeleteAccessKey(ctx, &sdk.DeleteAccessKeyInput{UserName: aws.String("bob"), AccessKeyId: aws.String("AKIAIOSFODNN7EXAMPLE")})
		return err
	}, "NoSuchEntity", "The Access Key with id AKIAIOSFODNN7EXAMPLE cannot be found."},
	{"a marker that no listing gave out", func(ctx context.Context, a *account) error {
		_, err := a.ListRoles(ctx, &sdk.ListRolesInput{Marker: aws.String("x")})
		return err
	}, "ValidationError", "Invalid Marker."},
}

func TestRefusalsChangeNothing(t *testing.T) {
	a := open(t)
	furnish(t, a)
	before := everything(t, a)
	for _, c := range refusals {
		err := c.call(t.Context(), a)
		api, ok := errors.AsType[smithy.APIError](err)
		if !ok || api.ErrorCode() != c.code || api.ErrorMessage() != c.says {
			t.Errorf("%s: %v", c.name, err)
		}
		if after := everything(t, a); !reflect.DeepEqual(before, after) {
			t.Fatalf("%s: changed %+v to %+v", c.name, before, after)
		}
	}
}

func TestAPolicyHasFiveVersionsAndNumbersAreNotUsedAgain(t *testing.T) {
	a := open(t)
	ctx := t.Context()
	furnish(t, a)
	create := func() error {
		_, err := a.CreatePolicyVersion(ctx, &sdk.CreatePolicyVersionInput{PolicyArn: aws.String(minePath), PolicyDocument: aws.String(allow)})
		return err
	}
	for range 4 {
		if err := create(); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := errors.AsType[*types.LimitExceededException](create()); !ok {
		t.Error("a sixth version was taken")
	}
	must(a.DeletePolicyVersion(ctx, &sdk.DeletePolicyVersionInput{PolicyArn: aws.String(minePath), VersionId: aws.String("v5")}))(t)
	if err := create(); err != nil {
		t.Error(err)
	}
	var ids []string
	for _, v := range must(a.ListPolicyVersions(ctx, &sdk.ListPolicyVersionsInput{PolicyArn: aws.String(minePath)}))(t).Versions {
		ids = append(ids, *v.VersionId)
	}
	if want := []string{"v6", "v4", "v3", "v2", "v1"}; !slices.Equal(ids, want) {
		t.Errorf("got %v, want %v", ids, want)
	}
}

func TestANewPolicyIsShownWithoutItsDescription(t *testing.T) {
	a := open(t)
	create := func(name string, tags ...types.Tag) *types.Policy {
		return must(a.CreatePolicy(t.Context(), &sdk.CreatePolicyInput{
			PolicyName: &name, PolicyDocument: aws.String(allow), Description: aws.String("words"), Tags: tags,
		}))(t).Policy
	}
	if p := create("plain"); p.Description != nil || p.Tags != nil {
		t.Errorf("CreatePolicy shows description %v and tags %v", p.Description, p.Tags)
	}
	if p := create("tagged", types.Tag{Key: aws.String("a"), Value: aws.String("b")}); len(p.Tags) != 1 {
		t.Errorf("CreatePolicy shows tags %v", p.Tags)
	}
	p := must(a.GetPolicy(t.Context(), &sdk.GetPolicyInput{PolicyArn: aws.String("arn:aws:iam::123456789012:policy/plain")}))(t).Policy
	if aws.ToString(p.Description) != "words" || p.Tags == nil {
		t.Errorf("GetPolicy shows description %v and tags %v", p.Description, p.Tags)
	}
}

func TestAnEmptyDescriptionOfARoleIsOne(t *testing.T) {
	a := open(t)
	description := func(name string) *string {
		return must(a.GetRole(t.Context(), &sdk.GetRoleInput{RoleName: &name}))(t).Role.Description
	}
	must(a.CreateRole(t.Context(), &sdk.CreateRoleInput{RoleName: aws.String("none"), AssumeRolePolicyDocument: aws.String(trust)}))(t)
	must(a.CreateRole(t.Context(), &sdk.CreateRoleInput{RoleName: aws.String("empty"), AssumeRolePolicyDocument: aws.String(trust), Description: aws.String("")}))(t)
	if d := description("none"); d != nil {
		t.Errorf("a role without a description shows %q", *d)
	}
	if d := description("empty"); d == nil || *d != "" {
		t.Errorf("a role with an empty description shows %v", d)
	}
	must(a.UpdateRole(t.Context(), &sdk.UpdateRoleInput{RoleName: aws.String("empty"), Description: aws.String("words")}))(t)
	must(a.UpdateRole(t.Context(), &sdk.UpdateRoleInput{RoleName: aws.String("empty")}))(t)
	if d := aws.ToString(description("empty")); d != "words" {
		t.Errorf("an update without a description makes it %q", d)
	}
}

func TestAUserHasTwoKeysAndARenamedOneKeepsThem(t *testing.T) {
	a := open(t)
	ctx := t.Context()
	furnish(t, a)
	first := must(a.CreateAccessKey(ctx, &sdk.CreateAccessKeyInput{UserName: aws.String("bob")}))(t).AccessKey
	must(a.CreateAccessKey(ctx, &sdk.CreateAccessKeyInput{UserName: aws.String("bob")}))(t)
	_, err := a.CreateAccessKey(ctx, &sdk.CreateAccessKeyInput{UserName: aws.String("bob")})
	if _, ok := errors.AsType[*types.LimitExceededException](err); !ok {
		t.Errorf("a third key: %v", err)
	}
	must(a.UpdateUser(ctx, &sdk.UpdateUserInput{UserName: aws.String("bob"), NewUserName: aws.String("Rob"), NewPath: aws.String("/team/")}))(t)
	must(a.UpdateAccessKey(ctx, &sdk.UpdateAccessKeyInput{UserName: aws.String("rob"), AccessKeyId: first.AccessKeyId, Status: types.StatusTypeInactive}))(t)
	k, ok := a.Credential(ctx, *first.AccessKeyId)
	if !ok || k.Active || k.Principal.ARN != "arn:aws:iam::123456789012:user/team/Rob" {
		t.Errorf("got %+v, %t", k, ok)
	}
	own := must(a.GetUser(principal.NewContext(ctx, k.Principal), &sdk.GetUserInput{}))(t)
	if *own.User.UserName != "Rob" {
		t.Errorf("the caller is %s", *own.User.UserName)
	}
}

func TestWhatHasAVoice(t *testing.T) {
	a := open(t)
	ctx := t.Context()
	furnish(t, a)
	named := func(documents []iam.Document) (names []string) {
		for _, d := range documents {
			names = append(names, d.Name)
		}
		return names
	}
	bob, _ := a.User(ctx, "bob")
	policies, ok := a.Policies(ctx, bob)
	if want := []string{"inline", minePath}; !ok || !slices.Equal(named(policies.Identity), want) || policies.Boundary != nil {
		t.Errorf("a user has a voice in %v, want its own and its groups' %v", named(policies.Identity), want)
	}
	web, _ := a.Role(ctx, "web")
	session := principal.Principal{Kind: principal.Role, Name: "web", ID: web.ID + ":try"}
	policies, ok = a.Policies(ctx, session)
	if want := []string{"inline", executing}; !ok || !slices.Equal(named(policies.Identity), want) || policies.Boundary == nil || policies.Boundary.Name != minePath {
		t.Errorf("a role has a voice in %v within %v", named(policies.Identity), policies.Boundary)
	}
	session.ID = "AROAOTHER:try"
	if _, ok := a.Policies(ctx, session); ok {
		t.Error("a session of an earlier role of the same name has a voice")
	}
}

func TestListingsComeInPages(t *testing.T) {
	a := open(t)
	ctx := t.Context()
	var want []string
	for i := range 7 {
		want = append(want, fmt.Sprintf("role-%d", i))
		must(a.CreateRole(ctx, &sdk.CreateRoleInput{RoleName: &want[i], AssumeRolePolicyDocument: aws.String(trust)}))(t)
	}
	var got []string
	pages := sdk.NewListRolesPaginator(a, &sdk.ListRolesInput{MaxItems: aws.Int32(3)})
	for pages.HasMorePages() {
		for _, r := range must(pages.NextPage(ctx))(t).Roles {
			got = append(got, *r.RoleName)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestALinkedRoleIsMadeOnceByItsService(t *testing.T) {
	a := open(t)
	for range 2 {
		if err := a.EnsureLinkedRole(t.Context(), "ecs.application-autoscaling.amazonaws.com"); err != nil {
			t.Fatal(err)
		}
	}
	r, ok := a.Role(t.Context(), "AWSServiceRoleForApplicationAutoScaling_ECSService")
	if want := "arn:aws:iam::123456789012:role/aws-service-role/ecs.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService"; !ok || r.ARN != want {
		t.Errorf("got %+v", r)
	}
}

func TestEachLinkedRoleOfApplicationAutoScalingHasItsPolicy(t *testing.T) {
	a := open(t)
	for service, end := range map[string]string{
		"ecs": "ECSService", "custom-resource": "CustomResource", "dynamodb": "DynamoDBTable", "workspaces": "WorkSpacesPool",
		"appstream": "AppStreamFleet", "cassandra": "CassandraTable", "comprehend": "ComprehendEndpoint", "ec2": "EC2SpotFleetRequest",
		"elasticache": "ElastiCacheRG", "kafka": "KafkaCluster", "lambda": "LambdaConcurrency", "neptune": "NeptuneCluster",
		"rds": "RDSCluster", "sagemaker": "SageMakerEndpoint",
	} {
		name := "AWSServiceRoleForApplicationAutoScaling_" + end
		must(a.CreateServiceLinkedRole(t.Context(), &sdk.CreateServiceLinkedRoleInput{
			AWSServiceName: aws.String(service + ".application-autoscaling.amazonaws.com"),
		}))(t)
		attached := must(a.ListAttachedRolePolicies(t.Context(), &sdk.ListAttachedRolePoliciesInput{RoleName: &name}))(t).AttachedPolicies
		if len(attached) != 1 {
			t.Fatalf("%s has %d policies", name, len(attached))
		}
		must(a.GetPolicy(t.Context(), &sdk.GetPolicyInput{PolicyArn: attached[0].PolicyArn}))(t)
	}
}

func TestAPolicyThatNobodyHasIsAPermissionsPolicy(t *testing.T) {
	a := open(t)
	furnish(t, a)
	for _, name := range []string{"idle", "bound"} {
		must(a.CreatePolicy(t.Context(), &sdk.CreatePolicyInput{PolicyName: &name, PolicyDocument: aws.String(allow)}))(t)
	}
	must(a.PutUserPermissionsBoundary(t.Context(), &sdk.PutUserPermissionsBoundaryInput{
		UserName: aws.String("bob"), PermissionsBoundary: aws.String("arn:aws:iam::123456789012:policy/bound"),
	}))(t)
	for filter, want := range map[types.PolicyUsageType][]string{
		types.PolicyUsageTypePermissionsPolicy:   {"idle", "mine"},
		types.PolicyUsageTypePermissionsBoundary: {"bound", "mine"}, // which a role has for both
	} {
		var got []string
		for _, p := range must(a.ListPolicies(t.Context(), &sdk.ListPoliciesInput{Scope: types.PolicyScopeTypeLocal, PolicyUsageFilter: filter}))(t).Policies {
			got = append(got, *p.PolicyName)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", filter, got, want)
		}
	}
}

func TestUseIsNotedOnceAMinute(t *testing.T) {
	a := open(t)
	ctx := t.Context()
	furnish(t, a)
	key := must(a.CreateAccessKey(ctx, &sdk.CreateAccessKeyInput{UserName: aws.String("bob")}))(t).AccessKey
	last := func() *types.AccessKeyLastUsed {
		return must(a.GetAccessKeyLastUsed(ctx, &sdk.GetAccessKeyLastUsedInput{AccessKeyId: key.AccessKeyId}))(t).AccessKeyLastUsed
	}
	if got := last(); *got.ServiceName != "N/A" || got.LastUsedDate != nil {
		t.Errorf("before its first use: %+v", got)
	}
	bob, _ := a.User(ctx, "bob")
	a.Used(ctx, bob, *key.AccessKeyId, "ecs", "eu-west-2")
	a.Used(ctx, bob, *key.AccessKeyId, "sts", "us-east-1")
	if got := last(); *got.ServiceName != "ecs" || *got.Region != "eu-west-2" || got.LastUsedDate == nil {
		t.Errorf("got %+v", got)
	}
}
