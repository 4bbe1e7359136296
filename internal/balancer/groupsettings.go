package balancer

import (
	"cmp"
	"math"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// groupSettings are what a group's attributes say.
type groupSettings struct {
	algorithm string
	slowStart time.Duration
	sticky    stickiness
	version   string // HTTP1, HTTP2 or GRPC
	secure    bool
	routing   minimum
	dns       minimum
}

// A minimum is how many healthy targets a group needs to be taken for healthy.
type minimum struct {
	count   int
	percent int // 0 is off
}

func newMinimum(a attributes, prefix string) minimum {
	return minimum{
		count:   a.number(prefix+".minimum_healthy_targets.count", 1),
		percent: a.number(prefix+".minimum_healthy_targets.percentage", 0),
	}
}

func (m minimum) met(healthy, all int) bool {
	least := max(m.count, int(math.Ceil(float64(m.percent*all)/100)))
	return healthy >= least
}

func newGroupSettings(config types.TargetGroup, a attributes) groupSettings {
	return groupSettings{
		algorithm: a["load_balancing.algorithm.type"],
		slowStart: a.seconds("slow_start.duration_seconds", 0),
		sticky:    newStickiness(a),
		version:   cmp.Or(aws.ToString(config.ProtocolVersion), "HTTP1"),
		secure:    config.Protocol == types.ProtocolEnumHttps,
		routing:   newMinimum(a, "target_group_health.unhealthy_state_routing"),
		dns:       newMinimum(a, "target_group_health.dns_failover"),
	}
}
