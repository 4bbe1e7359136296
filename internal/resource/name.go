// Package resource reads the names of resources as people type them, and says what was
// meant:
//
//	demo/web  service/demo/web  web                      a service
//	0f9d1c62  demo/0f9d1c62  task/demo/0f9d1c62b1a8...   a task, by the beginning of its ID
//	resize:live  function:resize:live  resize            a function, and its version or alias
//	demo  cluster/demo  vouchers  /ecs/web               a cluster, a queue, a log group
//	arn:aws:ecs:us-east-1:123456789012:service/demo/web  any of them
//
// Parse reads a name alone. Find asks a server what is there, so that what a short name
// leaves out is known, and a name of nothing is answered with the nearest ones:
//
//	r, err := resource.Find(ctx, client, "web", resource.Service, resource.Function)
package resource

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"flyball/scaling"
)

// A Kind is what kind of resource a name is of, in words.
type Kind string

// The kinds.
const (
	Service  Kind = "service"
	Task     Kind = "task"
	Cluster  Kind = "cluster"
	Function Kind = "function"
	Queue    Kind = "queue"
	LogGroup Kind = "log group"
)

// examples are names as they may be typed, by kind.
var examples = map[Kind]string{
	Service:  "demo/web",
	Task:     "0f9d1c62",
	Cluster:  "demo",
	Function: "resize:live",
	Queue:    "vouchers",
	LogGroup: "/ecs/web",
}

// A Name is what a text names. Members that the text leaves out are empty.
type Name struct {
	Kind            Kind
	Region, Account string // of an ARN
	Cluster         string // of a service or a task
	ID              string // the name of a resource, or the ID of a task, maybe its beginning only
	Qualifier       string // of a function: its version or alias
}

// String is the short form of the name, which Parse reads again.
func (n Name) String() string {
	switch {
	case n.Cluster != "":
		return n.Cluster + "/" + n.ID
	case n.Qualifier != "":
		return n.ID + ":" + n.Qualifier
	}
	return n.ID
}

// Scalable is the name by which Application Auto Scaling knows a service or a version of a
// function; empty for what it does not scale.
func (n Name) Scalable() scaling.ResourceID {
	switch {
	case n.Kind == Service && n.Cluster != "":
		return scaling.ServiceID(n.Cluster, n.ID)
	case n.Kind == Function && n.Qualifier != "":
		return scaling.FunctionID(n.ID, n.Qualifier)
	}
	return ""
}

// Of is the name of a scalable target.
func Of(id scaling.ResourceID) Name {
	if id.Kind() == scaling.Functions {
		name, qualifier := id.Function()
		return Name{Kind: Function, ID: name, Qualifier: qualifier}
	}
	cluster, name := id.Service()
	return Name{Kind: Service, Cluster: cluster, ID: name}
}

// Parse returns what a text may name among some kinds, in their order. A text that is no
// name of any of them is an error that says what to type.
func Parse(text string, of ...Kind) ([]Name, error) {
	var all []Name
	switch {
	case strings.HasPrefix(text, "arn:"):
		if n, ok := parseARN(text); ok {
			all = []Name{n}
		}
	case strings.Contains(text, "://"):
		all = parseURL(text)
	default:
		all = parseShort(text)
	}
	var names []Name
	for _, kind := range of {
		for _, n := range all {
			if n.Kind == kind {
				names = append(names, n)
			}
		}
	}
	if len(names) > 0 {
		return names, nil
	}
	bad := &BadName{Text: text, Of: of}
	if len(all) == 1 && (all[0].Kind != LogGroup || text[0] == '/') { // almost any text may name a log group
		bad.Is = all[0].Kind
	}
	return nil, bad
}

// ParseService returns the service that a text names with its cluster. A text that leaves the
// cluster out is a *BadName, for only a server knows it.
func ParseService(text string) (Name, error) {
	names, err := Parse(text, Service)
	if err == nil && names[0].Cluster == "" {
		return Name{}, &BadName{Text: text, Of: []Kind{Service}}
	}
	if err != nil {
		return Name{}, err
	}
	return names[0], nil
}

// Region is the region in an ARN; empty in any other text.
func Region(text string) string {
	a, _ := arn.Parse(text) // the zero ARN if it is none
	return a.Region
}

