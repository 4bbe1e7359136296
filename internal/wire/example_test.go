package wire_test

import (
	"context"
	"fmt"
	"log"
	"net/http/httptest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecs"

	"flyball/internal/wire"
)

// A cluster list is a service with one operation of Amazon ECS.
type clusterList []string

func (c clusterList) ListClusters(context.Context, *ecs.ListClustersInput, ...func(*ecs.Options)) (*ecs.ListClustersOutput, error) {
	return &ecs.ListClustersOutput{ClusterArns: c}, nil
}

func ExampleNewHandler() {
	// There is a cluster list for each region of each account that a call is
	// signed for.
	resolve := func(_ context.Context, s wire.Scope) (clusterList, error) {
		return clusterList{"arn:aws:ecs:" + s.Region + ":" + s.Account + ":cluster/prod"}, nil
	}
	handler, err := wire.NewHandler(wire.Options{}, wire.ECS(resolve))
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(handler)
	defer server.Close()

	client := ecs.New(ecs.Options{
		BaseEndpoint: aws.String(server.URL),
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("123456789012", "test", ""),
	})
	out, err := client.ListClusters(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(out.ClusterArns[0])
	// Output: arn:aws:ecs:us-east-1:123456789012:cluster/prod
}
