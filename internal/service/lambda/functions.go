package lambda

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"flyball/internal/service/lambda/code"
	"flyball/internal/service/lambda/fault"
	"flyball/internal/service/lambda/rules"
	"flyball/internal/state"
)

// maxName is the most characters of a function's name alone.
const maxName = 64

// CreateFunction creates a function from its code.
func (a *API) CreateFunction(ctx context.Context, in *lambda.CreateFunctionInput, _ ...func(*lambda.Options)) (*lambda.CreateFunctionOutput, error) {
	name, err := a.newName(in.FunctionName)
	if err != nil {
		return nil, err
	}
	v, err := newVersion(name, in)
	if err != nil {
		return nil, err
	}
	if err := a.mayAssume(ctx, v); err != nil {
		return nil, err
	}
	tags, err := mergeTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	content, release, err := a.receive(ctx, sourceOf(in.Code), "CreateFunction")
	if err != nil {
		return nil, err
	}
	defer release()
	f := functionRow{Name: name, Created: a.cell.Clock.Now(), Tags: tags}
	v.Code = content
	v.touch(f.Created)
	err = a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		if _, exists := a.functions.Get(name); exists {
			return fault.Conflict("Function already exist: %s", name)
		}
		if in.Publish {
			v = a.publish(tx, &f, v, nil)
		} else {
			a.versions.Put(tx, versionKey(name, rules.Latest), v)
		}
		a.functions.Put(tx, name, f)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return as[lambda.CreateFunctionOutput](beingCreated(a.configuration(v, ""))), nil
}

// newName is the name of a function that is to be created.
func (a *API) newName(given *string) (string, error) {
	owner, name, err := a.unqualified(given)
	switch {
	case err != nil:
		return "", err
	case owner != a:
		return "", fault.Denied()
	case len(name) > maxName:
		return "", fault.Parameter("1 validation error detected: Value '%s' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to 64", name)
	}
	return name, nil
}

