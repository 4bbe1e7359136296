// Package function runs functions behind the Lambda Runtime API.
//
// A function runs in environments: processes of this machine that ask for
// invocations, one at a time. Each is a task of the process runtime, with one
// container, in a folder of its own; so it has that runtime's limits, its network and
// its record on disk, and no process of it outlives the next start of the server. An
// environment that has answered waits for the next invocation of the same function; the
// one that was used last is the first to be used again, and one that nobody has used for
// a while is ended.
//
//	host, err := function.New(function.Options{Dir: dir, Logs: logs})
//	go host.Run(ctx)                       // ends idle environments, and all of them at its end
//	answer, err := host.Invoke(ctx, fn, call)
//
// An answer tells of the function's own failures; an error is about what keeps the
// function from being run at all.
package function
