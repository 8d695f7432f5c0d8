// Package wire is a network of two hosts for tests: each is a network name space
// of its own, and between them runs a wire that is made of this process, which
// loses, delays, doubles and reorders packets as a test asks, swallows the large
// ones, or is cut. It needs Linux, root and /dev/net/tun; where one of them is
// missing, the test is skipped. Only tests import it.
//
// A host is a thread that has left the others' name spaces (unshare(2)): what
// [Host.Do] runs there, sockets that it opens and processes that it starts, live
// on that host. The wire reads packets from one host's TUN device and writes them
// to the other's.
package wire
