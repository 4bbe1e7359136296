package elb

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/service/elb/fault"
	"flyball/internal/service/elb/rules"
	"flyball/internal/state"
)

// mostCertificates is how many certificates a load balancer can have, without the
// default ones of its listeners.
const mostCertificates = 25

// AddListenerCertificates adds certificates to a listener that speaks HTTPS.
func (a *API) AddListenerCertificates(ctx context.Context, in *elb.AddListenerCertificatesInput, _ ...func(*elb.Options)) (*elb.AddListenerCertificatesOutput, error) {
	err := a.changeListener(ctx, in.ListenerArn, func(_ context.Context, _ *state.Tx, l *listener) error {
		if !l.https() {
			return fault.Validation("A certificate cannot be specified for HTTP listeners")
		}
		l.Additional = slices.Clone(l.Additional)
		for _, c := range in.Certificates {
			arn := aws.ToString(c.CertificateArn)
			if c.IsDefault != nil {
				return fault.Validation("IsDefault cannot be specified")
			}
			if err := rules.CheckCertificate(arn, a.cell.Region); err != nil {
				return err
			}
			if !slices.Contains(l.Additional, arn) {
				l.Additional = append(l.Additional, arn)
			}
		}
		if a.certificatesOf(*l.LoadBalancerArn, *l.ListenerArn)+len(l.Additional) > mostCertificates {
			return fault.TooManyCertificates(mostCertificates)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := &elb.AddListenerCertificatesOutput{}
	for _, c := range in.Certificates {
		out.Certificates = append(out.Certificates, types.Certificate{CertificateArn: c.CertificateArn, IsDefault: aws.Bool(false)})
	}
	return out, nil
}

// certificatesOf counts the certificates of a load balancer's listeners but for one.
func (a *API) certificatesOf(balancer, except string) (n int) {
	for _, l := range a.listeners.Rows(a.listenersOf(balancer)) {
		if *l.ListenerArn != except {
			n += len(l.Additional)
		}
	}
	return n
}

// RemoveListenerCertificates removes certificates from a listener, where it has them.
func (a *API) RemoveListenerCertificates(ctx context.Context, in *elb.RemoveListenerCertificatesInput, _ ...func(*elb.Options)) (*elb.RemoveListenerCertificatesOutput, error) {
	err := a.changeListener(ctx, in.ListenerArn, func(_ context.Context, _ *state.Tx, l *listener) error {
		for _, c := range in.Certificates {
			arn := aws.ToString(c.CertificateArn)
			i := slices.Index(l.Additional, arn)
			switch {
			case i >= 0:
				l.Additional = slices.Delete(slices.Clone(l.Additional), i, i+1)
			case l.https() && arn == *l.Certificates[0].CertificateArn:
				return fault.NotPermitted("The default certificate '%s' cannot be removed", arn)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &elb.RemoveListenerCertificatesOutput{}, nil
}

// DescribeListenerCertificates describes the certificates of a listener: first the
// default one, which may be among the others, too.
func (a *API) DescribeListenerCertificates(ctx context.Context, in *elb.DescribeListenerCertificatesInput, _ ...func(*elb.Options)) (*elb.DescribeListenerCertificatesOutput, error) {
	l, err := read(ctx, a, func() (listener, error) { return a.listener(in.ListenerArn) })
	if err != nil {
		return nil, err
	}
	var all []types.Certificate
	for _, c := range l.Certificates {
		all = append(all, types.Certificate{CertificateArn: c.CertificateArn, IsDefault: aws.Bool(true)})
	}
	for _, arn := range slices.Sorted(slices.Values(l.Additional)) {
		all = append(all, types.Certificate{CertificateArn: &arn, IsDefault: aws.Bool(false)})
	}
	key := func(c types.Certificate) string {
		if *c.IsDefault {
			return "0" + *c.CertificateArn
		}
		return "1" + *c.CertificateArn
	}
	all, next, err := list(all, key, in.Marker, in.PageSize)
	if err != nil {
		return nil, err
	}
	return &elb.DescribeListenerCertificatesOutput{Certificates: all, NextMarker: next}, nil
}
