package rules

import (
	"cmp"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/service/elb/fault"
)

// A ListenerChange is what a request says of a listener. What is not set stays.
type ListenerChange struct {
	Port         *int32
	Protocol     types.ProtocolEnum
	Actions      []types.Action
	Certificates []types.Certificate
	SSLPolicy    *string
	ALPN         []string
	Mutual       *types.MutualAuthenticationAttributes
	Region       string // of the certificates
}

// Listener is a listener with what is changed of it, or a new one.
func Listener(l types.Listener, c ListenerChange) (types.Listener, error) {
	l.Port, l.Protocol = cmp.Or(c.Port, l.Port), cmp.Or(c.Protocol, l.Protocol)
	switch {
	case l.Port == nil:
		return l, fault.Validation("A listener port must be specified")
	case l.Protocol == "":
		return l, fault.Validation("A listener protocol must be specified")
	case l.Protocol != types.ProtocolEnumHttp && l.Protocol != types.ProtocolEnumHttps:
		return l, fault.Validation("Listener protocol '%s' must be one of 'HTTP, HTTPS'", l.Protocol)
	case len(c.ALPN) > 0:
		return l, fault.InvalidConfiguration("You cannot set ALPN policy on load balancers of type 'application'")
	}
	if c.Actions != nil || l.DefaultActions == nil {
		var err error
		if l.DefaultActions, err = Actions(c.Actions); err != nil {
			return l, err
		}
	}
	return withTLS(l, c)
}

// withTLS sets what only listeners that speak HTTPS have.
func withTLS(l types.Listener, c ListenerChange) (types.Listener, error) {
	if l.Protocol == types.ProtocolEnumHttp {
		switch {
		case len(c.Certificates) > 0:
			return l, fault.Validation("A certificate cannot be specified for HTTP listeners")
		case c.SSLPolicy != nil:
			return l, fault.Validation("An SSL policy cannot be specifed for HTTP listeners") // as AWS spells it
		case c.Mutual != nil:
			return l, fault.Validation("Mutual Authentication cannot be set for non secure listeners")
		}
		l.Certificates, l.SslPolicy, l.MutualAuthentication = nil, nil, nil
		return l, nil
	}
	if c.Mutual != nil {
		switch aws.ToString(c.Mutual.Mode) {
		case "off":
		case "passthrough", "verify":
			return l, fault.NotServed("Mutual authentication is")
		default:
			return l, fault.Validation("Mutual Authentication mode required not found")
		}
	}
	l.MutualAuthentication = &types.MutualAuthenticationAttributes{Mode: aws.String("off")}
	l.SslPolicy = cmp.Or(c.SSLPolicy, l.SslPolicy, aws.String(usualPolicy))
	if _, ok := SSLPolicy(*l.SslPolicy); !ok {
		return l, fault.SSLPolicyNotFound(*l.SslPolicy)
	}
	if len(c.Certificates) > 0 {
		l.Certificates = []types.Certificate{{CertificateArn: c.Certificates[0].CertificateArn}}
	}
	switch {
	case len(c.Certificates) > 1:
		return l, fault.Validation("Up to '1' certificate ARNs can be specified, but '%d' were specified", len(c.Certificates))
	case len(l.Certificates) == 0:
		return l, fault.Validation("A certificate must be specified for HTTPS listeners")
	}
	return l, CheckCertificate(aws.ToString(l.Certificates[0].CertificateArn), c.Region)
}

var (
	certificates = regexp.MustCompile(`^arn:aws[a-z-]*:(?:acm:([a-z0-9-]+):[0-9]{12}:certificate/[A-Za-z0-9-]+|iam::[0-9]{12}:server-certificate/.+)$`)
	ofOthers     = regexp.MustCompile(`^arn:aws[a-z-]*:[a-z0-9-]+:`) // of services other than ACM and IAM
)

// CheckCertificate checks the ARN of a certificate of ACM in a region, or of IAM. Each
// is one: what is shown to clients is made by this server.
func CheckCertificate(arn, region string) error {
	parts := certificates.FindStringSubmatch(arn)
	switch {
	case parts == nil && ofOthers.MatchString(arn) && !strings.Contains(arn, ":acm:") && !strings.Contains(arn, ":iam:"):
		return fault.CertificateNotFound(arn)
	case parts == nil || parts[1] != "" && parts[1] != region:
		return fault.Validation("Certificate ARN '%s' is not valid", arn)
	}
	return nil
}
