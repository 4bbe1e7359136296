package lambda

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"flyball/internal/service/lambda/fault"
	"flyball/internal/service/lambda/rules"
	"flyball/internal/state"
)

// updatedIn is where a call tells the revision that $LATEST has.
const updatedIn = "GetFunction/GetAlias"

// UpdateFunctionCode gives $LATEST other code.
func (a *API) UpdateFunctionCode(ctx context.Context, in *lambda.UpdateFunctionCodeInput, _ ...func(*lambda.Options)) (*lambda.UpdateFunctionCodeOutput, error) {
	if owner := a.ownerOf(in.FunctionName); owner != a {
		return owner.UpdateFunctionCode(ctx, in)
	}
	t, err := a.latest(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	if in.ImageUri != nil {
		return nil, fault.Parameter("Please don't provide ImageUri when updating a function with packageType Zip.")
	}
	if err := refuse(unsupported{"capacity providers", in.PublishTo != ""}); err != nil {
		return nil, err
	}
	arch, err := architecture(in.Architectures, t.version.Settings.Architecture)
	if err != nil {
		return nil, err
	}
	content, release, err := a.receive(ctx, source{in.ZipFile, aws.ToString(in.S3Bucket), aws.ToString(in.S3Key)}, "UpdateFunctionCode")
	if err != nil {
		return nil, err
	}
	defer release()
	change := func(v *version) error {
		v.Code, v.Settings.Architecture = content, arch
		return nil
	}
	if in.DryRun {
		v := t.version
		if err := revised(in.RevisionId, v.Revision); err != nil {
			return nil, err
		}
		_ = change(&v)
		return as[lambda.UpdateFunctionCodeOutput](a.configuration(v, "")), nil
	}
	v, err := a.update(ctx, t.function.Name, in.RevisionId, in.Publish, change)
	if err != nil {
		return nil, err
	}
	a.sweep()
	if in.Publish {
		return as[lambda.UpdateFunctionCodeOutput](beingCreated(a.configuration(v, v.Number))), nil
	}
	return as[lambda.UpdateFunctionCodeOutput](beingUpdated(a.configuration(v, ""))), nil
}

// UpdateFunctionConfiguration gives $LATEST other settings.
func (a *API) UpdateFunctionConfiguration(ctx context.Context, in *lambda.UpdateFunctionConfigurationInput, _ ...func(*lambda.Options)) (*lambda.UpdateFunctionConfigurationOutput, error) {
	t, err := a.latest(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	err = refuse(
		unsupported{"layers", len(in.Layers) > 0},
		unsupported{"file systems", len(in.FileSystemConfigs) > 0},
		unsupported{"container images", in.ImageConfig != nil},
		unsupported{"SnapStart", snapStarts(in.SnapStart)},
		unsupported{"capacity providers", in.CapacityProviderConfig != nil},
		unsupported{"durable functions", in.DurableConfig != nil},
	)
	if err != nil {
		return nil, err
	}
	change := func(v *version) (err error) {
		v.Settings, err = v.Settings.with(settingsInput{
			Runtime: in.Runtime, Handler: in.Handler, Role: in.Role, Description: in.Description, Timeout: in.Timeout,
			MemorySize: in.MemorySize, Storage: in.EphemeralStorage, Environment: in.Environment, DeadLetter: in.DeadLetterConfig,
			KMSKeyArn: in.KMSKeyArn, Tracing: in.TracingConfig, Logging: in.LoggingConfig, VPC: in.VpcConfig,
		})
		return err
	}
	if in.Role != nil {
		tried := t.version
		if err := change(&tried); err != nil {
			return nil, err
		}
		if err := a.mayAssume(ctx, tried); err != nil {
			return nil, err
		}
	}
	v, err := a.update(ctx, t.function.Name, in.RevisionId, false, change)
	if err != nil {
		return nil, err
	}
	return as[lambda.UpdateFunctionConfigurationOutput](beingUpdated(a.configuration(v, ""))), nil
}

// latest is the $LATEST of a function of this account.
func (a *API) latest(ctx context.Context, name *string) (t target, err error) {
	owner, function, err := a.unqualified(name)
	if err != nil {
		return t, err
	}
	if owner != a {
		return t, fault.Denied()
	}
	a.cell.State.View(ctx, func() { t, err = a.lookup(rules.Reference{Name: function}) })
	return t, err
}

// update changes the $LATEST of a function, and publishes it if asked to. What is
// returned is the version that was published, or $LATEST.
func (a *API) update(ctx context.Context, name string, revision *string, publish bool, change func(*version) error) (v version, err error) {
	err = a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		t, err := a.lookup(rules.Reference{Name: name})
		if err != nil {
			return err
		}
		v = t.version
		if err := revised(revision, v.Revision); err != nil {
			return err
		}
		if err := change(&v); err != nil {
			return err
		}
		v.touch(a.cell.Clock.Now())
		a.versions.Put(tx, versionKey(name, rules.Latest), v)
		if publish {
			v = a.publish(tx, &t.function, v, nil)
			a.functions.Put(tx, name, t.function)
		}
		return nil
	})
	return v, err
}

// revised checks the revision that a caller takes for the latest.
func revised(given *string, latest string) error {
	if given != nil && *given != latest {
		return fault.Revision(updatedIn)
	}
	return nil
}
