// Package policy decides what AWS IAM would allow: it reads policy documents,
// and judges requests by them.
//
// A document is parsed once, for the place where it will stand, and may then be
// used by any number of goroutines:
//
//	doc, err := policy.Parse(text, policy.IdentityBased) // *Malformed says what is wrong, in AWS's words
//
// A request is judged by all the documents that concern it:
//
//	    who calls                                    what is called
//	┌──────────────────────────────────────┐      ┌─────────────────┐
//	│ identity-based   what it may do      │      │ resource-based  │ who may do what with
//	│ boundary         the most it may do  │      │ policy          │ the resource
//	│ session          the most it may do  │      ├─────────────────┤
//	│                  under this name     │      │ role trust      │ who may assume the role
//	└──────────────────────────────────────┘      └─────────────────┘
//
//	request := &policy.Request{Principal: caller, Action: "ecs:UpdateService", Resource: arn, Time: now}
//	decision := policy.Evaluate(request, policy.Policies{Identity: attached})
//	if !decision.Allowed() {
//		return accessDenied(decision.Refusal(request))
//	}
//
// A Deny that applies in any of them decides. Without one, each policy of the
// caller that is there has to allow, and for a resource of another account its
// policy has to allow as well. In one account a resource-based policy can allow
// alone; how far it goes then depends on how it names the caller, which Evaluate
// explains. Whatever nothing allows is denied.
//
// The package is pure: the time is part of the request, and so is every
// condition key that the caller of Evaluate knows.
//
// Its behaviour is that of the IAM User Guide: "Grammar of the IAM JSON policy
// language", the pages "IAM JSON policy elements", "Policy evaluation logic" and
// "Troubleshoot access denied error messages". Service control policies, resource
// control policies and VPC endpoint policies are not known here.
package policy
