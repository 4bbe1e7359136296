package kubelet

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// serve answers the API server: logs as the kubelet does, and the metrics API.
func (k *Kubelet) serve(ctx context.Context) error {
	certificate, err := selfSigned()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", k.port))
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", k.serveLog)
	k.serveMetrics(ctx, mux)
	server := &http.Server{Handler: mux, TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}}, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.ServeTLS(listener, "", "") }() // until the process ends
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	return nil
}

func (k *Kubelet) worker(namespace, name string) *worker {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.byName[namespace+"/"+name]
}

func (k *Kubelet) serveLog(w http.ResponseWriter, r *http.Request) {
	pod := k.worker(r.PathValue("namespace"), r.PathValue("pod"))
	if pod == nil {
		http.Error(w, "no such pod here", http.StatusNotFound)
		return
	}
	for _, c := range append(append([]*container{}, pod.init...), pod.main...) {
		if c.spec.Name != r.PathValue("container") {
			continue
		}
		q := r.URL.Query()
		since, _ := time.Parse(time.RFC3339, q.Get("sinceTime")) // without one, all
		if !c.hasRun() {
			http.Error(w, fmt.Sprintf("container %q in pod %q is waiting to start", c.spec.Name, pod.pod.Name), http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusOK)
		flush := func() { _ = http.NewResponseController(w).Flush() }
		flush()
		_ = c.log.copy(r.Context(), w, since, q.Get("timestamps") == "true", q.Get("follow") == "true", flush) // the reader has gone
		return
	}
	http.Error(w, "no such container", http.StatusNotFound)
}

func (c *container) hasRun() bool {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	return c.status.State.Waiting == nil
}

func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0), DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the reader has gone
}

func isRunning(c *container) bool {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	return c.status.State.Running != nil
}

func podOf(k *Kubelet, w *worker) *corev1.Pod {
	if o, ok, err := k.stored.GetStore().GetByKey(w.pod.Namespace + "/" + w.pod.Name); ok && err == nil {
		return o.(*corev1.Pod)
	}
	return w.pod
}
