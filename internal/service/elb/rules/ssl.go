package rules

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// usualPolicy is the security policy of listeners that name none
// ("CreateListener").
const usualPolicy = "ELBSecurityPolicy-2016-08"

// Ciphers by the oldest version of TLS that has them.
var (
	tls13 = []string{"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}
	tls12 = []string{
		"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384",
	}
	tls12CBC = []string{"ECDHE-ECDSA-AES128-SHA256", "ECDHE-RSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA384", "ECDHE-RSA-AES256-SHA384"}
	tls10    = []string{"ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES128-SHA", "ECDHE-RSA-AES256-SHA", "ECDHE-ECDSA-AES256-SHA"}
	plainRSA = []string{"AES128-GCM-SHA256", "AES128-SHA256", "AES128-SHA", "AES256-GCM-SHA384", "AES256-SHA256", "AES256-SHA"}
)

// policies are the security policies of application load balancers
// ("Security policies for your Application Load Balancer"), with their protocols and
// ciphers.
var policies = []struct {
	name      string
	protocols []string
	ciphers   [][]string
}{
	{usualPolicy, []string{"TLSv1", "TLSv1.1", "TLSv1.2"}, [][]string{tls12, tls12CBC, tls10, plainRSA}},
	{"ELBSecurityPolicy-TLS13-1-2-2021-06", []string{"TLSv1.2", "TLSv1.3"}, [][]string{tls13, tls12, tls12CBC}},
	{"ELBSecurityPolicy-TLS13-1-2-Res-2021-06", []string{"TLSv1.2", "TLSv1.3"}, [][]string{tls13, tls12}},
	{"ELBSecurityPolicy-TLS13-1-2-Ext1-2021-06", []string{"TLSv1.2", "TLSv1.3"}, [][]string{tls13, tls12, tls12CBC, plainRSA}},
	{"ELBSecurityPolicy-TLS13-1-2-Ext2-2021-06", []string{"TLSv1.2", "TLSv1.3"}, [][]string{tls13, tls12, tls12CBC, tls10, plainRSA}},
	{"ELBSecurityPolicy-TLS13-1-1-2021-06", []string{"TLSv1.1", "TLSv1.2", "TLSv1.3"}, [][]string{tls13, tls12, tls12CBC, tls10, plainRSA}},
	{"ELBSecurityPolicy-TLS13-1-0-2021-06", []string{"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"}, [][]string{tls13, tls12, tls12CBC, tls10, plainRSA}},
	{"ELBSecurityPolicy-TLS13-1-3-2021-06", []string{"TLSv1.3"}, [][]string{tls13}},
	{"ELBSecurityPolicy-TLS-1-2-2017-01", []string{"TLSv1.2"}, [][]string{tls12, tls12CBC, plainRSA}},
	{"ELBSecurityPolicy-TLS-1-2-Ext-2018-06", []string{"TLSv1.2"}, [][]string{tls12, tls12CBC, tls10, plainRSA}},
	{"ELBSecurityPolicy-TLS-1-1-2017-01", []string{"TLSv1.1", "TLSv1.2"}, [][]string{tls12, tls12CBC, tls10, plainRSA}},
	{"ELBSecurityPolicy-FS-1-2-Res-2020-10", []string{"TLSv1.2"}, [][]string{tls12}},
	{"ELBSecurityPolicy-FS-1-2-Res-2019-08", []string{"TLSv1.2"}, [][]string{tls12, tls12CBC}},
	{"ELBSecurityPolicy-FS-1-2-2019-08", []string{"TLSv1.2"}, [][]string{tls12, tls12CBC, tls10}},
	{"ELBSecurityPolicy-FS-1-1-2019-08", []string{"TLSv1.1", "TLSv1.2"}, [][]string{tls12, tls12CBC, tls10}},
	{"ELBSecurityPolicy-FS-2018-06", []string{"TLSv1", "TLSv1.1", "TLSv1.2"}, [][]string{tls12, tls12CBC, tls10}},
}

// SSLPolicies are the security policies that a listener can have.
func SSLPolicies() []types.SslPolicy {
	all := make([]types.SslPolicy, len(policies))
	for i, p := range policies {
		all[i] = types.SslPolicy{
			Name: aws.String(p.name), SslProtocols: p.protocols,
			SupportedLoadBalancerTypes: []string{string(types.LoadBalancerTypeEnumApplication)},
		}
		for _, ciphers := range p.ciphers {
			for _, name := range ciphers {
				all[i].Ciphers = append(all[i].Ciphers, types.Cipher{Name: aws.String(name), Priority: aws.Int32(int32(len(all[i].Ciphers) + 1))})
			}
		}
	}
	return all
}

// SSLPolicy is a security policy by its name.
func SSLPolicy(name string) (types.SslPolicy, bool) {
	for _, p := range SSLPolicies() {
		if *p.Name == name {
			return p, true
		}
	}
	return types.SslPolicy{}, false
}
