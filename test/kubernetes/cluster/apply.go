package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"
)

// Apply creates the documents of a text, in a namespace where they name none, and returns the
// first error of the API server. What is there already stays. A kind that is being defined is waited for.
func (c *Cluster) Apply(ctx context.Context, namespace, text string) error {
	of, err := dynamic.NewForConfig(c.config)
	if err != nil {
		return err
	}
	known, err := discovery.NewDiscoveryClientForConfig(c.config)
	if err != nil {
		return err
	}
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(known))
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096)
	for {
		var o unstructured.Unstructured
		if err := decoder.Decode(&o.Object); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if o.Object == nil {
			continue
		}
		var mapping *meta.RESTMapping
		err := c.await(ctx, time.Minute, func() (err error) {
			mapping, err = mapper.RESTMapping(o.GroupVersionKind().GroupKind(), o.GroupVersionKind().Version)
			if err != nil {
				mapper.Reset()
			}
			return err
		})
		if err != nil {
			return err
		}
		var resources dynamic.ResourceInterface = of.Resource(mapping.Resource)
		if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
			if o.GetNamespace() == "" {
				o.SetNamespace(namespace)
			}
			resources = of.Resource(mapping.Resource).Namespace(o.GetNamespace())
		}
		if _, err := resources.Create(ctx, &o, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
			return err
		}
	}
}

// ApplyFiles applies files of a folder, which may be patterns, in their order.
func (c *Cluster) ApplyFiles(ctx context.Context, dir string, patterns ...string) error {
	for _, pattern := range patterns {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return err
		}
		if len(files) == 0 {
			return fmt.Errorf("there is no %s in %s", pattern, dir)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err == nil {
				err = c.Apply(ctx, "", string(text))
			}
			if err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
		}
	}
	return nil
}
