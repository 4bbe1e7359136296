package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"flyball/internal/service/autoscaling"
)

// BenchmarkDescribeClusters is what a small call costs in the handler: of a key that
// the server does not know, and of a user whose signature is verified and whose
// policies are judged.
func BenchmarkDescribeClusters(b *testing.B) {
	s := open(b, "")
	defer s.Close()
	v, err := s.globals.of(testAccount, "aws")
	if err != nil {
		b.Fatal(err)
	}
	ctx, bob := b.Context(), aws.String("bob")
	if _, err := v.iam.CreateUser(ctx, &iam.CreateUserInput{UserName: bob}); err != nil {
		b.Fatal(err)
	}
	for _, arn := range []string{"AmazonECS_FullAccess", "CloudWatchReadOnlyAccess"} {
		if _, err := v.iam.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: bob, PolicyArn: aws.String("arn:aws:iam::aws:policy/" + arn)}); err != nil {
			b.Fatal(err)
		}
	}
	key, err := v.iam.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: bob})
	if err != nil {
		b.Fatal(err)
	}
	for name, c := range map[string]aws.Credentials{
		"unknown": {AccessKeyID: "test", SecretAccessKey: "test"},
		"user":    {AccessKeyID: *key.AccessKey.AccessKeyId, SecretAccessKey: *key.AccessKey.SecretAccessKey},
	} {
		b.Run(name, func(b *testing.B) {
			body := []byte(`{"clusters": ["prod"]}`)
			r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1/", bytes.NewReader(body))
			r.Header.Set("Content-Type", "application/x-amz-json-1.1")
			r.Header.Set("X-Amz-Target", "AmazonEC2ContainerServiceV20141113.DescribeClusters")
			sum := sha256.Sum256(body)
			if err := v4.NewSigner().SignHTTP(ctx, c, r, hex.EncodeToString(sum[:]), "ecs", testRegion, time.Now()); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				again := r.Clone(ctx)
				again.Body = io.NopCloser(bytes.NewReader(body))
				w := httptest.NewRecorder()
				if s.http.Handler.ServeHTTP(w, again); w.Code != http.StatusOK {
					b.Fatal(w.Body)
				}
			}
		})
	}
}

// BenchmarkScalingRole is what a role of its own costs a scalable target each time
// that its capacity is to be set.
func BenchmarkScalingRole(b *testing.B) {
	s := open(b, "")
	defer s.Close()
	account, err := s.globals.of(testAccount, "aws")
	if err != nil {
		b.Fatal(err)
	}
	ctx := b.Context()
	trust, policy := trusting(scalingService, ""), allActions("*")
	if _, err := account.iam.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("scaler"), AssumeRolePolicyDocument: &trust}); err != nil {
		b.Fatal(err)
	}
	if _, err := account.iam.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String("scaler"), PolicyName: aws.String("scale"), PolicyDocument: &policy}); err != nil {
		b.Fatal(err)
	}
	cluster, service := "shop", "web"
	r := roles{account.iam, s.home(), &s.judge, scalingSession, false}
	b.ReportAllocs()
	for b.Loop() {
		lack, err := r.Lacks(ctx, autoscaling.RoleUse{
			Role: scalerARN, As: []string{scalingService},
			Calls: []autoscaling.RoleCall{
				{Service: "ecs", Operation: "DescribeServices", Input: &ecs.DescribeServicesInput{Cluster: &cluster, Services: []string{service}}},
				{Service: "ecs", Operation: "UpdateService", Input: &ecs.UpdateServiceInput{Cluster: &cluster, Service: &service}},
				{Service: "monitoring", Operation: "DescribeAlarms", Input: &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{"busy"}}},
			},
		})
		if err != nil || lack.Absent || len(lack.Denied) > 0 {
			b.Fatal(lack, err)
		}
	}
}
