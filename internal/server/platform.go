package server

// shortcoming says what a runtime can not do on a system, which is one of Go's GOOS; "" where it
// does all that the documentation tells.
func shortcoming(system, runtime string) string {
	switch {
	case system == "linux":
		return ""
	case runtime == "process":
		return "tasks are whole on Linux alone: here they have no addresses but 127.0.0.1, so those that listen elsewhere or to one port fail, and no limits, images or namespaces. " +
			"Run the server in a container (docs/install.md)"
	case runtime == "docker":
		return "containers are on a Linux machine of their own here: neither load balancers nor the server's other calls reach tasks, nor do tasks reach the server. " +
			"Run the server in a container (docs/install.md)"
	}
	return ""
}
