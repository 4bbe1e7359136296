package wire

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	smithy "github.com/aws/smithy-go"
)

// fakeEC2 keeps what it was given.
type fakeEC2 struct {
	in   any
	fail error
}

func (f *fakeEC2) DescribeVpcs(_ context.Context, in *ec2.DescribeVpcsInput, _ ...func(*ec2.Options)) (*ec2.DescribeVpcsOutput, error) {
	f.in = in
	return &ec2.DescribeVpcsOutput{Vpcs: []types.Vpc{
		{VpcId: aws.String("vpc-1"), IsDefault: aws.Bool(true), Tags: []types.Tag{{Key: aws.String("Name"), Value: aws.String("a&b")}}},
		{VpcId: aws.String("vpc-2"), Tags: []types.Tag{}},
	}}, f.fail
}

func (f *fakeEC2) DeleteVpc(_ context.Context, in *ec2.DeleteVpcInput, _ ...func(*ec2.Options)) (*ec2.DeleteVpcOutput, error) {
	f.in = in
	return &ec2.DeleteVpcOutput{}, f.fail
}

func (f *fakeEC2) AuthorizeSecurityGroupIngress(_ context.Context, in *ec2.AuthorizeSecurityGroupIngressInput, _ ...func(*ec2.Options)) (*ec2.AuthorizeSecurityGroupIngressOutput, error) {
	f.in = in
	return &ec2.AuthorizeSecurityGroupIngressOutput{Return: aws.Bool(true)}, f.fail
}

func (f *fakeEC2) CreateTags(_ context.Context, in *ec2.CreateTagsInput, _ ...func(*ec2.Options)) (*ec2.CreateTagsOutput, error) {
	f.in = in
	return &ec2.CreateTagsOutput{}, f.fail
}

// callEC2 sends a form as a client of EC2 does.
func callEC2(t *testing.T, f *fakeEC2, opts Options, form string) (status int, body string) {
	t.Helper()
	opts.Log = slog.New(slog.NewTextHandler(new(bytes.Buffer), nil))
	h, err := NewHandler(opts, CloudWatch(always(new(fakeCloudWatch))), EC2(always(f)))
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form))
	r.Host = "localhost"
	r.Header.Set("Authorization", strings.ReplaceAll(testAuthorization, "%s", "ec2"))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func TestEC2RequestsHaveFlatListsAndNamesOfTheirOwn(t *testing.T) {
	for _, tt := range []struct {
		form string
		want any
	}{
		{
			"Action=DescribeVpcs&Version=2016-11-15&VpcId.2=vpc-2&VpcId.1=vpc-1&Filter.1.Name=tag:Name&Filter.1.Value.1=a&Filter.1.Value.2=b&MaxResults=7&DryRun=true",
			&ec2.DescribeVpcsInput{
				VpcIds: []string{"vpc-1", "vpc-2"}, MaxResults: aws.Int32(7), DryRun: aws.Bool(true),
				Filters: []types.Filter{{Name: aws.String("tag:Name"), Values: []string{"a", "b"}}},
			},
		},
		{
			"Action=AuthorizeSecurityGroupIngress&GroupId=sg-1&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=80&IpPermissions.1.Groups.1.GroupId=sg-2" +
				"&IpPermissions.1.IpRanges.1.CidrIp=10.0.0.0/8&TagSpecification.1.ResourceType=security-group-rule&TagSpecification.1.Tag.1.Key=k&TagSpecification.1.Tag.1.Value=v",
			&ec2.AuthorizeSecurityGroupIngressInput{
				GroupId: aws.String("sg-1"),
				IpPermissions: []types.IpPermission{{
					IpProtocol: aws.String("tcp"), FromPort: aws.Int32(80), UserIdGroupPairs: []types.UserIdGroupPair{{GroupId: aws.String("sg-2")}},
					IpRanges: []types.IpRange{{CidrIp: aws.String("10.0.0.0/8")}},
				}},
				TagSpecifications: []types.TagSpecification{{
					ResourceType: types.ResourceTypeSecurityGroupRule, Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}},
				}},
			},
		},
	} {
		f := new(fakeEC2)
		if status, body := callEC2(t, f, Options{}, tt.form); status != http.StatusOK {
			t.Errorf("%s: %d %s", tt.form, status, body)
		} else if !reflect.DeepEqual(f.in, tt.want) {
			t.Errorf("%s: got %+v", tt.form, f.in)
		}
	}
}

