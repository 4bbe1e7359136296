package lambda

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"flyball/internal/service/lambda/fault"
	"flyball/internal/service/lambda/rules"
	"flyball/internal/state"
)

// PublishVersion makes a version of what $LATEST is. Without a change since the last one
// that is the version.
func (a *API) PublishVersion(ctx context.Context, in *lambda.PublishVersionInput, _ ...func(*lambda.Options)) (*lambda.PublishVersionOutput, error) {
	if owner := a.ownerOf(in.FunctionName); owner != a {
		return owner.PublishVersion(ctx, in)
	}
	found, err := a.latest(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	if err := refuse(unsupported{"capacity providers", in.PublishTo != ""}); err != nil {
		return nil, err
	}
	name := found.function.Name
	var v version
	err = a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		t, err := a.lookup(rules.Reference{Name: name})
		if err != nil {
			return err
		}
		if err := revised(in.RevisionId, t.version.Revision); err != nil {
			return err
		}
		if given, have := aws.ToString(in.CodeSha256), t.version.Code.SHA256(); given != "" && given != have {
			return fault.Parameter("CodeSHA256 (%s) is different from current CodeSHA256 in $LATEST (%s). Please try again with the CodeSHA256 in $LATEST.", given, have)
		}
		v = a.publish(tx, &t.function, t.version, in.Description)
		a.functions.Put(tx, name, t.function)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return as[lambda.PublishVersionOutput](a.configuration(v, v.Number)), nil
}

// publish makes a version of what $LATEST is, if the last one is not the same. $LATEST is
// stored with it: its revision is another one then.
func (a *API) publish(tx *state.Tx, f *functionRow, latest version, description *string) version {
	if last, ok := a.versions.Get(versionKey(f.Name, number(f.Last))); ok && last.same(latest) {
		return last
	}
	v := latest
	v.Number, v.Revision, v.Note = f.next(), newRevision(), description
	f.Last++
	latest.Revision = newRevision()
	a.versions.Put(tx, versionKey(f.Name, rules.Latest), latest)
	a.versions.Put(tx, versionKey(f.Name, v.Number), v)
	return v
}

// ListVersionsByFunction lists $LATEST and the versions of a function.
func (a *API) ListVersionsByFunction(ctx context.Context, in *lambda.ListVersionsByFunctionInput, _ ...func(*lambda.Options)) (*lambda.ListVersionsByFunctionOutput, error) {
	owner, name, err := a.unqualified(in.FunctionName)
	if err != nil {
		return nil, err
	}
	var rows []version
	owner.cell.State.View(ctx, func() { rows = owner.versions.Rows(key(name, "")) })
	if len(rows) == 0 {
		return nil, fault.NoFunction(owner.arn(name))
	}
	rows, next, err := versionPage(rows, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out := &lambda.ListVersionsByFunctionOutput{NextMarker: next, Versions: []types.FunctionConfiguration{}}
	for _, v := range rows {
		out.Versions = append(out.Versions, inList(owner.configuration(v, v.Number)))
	}
	return out, nil
}