// newVersion is the $LATEST of a function that is to be created, without its code.
func newVersion(name string, in *lambda.CreateFunctionInput) (v version, err error) {
	if in.PackageType == types.PackageTypeImage || in.Code != nil && in.Code.ImageUri != nil {
		return v, fault.Unsupported("functions from container images")
	}
	err = refuse(
		unsupported{"layers", len(in.Layers) > 0},
		unsupported{"file systems", len(in.FileSystemConfigs) > 0},
		unsupported{"container images", in.ImageConfig != nil},
		unsupported{"code signing", in.CodeSigningConfigArn != nil},
		unsupported{"SnapStart", snapStarts(in.SnapStart)},
		unsupported{"capacity providers", in.CapacityProviderConfig != nil || in.PublishTo != ""},
		unsupported{"durable functions", in.DurableConfig != nil},
		unsupported{"tenant isolation", in.TenancyConfig != nil},
	)
	if err != nil {
		return v, err
	}
	if in.Runtime == "" || aws.ToString(in.Handler) == "" {
		return v, fault.Parameter("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
	}
	v = version{Function: name, Number: rules.Latest}
	v.Settings, err = defaults(name).with(settingsInput{
		Runtime: in.Runtime, Handler: in.Handler, Role: in.Role, Description: in.Description, Timeout: in.Timeout,
		MemorySize: in.MemorySize, Storage: in.EphemeralStorage, Environment: in.Environment, DeadLetter: in.DeadLetterConfig,
		KMSKeyArn: in.KMSKeyArn, Tracing: in.TracingConfig, Logging: in.LoggingConfig, VPC: in.VpcConfig,
	})
	if err == nil {
		v.Settings.Architecture, err = architecture(in.Architectures, v.Settings.Architecture)
	}
	return v, err
}

// architecture is the one that is given, or another one without that.
func architecture(given []types.Architecture, otherwise string) (string, error) {
	switch len(given) {
	case 0:
		return otherwise, nil
	case 1:
		return string(given[0]), nil
	}
	return "", fault.Constraint(given, "architectures", "have length less than or equal to 1")
}

// receive takes the code that a call brings. It is kept until release is called; by then
// a row has to name it.
func (a *API) receive(ctx context.Context, from source, operation string) (ref code.Reference, release func(), err error) {
	switch {
	case from.zip != nil:
		if err = a.cell.State.Admitted(); err == nil {
			err = state.Patiently(ctx, func() (err error) { ref, release, err = a.cfg.Code.Put(from.zip); return err })
		}
	case from.bucket == code.FolderBucket && !a.cfg.Folders:
		err = fault.Parameter("This server takes no code from folders, since it lets in known access keys only.")
	case from.bucket == code.FolderBucket:
		ref, err = code.Folder(from.key)
	case from.bucket != "":
		err = fault.Unsupported("code in S3; give a ZipFile, or S3Bucket " + code.FolderBucket + " and a folder's path as S3Key")
	default:
		err = fault.Parameter("Please provide a source for function code.")
	}
	if release == nil {
		release = func() {}
	}
	return ref, release, codeFault(err, operation)
}

// codeFault is an error of code in AWS's words.
func codeFault(err error, operation string) error {
	var wrong *code.Error
	switch {
	case errors.Is(err, code.ErrZipped):
		return fault.TooLarge("Zipped size must be smaller than %d bytes", code.MaxZipped)
	case errors.Is(err, code.ErrUnzipped):
		return fault.Parameter("Unzipped size must be smaller than %d bytes", code.MaxUnzipped)
	case errors.Is(err, code.ErrEmpty):
		return fault.Parameter("Uploaded file must be a non-empty zip")
	case errors.Is(err, code.ErrNoZip):
		return fault.Parameter("Could not unzip uploaded file. Please check your file, then try to upload again.")
	case errors.As(err, &wrong):
		return fault.Parameter("%s", wrong)
	}
	return err
}

// A source is where a call has its code.
type source struct {
	zip         []byte
	bucket, key string
}

func sourceOf(c *types.FunctionCode) source {
	if c == nil {
		return source{}
	}
	return source{c.ZipFile, aws.ToString(c.S3Bucket), aws.ToString(c.S3Key)}
}

// GetFunction describes a function, or a version or an alias of it, and tells where its
// code is.
func (a *API) GetFunction(ctx context.Context, in *lambda.GetFunctionInput, _ ...func(*lambda.Options)) (*lambda.GetFunctionOutput, error) {
	t, err := a.find(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	out := &lambda.GetFunctionOutput{
		Configuration: t.api.configuration(t.version, t.qualifier),
		Code:          t.api.location(ctx, t.version),
	}
	if len(t.function.Tags) > 0 {
		out.Tags = t.function.Tags
	}
	if t.function.Reserved != nil && t.qualifier == "" {
		out.Concurrency = &types.Concurrency{ReservedConcurrentExecutions: t.function.Reserved}
	}
	return out, nil
}

// GetFunctionConfiguration describes a function, or a version or an alias of it.
func (a *API) GetFunctionConfiguration(ctx context.Context, in *lambda.GetFunctionConfigurationInput, _ ...func(*lambda.Options)) (*lambda.GetFunctionConfigurationOutput, error) {
	t, err := a.find(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	return as[lambda.GetFunctionConfigurationOutput](t.api.configuration(t.version, t.qualifier)), nil
}

// ListFunctions lists functions by their names, with all their versions if asked for.
func (a *API) ListFunctions(ctx context.Context, in *lambda.ListFunctionsInput, _ ...func(*lambda.Options)) (*lambda.ListFunctionsOutput, error) {
	all := in.FunctionVersion == types.FunctionVersionAll
	out := &lambda.ListFunctionsOutput{Functions: []types.FunctionConfiguration{}}
	if aws.ToString(in.MasterRegion) != "" && *in.MasterRegion != "ALL" {
		return out, nil // replicas at the edge, of which there are none
	}
	var rows []version
	a.cell.State.View(ctx, func() {
		for _, v := range a.versions.Rows("") {
			if all || !v.published() {
				rows = append(rows, v)
			}
		}
	})
	rows, next, err := versionPage(rows, in.Marker, in.MaxItems)
	if err != nil {
		return nil, err
	}
	out.NextMarker = next
	for _, v := range rows {
		qualifier := ""
		if all {
			qualifier = v.Number
		}
		out.Functions = append(out.Functions, inList(a.configuration(v, qualifier)))
	}
	return out, nil
}

// versionPage is a page of versions.
func versionPage(rows []version, marker *string, most *int32) ([]version, *string, error) {
	return pageOf(rows, func(v version) string { return versionKey(v.Function, v.Number) }, marker, most, listed)
}

// DeleteFunction deletes a function with all that belongs to it, or one version of it.
func (a *API) DeleteFunction(ctx context.Context, in *lambda.DeleteFunctionInput, _ ...func(*lambda.Options)) (*lambda.DeleteFunctionOutput, error) {
	if owner := a.ownerOf(in.FunctionName); owner != a {
		return owner.DeleteFunction(ctx, in)
	}
	_, r, err := a.named(in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	switch {
	case r.Qualifier == "":
		err = a.deleteAll(ctx, r.Name)
	case r.Qualifier == rules.Latest:
		err = fault.Parameter("$LATEST version cannot be deleted without deleting the function.")
	case strings.HasPrefix(r.Qualifier, "$"): // such as $latest, which is no alias's name
		err = fault.NoFunction(a.arn(r.Name))
	case !rules.IsVersion(r.Qualifier):
		err = fault.Parameter("Deletion of aliases is not currently supported.")
	default:
		err = a.deleteVersion(ctx, r)
	}
	if err != nil {
		return nil, err
	}
	a.sweep()
	return &lambda.DeleteFunctionOutput{StatusCode: http.StatusNoContent}, nil
}

// deleteAll deletes a function.
func (a *API) deleteAll(ctx context.Context, name string) error {
	return a.cell.State.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		if _, exists := a.functions.Get(name); !exists {
			return fault.NoFunction(a.arn(name))
		}
		a.functions.Delete(tx, name)
		below := key(name, "")
		var qualifiers []string
		for _, v := range a.versions.Rows(below) {
			qualifiers = append(qualifiers, v.Number)
			tx.After(func() { a.retire(v) })
		}
		for _, l := range a.aliases.Rows(below) {
			qualifiers = append(qualifiers, l.Name)
		}
		deleteBelow(tx, a.versions, below)
		deleteBelow(tx, a.aliases, below)
		deleteBelow(tx, a.policies, below)
		deleteBelow(tx, a.asyncs, below)
		deleteBelow(tx, a.provisions, below)
		a.reprovision(tx, name)
		return a.deleted(ctx, name, qualifiers...)
	})
}

// deleted tells of versions and aliases of a function that are being deleted.
func (a *API) deleted(ctx context.Context, function string, qualifiers ...string) error {
	if a.cfg.Deleted == nil {
		return nil
	}
	for _, qualifier := range qualifiers {
		if err := a.cfg.Deleted(ctx, function, qualifier); err != nil {
			return err
		}
	}
	return nil
}

// deleteBelow deletes the rows whose keys begin with a prefix.
func deleteBelow[T any](tx *state.Tx, rows *state.Table[T], prefix string) {
	for _, k := range append([]string(nil), rows.Keys(prefix)...) {
		rows.Delete(tx, k)
	}
}

// deleteVersion deletes a version that was published, unless an alias points to it.
func (a *API) deleteVersion(ctx context.Context, r rules.Reference) error {
	return a.cell.State.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		if _, exists := a.functions.Get(r.Name); !exists {
			return fault.NoFunction(a.arn(r.Name))
		}
		for _, other := range a.aliases.Rows(key(r.Name, "")) {
			if _, weighted := other.Weights[r.Qualifier]; weighted || other.Version == r.Qualifier {
				return fault.Conflict("Unable to delete version because the following aliases reference it: [%s]", other.Name)
			}
		}
		v, exists := a.versions.Get(versionKey(r.Name, r.Qualifier))
		if !exists {
			return nil // to delete what is not there succeeds
		}
		tx.After(func() { a.retire(v) })
		a.versions.Delete(tx, versionKey(r.Name, r.Qualifier))
		a.policies.Delete(tx, key(r.Name, r.Qualifier))
		a.asyncs.Delete(tx, key(r.Name, r.Qualifier))
		a.provisions.Delete(tx, key(r.Name, r.Qualifier))
		a.reprovision(tx, r.Name)
		return a.deleted(ctx, r.Name, r.Qualifier)
	})
}
