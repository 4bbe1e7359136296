package ecr

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"flyball/internal/optional"
	"flyball/internal/registry"
	"flyball/internal/state"
)

// scanning is the registry's configuration of scans.
type scanning struct {
	Type  types.ScanType
	Rules []types.RegistryScanningRule `json:",omitempty"`
}

// configuration is the registry's configuration as the API shows it.
func (s *scanning) configuration() *types.RegistryScanningConfiguration {
	if s == nil {
		return &types.RegistryScanningConfiguration{ScanType: types.ScanTypeBasic, Rules: []types.RegistryScanningRule{}}
	}
	return &types.RegistryScanningConfiguration{ScanType: s.Type, Rules: optional.List(s.Rules)}
}

// frequency is how often a repository is scanned that says whether that is when an image
// is pushed, and the filters that make it so.
func (s *scanning) frequency(r repository) (f types.ScanFrequency, by []types.ScanningRepositoryFilter) {
	f = types.ScanFrequencyManual
	if s != nil {
		for _, rule := range s.Rules {
			for _, filter := range rule.RepositoryFilters {
				if matches(aws.ToString(filter.Filter), r.Name) {
					f, by = rule.ScanFrequency, append(by, filter)
				}
			}
		}
	}
	if by == nil && r.ScanOnPush {
		f = types.ScanFrequencyScanOnPush
	}
	return f, by
}

// onPush tells whether an image of a repository is scanned when it is pushed.
func (s *scanning) onPush(r repository) bool {
	f, _ := s.frequency(r)
	return f != types.ScanFrequencyManual
}

