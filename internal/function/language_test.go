package function

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// written makes a folder with files.
func written(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error { // whatever mask the test has
		if err == nil && entry.IsDir() {
			return os.Chmod(path, 0o755)
		}
		return errors.Join(err, os.Chmod(path, 0o644))
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// languageHost returns a host, if this machine has the interpreter.
func languageHost(t testing.TB, interpreter string) *Host {
	t.Helper()
	if _, err := newInterpreters().find(interpreter); err != nil {
		t.Skip(err)
	}
	return newHost(t, Options{})
}

// A trial is one function and what it answers to an event of {"a":1}.
type trial struct {
	name, runtime, handler string
	files                  map[string]string
	want                   string // the whole answer, or a part of an error's
	failed                 bool
	log                    string // a part of the log's end
}

func (c trial) run(t *testing.T, h *Host) {
	fn := function(t, c.handler)
	fn.ARN += c.name
	fn.Runtime, fn.Code = c.runtime, written(t, c.files)
	answer := invoke(t, h, fn, `{"a":1}`)
	if got := string(answer.Payload); c.failed && !strings.Contains(got, c.want) || !c.failed && got != c.want {
		t.Errorf("answered %s, want %s\n%s", got, c.want, answer.Log)
	}
	if (answer.Error == Unhandled) != c.failed {
		t.Errorf("the error is %q", answer.Error)
	}
	if !strings.Contains(string(answer.Log), c.log) {
		t.Errorf("the log's end has no %q:\n%q", c.log, answer.Log)
	}
	if c.failed {
		if told := map[string]any{}; json.Unmarshal(answer.Payload, &told) != nil || told["errorType"] == nil {
			t.Errorf("%s is no error document", answer.Payload)
		}
	}
}

func TestFunctionsInJavaScript(t *testing.T) {
	h := languageHost(t, "node")
	js := func(text string) map[string]string { return map[string]string{"index.js": text} }
	for _, c := range []trial{
		{name: "async", handler: "index.handler", files: js(`exports.handler = async (e, c) => ({a: e.a, name: c.functionName, left: c.getRemainingTimeInMillis() > 5000})`),
			want: `{"a":1,"name":"f","left":true}`},
		{name: "nothing", handler: "index.handler", files: js(`exports.handler = async () => {}`), want: `null`},
		{name: "module", handler: "src/app.run.it", files: map[string]string{"src/app.mjs": `import { x } from './x.mjs'; export const run = { it: async () => x }`, "src/x.mjs": `export const x = 7`}, want: `7`},
		{name: "type module", handler: "index.handler", files: map[string]string{"package.json": `{"type":"module"}`, "index.js": `export const handler = async () => import.meta.url.endsWith('/index.js')`}, want: `true`},
		{name: "package", handler: "index.handler", files: map[string]string{"index.js": `exports.handler = async () => require('dep')`, "node_modules/dep/index.js": `module.exports = 'dep'`}, want: `"dep"`},
		{name: "callback", handler: "index.handler", files: js(`exports.handler = (e, c, done) => setTimeout(() => done(null, 'late'), 5)`), want: `"late"`},
		{name: "callback never called", handler: "index.handler", files: js(`exports.handler = (e, c, done) => {}`), want: `null`},
		{name: "stream", handler: "index.handler", files: js(`exports.handler = awslambda.streamifyResponse(async (e, s) => { s.write('one '); s.write('two'); s.end() })`), want: `one two`},
		{name: "stream breaks off", handler: "index.handler", files: js(`exports.handler = awslambda.streamifyResponse(async (e, s) => { s.write('one '); throw new TypeError('broken') })`), want: `"errorMessage":"broken"`, failed: true},
		{name: "console", handler: "index.handler", files: js(`exports.handler = async () => { console.log('one\ntwo', {b: 2}); return 1 }`), want: `1`, log: "\tINFO\tone\rtwo { b: 2 }\n"},
		{name: "error", handler: "index.handler", files: js(`exports.handler = async () => { throw new RangeError('too far') }`),
			want: `{"errorType":"RangeError","errorMessage":"too far","trace":["RangeError: too far","    at exports.handler`, failed: true, log: "\tERROR\tInvoke Error \t{\"errorType\":\"RangeError\""},
		{name: "string thrown", handler: "index.handler", files: js(`exports.handler = async () => { throw 'too far' }`), want: `{"errorType":"string","errorMessage":"too far","trace":[]}`, failed: true},
		{name: "circle", handler: "index.handler", files: js(`exports.handler = async () => { const a = {}; a.a = a; return a }`), want: `"errorMessage":"Unable to stringify response body"`, failed: true},
		{name: "never settled", handler: "index.handler", files: js(`exports.handler = () => new Promise(() => {})`), want: `"errorType":"Runtime.NodeJsExit"`, failed: true},
		{name: "uncaught", handler: "index.handler", files: js(`exports.handler = () => new Promise(() => setTimeout(() => { throw new Error('later') }, 1))`), want: `"errorMessage":"later"`, failed: true},
		{name: "exit", handler: "index.handler", files: js(`exports.handler = async () => process.exit(5)`), want: `Runtime exited with error: exit status 5`, failed: true},
		{name: "no module", handler: "other.handler", files: js(``), want: `{"errorType":"Runtime.ImportModuleError","errorMessage":"Error: Cannot find module 'other'`, failed: true},
		{name: "no handler", handler: "index.other", files: js(`exports.handler = 1`), want: `{"errorType":"Runtime.HandlerNotFound","errorMessage":"index.other is undefined or not exported"`, failed: true},
		{name: "bad name", handler: "index", files: js(``), want: `{"errorType":"Runtime.MalformedHandlerName","errorMessage":"Bad handler"`, failed: true},
		{name: "syntax", handler: "index.handler", files: js(`exports.handler = async => {`), want: `"errorType":"Runtime.UserCodeSyntaxError"`, failed: true},
		{name: "no callbacks", runtime: "nodejs24.x", handler: "index.handler", files: js(`exports.handler = (e, c, done) => done()`), want: `"errorType":"Runtime.CallbackHandlerDeprecated"`, failed: true},
	} {
		if c.runtime == "" {
			c.runtime = "nodejs22.x"
		}
		t.Run(c.name, func(t *testing.T) { c.run(t, h) })
	}
}

func TestFunctionsInPython(t *testing.T) {
	h := languageHost(t, "python3")
	py := func(text string) map[string]string { return map[string]string{"app.py": text} }
	for _, c := range []trial{
		{name: "answer", handler: "app.handler", files: py("def handler(e, c):\n  return {'a': e['a'], 'name': c.function_name, 'left': c.get_remaining_time_in_millis() > 5000}"),
			want: `{"a": 1, "name": "f", "left": true}`},
		{name: "package", handler: "src/app.handler", files: map[string]string{"src/app.py": "import dep\ndef handler(e, c): return dep.x", "dep.py": "x = 7"}, want: `7`},
		{name: "decimal", handler: "app.handler", files: py("from decimal import Decimal\ndef handler(e, c): return [Decimal('7'), Decimal('0.5')]"), want: `[7, 0.5]`},
		{name: "print", handler: "app.handler", files: py("def handler(e, c):\n  print('one')\n  print('two')"), want: `null`, log: "one\ntwo\n"},
		{name: "logging", handler: "app.handler", files: py("import logging\ndef handler(e, c):\n  logging.warning('one\\ntwo')"), want: `null`, log: "Z\t8f5c1a52-0d7b-4a51-9a0d-3c7be1c1d001\tone\rtwo\n"},
		{name: "error", handler: "app.handler", files: py("def handler(e, c):\n  raise KeyError('voucher')"), failed: true, log: "[ERROR] KeyError: 'voucher'\rTraceback (most recent call last):\r",
			want: `{"errorMessage": "'voucher'", "errorType": "KeyError", "requestId": "8f5c1a52-0d7b-4a51-9a0d-3c7be1c1d001", "stackTrace": ["  File \"`},
		{name: "datetime", handler: "app.handler", files: py("import datetime\ndef handler(e, c): return datetime.datetime.now()"), failed: true,
			want: `{"errorMessage": "Unable to marshal response: Object of type datetime is not JSON serializable", "errorType": "Runtime.MarshalError"`},
		{name: "no module", handler: "other.handler", files: py(""), failed: true, want: `{"errorMessage": "Unable to import module 'other': No module named 'other'", "errorType": "Runtime.ImportModuleError", "requestId": "", "stackTrace": []}`},
		{name: "no handler", handler: "app.other", files: py(""), failed: true, want: `{"errorMessage": "Handler 'other' missing on module 'app'", "errorType": "Runtime.HandlerNotFound"`},
		{name: "bad name", handler: "app", files: py(""), failed: true, want: `"errorType": "Runtime.MalformedHandlerName"`},
		{name: "built in", handler: "sys.exit", files: py(""), failed: true, want: `"errorType": "Runtime.BuiltInModuleConflict"`},
		{name: "syntax", handler: "app.handler", files: py("def handler(:"), failed: true, want: `"errorType": "Runtime.UserCodeSyntaxError"`},
		{name: "import fails", handler: "app.handler", files: py("1 / 0"), failed: true, want: `{"errorMessage": "division by zero", "errorType": "ZeroDivisionError"`},
		{name: "nothing of logging", handler: "app.handler", files: py("import os\ndef handler(e, c): return [k for k in os.environ if k.startswith('AWS_LAMBDA_LOG_') and not k.endswith('_NAME')]"), want: `[]`},
		{name: "exit", handler: "app.handler", files: py("import sys\ndef handler(e, c): sys.exit(5)"), failed: true, want: `Runtime exited with error: exit status 5`},
	} {
		c.runtime = "python3.13"
		t.Run(c.name, func(t *testing.T) { c.run(t, h) })
	}
}

func TestAWrapperIsGivenTheRuntimesCommand(t *testing.T) {
	h := languageHost(t, "python3")
	fn := function(t, "app.handler")
	fn.Runtime = "python3.13"
	fn.Code = written(t, map[string]string{"app.py": "import os\ndef handler(e, c): return os.environ['WRAPPED']", "wrap": "#!/bin/sh\nexport WRAPPED=yes\nexec \"$@\"\n"})
	wrapper := filepath.Join(fn.Code, "wrap")
	if err := os.Chmod(wrapper, 0o755); err != nil {
		t.Fatal(err)
	}
	if h.tasks.Mounts() {
		wrapper = "/var/task/wrap"
	}
	fn.Env = []string{"AWS_LAMBDA_EXEC_WRAPPER=" + wrapper}
	if answer := invoke(t, h, fn, `{}`); string(answer.Payload) != `"yes"` {
		t.Errorf("answered %s", answer.Payload)
	}

	fn.Revision, fn.Env = fn.Revision+"2", []string{"AWS_LAMBDA_EXEC_WRAPPER=/idontexist.sh"}
	if answer := invoke(t, h, fn, `{}`); !strings.Contains(string(answer.Payload), "Error: Runtime exited with error: exit status 127") {
		t.Errorf("without the wrapper it answered %s", answer.Payload)
	}
}

func TestARuntimeThatThisMachineDoesNotHaveIsAnError(t *testing.T) {
	h := newHost(t, Options{})
	t.Setenv("PATH", t.TempDir())
	for _, runtime := range []string{"java21", "nodejs22.x", "python3.13"} {
		fn := function(t, "")
		fn.Runtime, fn.Timeout = runtime, time.Second
		if _, err := h.Invoke(t.Context(), fn, call(`{}`)); !errors.Is(err, ErrRuntime) {
			t.Errorf("%s: %v", runtime, err)
		}
		if h.environments() != 0 {
			t.Errorf("%s: %d environments are left", runtime, h.environments())
		}
	}
}

func TestAnInterpreterHasItsOwnLibraries(t *testing.T) {
	h := languageHost(t, "python3")
	found, err := newInterpreters().find("python3")
	if err != nil {
		t.Fatal(err)
	}
	want, err := exec.Command(found.path, "-c", "import json, sys; print(json.dumps(sys.version), end='')").Output()
	if err != nil {
		t.Fatal(err)
	}
	trial{name: "own", runtime: "python3", handler: "index.handler", want: string(want), files: map[string]string{
		"index.py": "import sys\n\ndef handler(event, context):\n    return sys.version\n",
	}}.run(t, h)
}
