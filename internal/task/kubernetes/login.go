package kubernetes

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A login is what an image is pulled by.
type login struct{ image, user, password string }

// secretOf is the Secret that a pod's node pulls by, in the form of Docker's configuration.
// Each repository has a password of its own, which is good for nothing else.
func secretOf(pod *corev1.Pod, logins []login) (*corev1.Secret, error) {
	auths := map[string]map[string]string{}
	for _, l := range logins {
		repository, _, _ := strings.Cut(l.image, "@")
		if i := strings.LastIndexByte(repository, ':'); i > strings.LastIndexByte(repository, '/') {
			repository = repository[:i]
		}
		auths[repository] = map[string]string{"auth": base64.StdEncoding.EncodeToString([]byte(l.user + ":" + l.password))}
	}
	text, err := json.Marshal(map[string]any{"auths": auths})
	if err != nil {
		return nil, err
	}
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace, Labels: pod.Labels, OwnerReferences: pod.OwnerReferences},
		Type:       corev1.SecretTypeDockerConfigJson,
		Data:       map[string][]byte{corev1.DockerConfigJsonKey: text},
	}, nil
}