// parseARN reads the ARN of a resource of any kind.
func parseARN(text string) (Name, bool) {
	a, err := arn.Parse(text)
	if err != nil {
		return Name{}, false
	}
	var names []Name
	switch name := a.Resource; a.Service {
	case "ecs":
		names = parsePath(name)
	case "lambda":
		names = parseFunction(name)
	case "sqs":
		names = single(Queue, name)
	case "logs":
		name, isGroup := strings.CutPrefix(name, "log-group:")
		if name, _, _ = strings.Cut(name, ":"); isGroup { // behind it a stream, or *
			names = single(LogGroup, name)
		}
	}
	if len(names) == 0 {
		return Name{}, false
	}
	n := names[0]
	n.Region, n.Account = a.Region, a.AccountID
	return n, true
}

// parseURL reads the URL of a queue.
func parseURL(text string) []Name {
	parts := strings.Split(text, "/")
	n := len(parts)
	if n < 5 || len(parts[n-2]) != 12 || !isName(strings.TrimSuffix(parts[n-1], ".fifo")) {
		return nil
	}
	return []Name{{Kind: Queue, Account: parts[n-2], ID: parts[n-1]}}
}

// parseShort reads a name that is neither an ARN nor a URL.
func parseShort(text string) []Name {
	if strings.HasPrefix(text, "/") {
		return single(LogGroup, text)
	}
	if names := parsePath(text); len(names) > 0 {
		return names
	}
	if strings.Contains(text, ":") {
		return parseFunction(text)
	}
	var names []Name
	switch parts := strings.Split(text, "/"); {
	case len(parts) == 2 && isName(parts[0]) && isName(parts[1]):
		names = []Name{{Kind: Service, Cluster: parts[0], ID: parts[1]}}
		if isTaskID(parts[1]) {
			names = append(names, Name{Kind: Task, Cluster: parts[0], ID: parts[1]})
		}
	case len(parts) == 1 && isName(text):
		names = slices.Concat(single(Service, text), single(Cluster, text), single(Function, text), single(Queue, text))
		if isTaskID(text) {
			names = append(names, Name{Kind: Task, ID: text})
		}
	case len(parts) == 1 && isName(strings.TrimSuffix(text, ".fifo")):
		names = single(Queue, text)
	}
	return append(names, single(LogGroup, text)...)
}

// parsePath reads service/CLUSTER/NAME and its like. CLUSTER may be left out of what is in
// one, as in the ARNs of early services.
func parsePath(text string) []Name {
	kind, rest, _ := strings.Cut(text, "/")
	cluster, id, inCluster := strings.Cut(rest, "/")
	if !inCluster {
		cluster, id = "", rest
	}
	if !isName(id) || inCluster && !isName(cluster) {
		return nil
	}
	switch n := (Name{Kind: Kind(kind), Cluster: cluster, ID: id}); n.Kind {
	case Service:
		return []Name{n}
	case Task:
		if isTaskID(id) {
			return []Name{n}
		}
	case Cluster, Function, Queue:
		if !inCluster {
			return []Name{n}
		}
	}
	return nil
}

// parseFunction reads function:NAME:QUALIFIER, with or without its beginning and its end.
func parseFunction(text string) []Name {
	name, qualifier, qualified := strings.Cut(strings.TrimPrefix(text, "function:"), ":")
	if !isName(name) || qualified && !isName(strings.TrimPrefix(qualifier, "$")) {
		return nil
	}
	return []Name{{Kind: Function, ID: name, Qualifier: qualifier}}
}

// single is a name of one part.
func single(kind Kind, id string) []Name {
	if kind == LogGroup && strings.Trim(id, nameLetters+"./#") != "" || id == "" {
		return nil
	}
	return []Name{{Kind: kind, ID: id}}
}

const nameLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

// isName reports whether clusters, services, functions and queues may be called so.
func isName(s string) bool {
	return s != "" && len(s) <= 255 && strings.Trim(s, nameLetters) == ""
}

// Lengths of the IDs of tasks. Four digits are few enough to type and seldom those of two.
const (
	shortestTaskID = 4
	taskIDLength   = 32
)

// isTaskID reports whether a text is the ID of a task, or the beginning of one.
func isTaskID(s string) bool {
	return len(s) >= shortestTaskID && len(s) <= taskIDLength && strings.Trim(s, "0123456789abcdef") == ""
}