// PutImageScanningConfiguration says whether images of a repository are scanned when
// they are pushed.
func (a *API) PutImageScanningConfiguration(ctx context.Context, in *ecr.PutImageScanningConfigurationInput, _ ...func(*ecr.Options)) (*ecr.PutImageScanningConfigurationOutput, error) {
	r, err := a.alter(ctx, in.RegistryId, in.RepositoryName, func(r *repository) error {
		r.ScanOnPush = in.ImageScanningConfiguration.ScanOnPush
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ecr.PutImageScanningConfigurationOutput{
		RegistryId: &a.Cell.Account, RepositoryName: &r.Name,
		ImageScanningConfiguration: &types.ImageScanningConfiguration{ScanOnPush: r.ScanOnPush},
	}, nil
}

// GetRegistryScanningConfiguration reads which repositories are scanned when.
func (a *API) GetRegistryScanningConfiguration(ctx context.Context, _ *ecr.GetRegistryScanningConfigurationInput, _ ...func(*ecr.Options)) (*ecr.GetRegistryScanningConfigurationOutput, error) {
	return &ecr.GetRegistryScanningConfigurationOutput{RegistryId: &a.Cell.Account, ScanningConfiguration: a.setting(ctx).Scanning.configuration()}, nil
}

// frequencies are those that the rules of a type of scan may have.
var frequencies = map[types.ScanType][]types.ScanFrequency{
	types.ScanTypeBasic:    {types.ScanFrequencyScanOnPush, types.ScanFrequencyManual},
	types.ScanTypeEnhanced: {types.ScanFrequencyScanOnPush, types.ScanFrequencyContinuousScan},
}

// PutRegistryScanningConfiguration says which repositories are scanned when.
func (a *API) PutRegistryScanningConfiguration(ctx context.Context, in *ecr.PutRegistryScanningConfigurationInput, _ ...func(*ecr.Options)) (*ecr.PutRegistryScanningConfigurationOutput, error) {
	s := scanning{in.ScanType, in.Rules}
	if s.Type == "" {
		s.Type = types.ScanTypeBasic
	}
	for _, rule := range s.Rules {
		if !slices.Contains(frequencies[s.Type], rule.ScanFrequency) {
			return nil, invalid("Invalid parameter failed to satisfy constraint: 'Invalid scan frequency for scanType %s: %s'", s.Type, rule.ScanFrequency)
		}
	}
	if err := a.set(ctx, func(all *settings) error { all.Scanning = &s; return nil }); err != nil {
		return nil, err
	}
	return &ecr.PutRegistryScanningConfigurationOutput{RegistryScanningConfiguration: s.configuration()}, nil
}

// BatchGetRepositoryScanningConfiguration reads when repositories are scanned.
func (a *API) BatchGetRepositoryScanningConfiguration(ctx context.Context, in *ecr.BatchGetRepositoryScanningConfigurationInput, _ ...func(*ecr.Options)) (*ecr.BatchGetRepositoryScanningConfigurationOutput, error) {
	out := &ecr.BatchGetRepositoryScanningConfigurationOutput{ScanningConfigurations: []types.RepositoryScanningConfiguration{}, Failures: []types.RepositoryScanningConfigurationFailure{}}
	set := a.setting(ctx).Scanning
	for _, name := range in.RepositoryNames {
		r, err := a.look(ctx, nil, &name)
		if err != nil {
			out.Failures = append(out.Failures, types.RepositoryScanningConfigurationFailure{
				RepositoryName: &name, FailureCode: types.ScanningConfigurationFailureCodeRepositoryNotFound, FailureReason: aws.String("REPOSITORY_NOT_FOUND"),
			})
			continue
		}
		frequency, by := set.frequency(r)
		out.ScanningConfigurations = append(out.ScanningConfigurations, types.RepositoryScanningConfiguration{
			RepositoryArn: aws.String(a.arn(name)), RepositoryName: &name, ScanFrequency: frequency,
			ScanOnPush: r.ScanOnPush, AppliedScanFilters: optional.List(by),
		})
	}
	return out, nil
}

// scanStatus is what comes of every scan: to say that nothing was found would be to say
// that somebody has looked.
func scanStatus() *types.ImageScanStatus {
	return &types.ImageScanStatus{Status: types.ScanStatusFailed, Description: aws.String("Flyball has no scanner: nobody has looked for vulnerabilities.")}
}

// StartImageScan notes that a scan was asked for, which fails.
func (a *API) StartImageScan(ctx context.Context, in *ecr.StartImageScanInput, _ ...func(*ecr.Options)) (*ecr.StartImageScanOutput, error) {
	var row image
	err := a.change(ctx, func(tx *state.Tx) (err error) {
		r, err := a.find(in.RegistryId, in.RepositoryName)
		if err != nil {
			return err
		}
		if row, err = a.scannable(r.Name, *in.ImageId); err != nil {
			return err
		}
		now := a.Cell.Clock.Now()
		row.Scanned = &now
		a.images.Put(tx, key(r.Name, row.Digest), row)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ecr.StartImageScanOutput{
		RegistryId: &a.Cell.Account, RepositoryName: in.RepositoryName, ImageScanStatus: scanStatus(),
		ImageId: &types.ImageIdentifier{ImageDigest: aws.String(string(row.Digest)), ImageTag: in.ImageId.ImageTag},
	}, nil
}

// scannable is an image that can be scanned.
func (s *service) scannable(repository string, id types.ImageIdentifier) (image, error) {
	rows, err := s.named(repository, []types.ImageIdentifier{id})
	if err != nil {
		return image{}, err
	}
	if registry.IsIndex(rows[0].MediaType) {
		return image{}, &types.UnsupportedImageTypeException{Message: aws.String("The image is of a type that cannot be scanned: " + rows[0].MediaType)}
	}
	return rows[0], nil
}

// DescribeImageScanFindings tells what came of the last scan.
func (a *API) DescribeImageScanFindings(ctx context.Context, in *ecr.DescribeImageScanFindingsInput, _ ...func(*ecr.Options)) (*ecr.DescribeImageScanFindingsOutput, error) {
	var row image
	err := a.view(ctx, func() (err error) {
		r, err := a.find(in.RegistryId, in.RepositoryName)
		if err != nil {
			return err
		}
		rows, err := a.named(r.Name, []types.ImageIdentifier{*in.ImageId})
		if err != nil {
			return err
		}
		if row = rows[0]; row.Scanned == nil {
			return &types.ScanNotFoundException{Message: aws.String(fmt.Sprintf(
				"Image scan does not exist for the image with '%s' in the repository with name '%s' in the registry with id '%s'", describe(*in.ImageId), r.Name, a.Cell.Account))}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ecr.DescribeImageScanFindingsOutput{
		RegistryId: &a.Cell.Account, RepositoryName: in.RepositoryName, ImageScanStatus: scanStatus(),
		ImageId: &types.ImageIdentifier{ImageDigest: aws.String(string(row.Digest)), ImageTag: in.ImageId.ImageTag},
	}, nil
}
