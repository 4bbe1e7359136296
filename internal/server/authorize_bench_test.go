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
	"github.com/aws/aws-sdk-go-v2/service/iam"
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
