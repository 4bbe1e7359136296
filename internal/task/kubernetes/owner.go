package kubernetes

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// instanceFile has the runtime's name, in its folder.
const instanceFile = "kubernetes"

// instanceOf is the name that a runtime's pods are known by. Many servers have the same
// folder, each in a container of its own, so the path is no name: one is drawn and kept.
func instanceOf(o Options) (string, error) {
	if o.Instance != "" {
		if wrong := validation.IsDNS1123Label(o.Instance); len(wrong) > 0 {
			return "", fmt.Errorf("the name %q cannot be that of a ConfigMap and a label: %s", o.Instance, strings.Join(wrong, "; "))
		}
		return o.Instance, nil
	}
	path := filepath.Join(o.Dir, instanceFile)
	switch kept, err := os.ReadFile(path); {
	case err == nil && len(validation.IsDNS1123Label(string(kept))) == 0:
		return string(kept), nil
	case err == nil:
		return "", fmt.Errorf("%s has no name of a runtime: put the name of the ConfigMap there that owns its pods, or remove the file to begin with none", path)
	case !errors.Is(err, fs.ErrNotExist):
		return "", err
	}
	drawn := make([]byte, 4)
	_, _ = rand.Read(drawn) // it never fails
	name := "flyball-" + hex.EncodeToString(drawn)
	return name, writeFile(path, name)
}

// writeFile writes a file whole and synced, or not at all: pods that nobody knows the name of
// would be nobody's.
func writeFile(path, text string) error {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}

// owner is the reference to the ConfigMap that owns all pods. It is asked for each time:
// a pod whose owner is gone would be removed at once.
func (r *Runtime) owner(ctx context.Context) (metav1.OwnerReference, error) {
	maps := r.options.Client.CoreV1().ConfigMaps(r.options.Namespace)
	found, err := maps.Get(ctx, r.instance, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		found, err = maps.Create(ctx, &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: r.instance, Labels: map[string]string{labelServer: r.instance, managedBy: "flyball"}},
			Data:       map[string]string{"about": "This owns the pods of a Flyball server: the cluster removes them with it."},
		}, metav1.CreateOptions{})
		if apierrors.IsAlreadyExists(err) {
			found, err = maps.Get(ctx, r.instance, metav1.GetOptions{})
		}
	}
	if err != nil {
		return metav1.OwnerReference{}, fmt.Errorf("the ConfigMap %s, which is to own the pod: %w", r.instance, err)
	}
	return metav1.OwnerReference{APIVersion: "v1", Kind: "ConfigMap", Name: found.Name, UID: found.UID}, nil
}

// rights are what the runtime cannot do without.
var rights = []authorizationv1.ResourceAttributes{
	{Verb: "create", Resource: "pods"},
	{Verb: "get", Resource: "pods"},
	{Verb: "list", Resource: "pods"},
	{Verb: "watch", Resource: "pods"},
	{Verb: "delete", Resource: "pods"},
	{Verb: "get", Resource: "pods", Subresource: "log"},
	{Verb: "get", Resource: "configmaps"},
	{Verb: "create", Resource: "configmaps"},
	{Verb: "delete", Resource: "configmaps"},
}

// rightsOfLogins are what it needs as well where nodes pull images of the server's own registry.
var rightsOfLogins = []authorizationv1.ResourceAttributes{
	{Verb: "create", Resource: "secrets"},
	{Verb: "delete", Resource: "secrets"},
}

// checkRights says which rights are missing, of which otherwise the first task would tell,
// one after the other.
func checkRights(ctx context.Context, c Cluster, needed []authorizationv1.ResourceAttributes) error {
	ctx, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	var missing []string
	for _, right := range needed {
		right.Namespace = c.Namespace
		review, err := c.Client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{
			Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &right},
		}, metav1.CreateOptions{})
		if err != nil {
			return fmt.Errorf("asking the API server at %s what this server may do: %w", c.Host, err)
		}
		if !review.Status.Allowed {
			name := right.Resource
			if right.Subresource != "" {
				name += "/" + right.Subresource
			}
			missing = append(missing, right.Verb+" "+name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("in namespace %s of %s this server may not %s: give it the Role in docs/tasks.md, at Tasks as pods", c.Namespace, c.Host, strings.Join(missing, ", "))
	}
	return nil
}