func TestEC2Answers(t *testing.T) {
	for _, tt := range []struct {
		name, form string
		fail       error
		status     int
		want       string // ID stands for the request's
	}{
		{
			"a list is a set of items", "Action=DescribeVpcs", nil, 200,
			`<DescribeVpcsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>ID</requestId><vpcSet>` +
				`<item><isDefault>true</isDefault><tagSet><item><key>Name</key><value>a&amp;b</value></item></tagSet><vpcId>vpc-1</vpcId></item>` +
				`<item><tagSet></tagSet><vpcId>vpc-2</vpcId></item></vpcSet></DescribeVpcsResponse>`,
		},
		{
			"nothing is true", "Action=DeleteVpc&VpcId=vpc-1", nil, 200,
			`<DeleteVpcResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>ID</requestId><return>true</return></DeleteVpcResponse>`,
		},
		{
			"an error of the service", "Action=DeleteVpc&VpcId=vpc-1", &smithy.GenericAPIError{Code: "DependencyViolation", Message: "It <has> dependencies."}, 400,
			ec2Fault("DependencyViolation", "It &lt;has&gt; dependencies."),
		},
		{
			"a dry run", "Action=DeleteVpc&VpcId=vpc-1", &smithy.GenericAPIError{Code: "DryRunOperation", Message: "Would."}, 412,
			ec2Fault("DryRunOperation", "Would."),
		},
		{
			"what a policy does not allow", "Action=DeleteVpc&VpcId=vpc-1", &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "No."}, 403,
			ec2Fault("UnauthorizedOperation", "You are not authorized to perform this operation. No."),
		},
		{
			"a parameter that is missing", "Action=DeleteVpc", nil, 400,
			ec2Fault("MissingParameter", "The request must contain the parameter vpcId"),
		},
		{
			"a parameter that is missing, of which EC2 has another name", "Action=CreateTags&Tag.1.Key=a", nil, 400,
			ec2Fault("MissingParameter", "The request must contain the parameter resourceIdSet"),
		},
		{
			"a number that is none", "Action=DescribeVpcs&MaxResults=x", nil, 400,
			ec2Fault("InvalidParameterValue", "The value of parameter maxResults is invalid. STRING_VALUE can not be converted to an Integer"),
		},
		{
			"a number out of its range", "Action=DescribeVpcs&MaxResults=4", nil, 400,
			ec2Fault("InvalidParameterValue", "Value (4) for parameter maxResults is invalid. Member must have value greater than or equal to 5"),
		},
		{
			"an action that nobody knows", "Action=Fly", nil, 400,
			ec2Fault("InvalidAction", "The action Fly is not valid for this web service."),
		},
		{
			"an action that is not served", "Action=RunInstances", nil, 400,
			ec2Fault("InvalidAction", "The operation RunInstances is not available in Flyball"),
		},
		{
			"a query string that is not one", "Action=DescribeVpcs&a=%zz", nil, 400,
			ec2Fault("MalformedQueryString", "The request's parameters are not well-formed"),
		},
	} {
		status, body := callEC2(t, &fakeEC2{fail: tt.fail}, Options{}, tt.form)
		if status != tt.status || withoutID(body) != tt.want {
			t.Errorf("%s: got %d %s\nwant %d %s", tt.name, status, withoutID(body), tt.status, tt.want)
		}
	}
}

func TestEC2DoesNotBelieveAKeyThatIsNotKnown(t *testing.T) {
	status, body := callEC2(t, new(fakeEC2), Options{Admit: nobody}, "Action=DescribeVpcs")
	if status != http.StatusUnauthorized || !strings.HasPrefix(body, "<Response><Errors><Error><Code>AuthFailure</Code>") {
		t.Errorf("got %d %s", status, body)
	}
}

func ec2Fault(code, message string) string {
	return "<Response><Errors><Error><Code>" + code + "</Code><Message>" + message + "</Message></Error></Errors><RequestID>ID</RequestID></Response>"
}

// withoutID has ID in the place of the request's identifier.
func withoutID(body string) string {
	for _, tag := range []string{"requestId", "RequestID"} {
		if before, rest, ok := strings.Cut(body, "<"+tag+">"); ok {
			_, after, _ := strings.Cut(rest, "</"+tag+">")
			return before + "<" + tag + ">ID</" + tag + ">" + after
		}
	}
	return body
}
