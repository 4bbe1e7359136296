package console

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"

	"flyball/internal/loadtest"
)

// loadBalancers shows the load balancers with their target groups.
func (c *console) loadBalancers(v *visit) error {
	t := table{
		Title: "Load balancers", Columns: []column{{Name: "Name"}, {Name: "Kind"}, {Name: "State"}, {Name: "Address"}, {Name: "Target groups"}, {Name: "Load test"}},
		Empty: "There are no load balancers in region " + v.Region + ". flyball run --port makes one with a service.",
	}
	groups := map[string][]string{} // names, by the ARN of their load balancer
	groupPages := elb.NewDescribeTargetGroupsPaginator(v.Client.LoadBalancing, &elb.DescribeTargetGroupsInput{})
	for groupPages.HasMorePages() {
		page, err := groupPages.NextPage(v.r.Context())
		if err != nil {
			return err
		}
		for _, g := range page.TargetGroups {
			for _, balancer := range g.LoadBalancerArns {
				groups[balancer] = append(groups[balancer], fmt.Sprintf("%s (%s)", aws.ToString(g.TargetGroupName), strings.ToLower(string(g.Protocol))))
			}
		}
	}
	pages := elb.NewDescribeLoadBalancersPaginator(v.Client.LoadBalancing, &elb.DescribeLoadBalancersInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(v.r.Context())
		if err != nil {
			return err
		}
		for _, b := range page.LoadBalancers {
			state := ""
			if b.State != nil {
				state = string(b.State.Code)
			}
			t.Rows = append(t.Rows, []cell{
				{Text: aws.ToString(b.LoadBalancerName), Link: linksOf(v).To("load-balancers", aws.ToString(b.LoadBalancerName))}, {Text: string(b.Type), Note: string(b.Scheme)}, {Text: state},
				{Text: aws.ToString(b.DNSName)}, {Text: strings.Join(groups[aws.ToString(b.LoadBalancerArn)], ", ")},
				loadTestCell(v, loadtest.LoadBalancer, aws.ToString(b.LoadBalancerName)),
			})
		}
	}
	return c.table(v, "load-balancers", t)
}
