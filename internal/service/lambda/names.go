package lambda

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"flyball/internal/service/lambda/fault"
	"flyball/internal/service/lambda/rules"
)

// A target is a function as a call names it, and what is run of it.
type target struct {
	api       *API // of the account that has it
	function  functionRow
	qualifier string // as it was given; empty for none
	alias     *alias // if the qualifier is one
	version   version
}

// arn is the ARN by which the function was named, with the qualifier that was given.
func (t target) arn() string { return t.api.qualified(t.function.Name, t.qualifier) }

// reference names the target, to find it again.
func (t target) reference() rules.Reference {
	return rules.Reference{Name: t.function.Name, Qualifier: t.qualifier}
}

// arn is the ARN of a function.
func (a *API) arn(name string) string { return a.cell.ARN("lambda", "function:"+name) }

// qualified is the ARN of a version or an alias of a function, or of the function.
func (a *API) qualified(name, qualifier string) string {
	if qualifier == "" {
		return a.arn(name)
	}
	return a.arn(name) + ":" + qualifier
}

// named reads how a call names a function: in the name, the ARN or the part of one, and
// in the qualifier beside it. The API is that of the function's account.
func (a *API) named(name, qualifier *string) (owner *API, r rules.Reference, err error) {
	return a.like(rules.Pattern, name, qualifier)
}

// like is named for what has to be like a pattern.
func (a *API) like(pattern string, name, qualifier *string) (owner *API, r rules.Reference, err error) {
	given := aws.ToString(name)
	r, ok := rules.ParseReference(given)
	if !ok {
		return nil, r, fault.Constraint(given, "functionName", "satisfy regular expression pattern: "+pattern)
	}
	if r.Region != "" && r.Region != a.cell.Region {
		return nil, r, fault.NotFound("Functions from '%s' are not reachable in this region ('%s')", r.Region, a.cell.Region)
	}
	if q := aws.ToString(qualifier); q != "" {
		if r.Qualifier != "" && r.Qualifier != q {
			return nil, r, fault.Parameter("The derived qualifier from the function name does not match the specified qualifier.")
		}
		r.Qualifier = q
	}
	owner = a.of(r.Account)
	if owner == nil {
		return nil, r, fault.Denied()
	}
	return owner, r, nil
}

// of is the service of an account in the region, or nil.
func (a *API) of(account string) *API {
	if account == "" || account == a.cell.Account {
		return a
	}
	if a.cfg.Account == nil {
		return nil
	}
	return a.cfg.Account(account)
}

// ownerOf is the service of the account that has a function. What the function's policy can
// allow other accounts is carried out there. Source: "Granting Lambda function access to other
// accounts", which lists these operations.
func (a *API) ownerOf(name *string) *API {
	if r, ok := rules.ParseReference(aws.ToString(name)); ok {
		if owner := a.of(r.Account); owner != nil {
			return owner
		}
	}
	return a
}

// unqualified reads the name of a function in an operation that is about all of it.
func (a *API) unqualified(name *string) (owner *API, function string, err error) {
	owner, r, err := a.like(rules.PlainPattern, name, nil)
	if err == nil && r.Qualifier != "" {
		err = fault.Parameter("This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN.")
	}
	return owner, r.Name, err
}

// find finds what a call names: a function, with the version that its qualifier stands
// for. Of an alias with weights it is the one that its own version has.
func (a *API) find(ctx context.Context, name, qualifier *string) (t target, err error) {
	owner, r, err := a.named(name, qualifier)
	if err != nil {
		return t, err
	}
	owner.cell.State.View(ctx, func() { t, err = owner.lookup(r) })
	return t, err
}

// lookup is find for those who are under the state's lock.
func (a *API) lookup(r rules.Reference) (t target, err error) {
	t = target{api: a, qualifier: r.Qualifier}
	var ok bool
	if t.function, ok = a.functions.Get(r.Name); !ok {
		return t, fault.NoFunction(a.qualified(r.Name, r.Qualifier))
	}
	number := r.Qualifier
	switch {
	case number == "":
		number = rules.Latest
	case !rules.IsVersion(number):
		found, ok := a.aliases.Get(key(r.Name, number))
		if !ok {
			return t, fault.NoFunction(t.arn())
		}
		t.alias, number = &found, found.Version
	}
	if t.version, ok = a.versions.Get(versionKey(r.Name, number)); !ok {
		return t, fault.NoFunction(a.qualified(r.Name, number))
	}
	return t, nil
}

// key is the key of what belongs to a function, by its name or its qualifier. Names of
// functions have no slash.
func key(function, name string) string { return function + "/" + name }

// versionKey has versions in the order of their numbers, behind $LATEST.
func versionKey(function, number string) string {
	if number != rules.Latest {
		number = strings.Repeat("0", max(0, 12-len(number))) + number
	}
	return key(function, number)
}
