// Package control scales what people run elsewhere: services of AWS, whatever has a scale in
// Kubernetes, whatever answers over HTTP. What decides is package governor, what watches is
// package alarm, as in the server and in simulations; a Host brings them the world.
//
//	host := control.New(control.Config{Capacity: kinds, State: state, Elector: elector, Tell: audit})
//	host.Put(target)               // as often as it changes; made by Compile, of documents in AWS's shapes
//	err := host.Run(ctx, clock)    // until ctx ends, or another acts
//
// A round of the host asks each source once for all that alarms watch and goes on without waiting; it steps the
// alarms whose sources have answered, looks at those resources whose alarms call or whose time has come, and has
// their governors decide. So a source that is slow holds up its own targets alone.
// What they have become is kept in State before anything is set, so that a host that ends in
// between neither forgets a decision nor carries it out twice.
//
// Whoever governs custom resources gives each of them to Put when it changes, implements State by
// its status, and turns each Record into events and conditions.
package control
