// Package netns gives processes of this machine networks of their own: a network
// namespace for each group of processes, joined by a pair of virtual Ethernet
// devices to a bridge. It needs Linux, and the right to administer networks and
// namespaces, which is root's.
//
//	bridge, err := netns.Open("fb-1a2b3c4d", range)  // as an earlier life left it, or new
//	space, err := bridge.Join(address)               // with lo and eth0, at an address of the bridge's network
//	err = space.Start(cmd)                           // a process that has no other network
//	err = space.Leave()
//
// A namespace has no name. It is there while a process is in it or the Namespace is
// open, and takes its devices with it: of a program that is killed, nothing is left
// but the bridge, and that is found by its name.
package netns
