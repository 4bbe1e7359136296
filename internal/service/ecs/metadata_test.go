package ecs

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// ask sends a request to the metadata endpoint and reads the answer.
func (w *world) ask(method, url, body string) (int, map[string]any) {
	w.Helper()
	return w.send(httptest.NewRequestWithContext(w.Context(), method, url, strings.NewReader(body)))
}

func (w *world) send(r *http.Request) (int, map[string]any) {
	w.Helper()
	answer := httptest.NewRecorder()
	w.api.Metadata().ServeHTTP(answer, r)
	var v map[string]any
	if answer.Code < http.StatusInternalServerError && answer.Header().Get("Content-Type") == "application/json" {
		if err := json.Unmarshal(answer.Body.Bytes(), &v); err != nil {
			w.Fatal(err)
		}
	}
	return answer.Code, v
}

func TestTaskFindsItsMetadata(t *testing.T) {
	inWorld(t, func(w *world) {
		w.api.cfg.Metadata = "http://127.0.0.1:4566"
		w.serve(1)
		env := map[string]string{}
		for _, e := range w.runtime.any().spec.Containers[0].Env {
			name, value, _ := strings.Cut(e, "=")
			env[name] = value
		}
		uri := env["ECS_CONTAINER_METADATA_URI_V4"]
		if code, c := w.ask("GET", uri, ""); code != 200 || c["Name"] != "web" || c["KnownStatus"] != "RUNNING" {
			t.Errorf("%s: %d %v", uri, code, c)
		}
		code, task := w.ask("GET", uri+"/task", "")
		if code != 200 || task["TaskARN"] != *w.tasks("")[0].TaskArn || task["Family"] != "web" || task["Revision"] != "1" || task["ServiceName"] != "web" {
			t.Errorf("task: %d %v", code, task)
		}
		if limits := task["Limits"].(map[string]any); limits["CPU"] != 0.25 || limits["Memory"] != 512.0 {
			t.Errorf("limits %v", limits)
		}
		if code, _ := w.ask("GET", "http://127.0.0.1:4566/ecs/metadata/v4/"+strings.Repeat("0", 32)+"-web", ""); code != 404 {
			t.Errorf("an unknown task: %d", code)
		}
	})
}

func TestTaskProtectsItself(t *testing.T) {
	inWorld(t, func(w *world) {
		w.serve(1)
		url := "/ecs/agent/" + w.runtime.any().ID() + "/task-protection/v1/state"
		code, v := w.ask("PUT", url, `{"ProtectionEnabled": true, "ExpiresInMinutes": 5}`)
		protection, _ := v["protection"].(map[string]any)
		if code != 200 || protection["ProtectionEnabled"] != true || protection["ExpirationDate"] != noon.Add(5*time.Minute+4*time.Second).Format(time.RFC3339) {
			t.Fatalf("%d %v", code, v)
		}
		w.scale(0)
		w.pass(time.Minute)
		if w.runtime.alive() != 1 {
			t.Error("the task was stopped")
		}
		if code, v := w.ask("PUT", url, `{}`); code != 400 || v["error"] == nil {
			t.Errorf("a request that says nothing: %d %v", code, v)
		}
		w.ask("PUT", url, `{"ProtectionEnabled": false}`)
		w.pass(time.Second)
		if w.runtime.alive() != 0 {
			t.Error("the task was not stopped after its protection")
		}
	})
}
