package conn

import (
	"fmt"
	"net"
	"slices"
	"strings"
)

// canNetworks are the schemes of Linux's CAN sockets (Documentation/networking/can.rst,
// j1939.rst of the kernel). Host of such an endpoint is the interface, Port the rest:
//
//	can://IFACE[,FILTER...]            frames, each a struct can_frame
//	canfd://IFACE[,FILTER...]          frames, each a struct canfd_frame
//	isotp://IFACE:REQ:RSP              PDUs of ISO 15765-2 between two ids
//	j1939://IFACE[:ADDR[,PGN[,NAME]]]  messages of SAE J1939
//	canbcm://IFACE                     messages to and from the broadcast manager
var canNetworks = []string{"can", "canfd", "isotp", "j1939", "canbcm"}

// The sizes of the frames that a raw socket reads and writes (can.h of Linux).
const (
	canFrameSize   = 16
	canFDFrameSize = 72
)

// CAN reports whether e is a CAN socket of any kind.
func (e Endpoint) CAN() bool { return slices.Contains(canNetworks, e.Network) }

// Gone reports whether c is a CAN socket whose interface has been deleted. It never
// receives again, not even from another interface of that name.
func Gone(c net.Conn) bool {
	can, ok := c.(*canConn)
	return ok && can.gone()
}

// FrameSize is the size of each datagram of e; 0 if it varies.
func (e Endpoint) FrameSize() int {
	switch e.Network {
	case "can":
		return canFrameSize
	case "canfd":
		return canFDFrameSize
	}
	return 0
}

// canSeparator is what stands behind the interface.
func canSeparator(network string) string {
	if network == "can" || network == "canfd" {
		return ","
	}
	return ":"
}

// parseCAN parses s, the part of an endpoint after scheme://.
func parseCAN(network, s string) (Endpoint, error) {
	e := Endpoint{Network: network}
	e.Host, e.Port, _ = strings.Cut(s, canSeparator(network))
	_, err := e.canPlace()
	if err != nil {
		err = fmt.Errorf("bad endpoint %q: %w", network+"://"+s, err)
	}
	return e, err
}

// A canAddr is the address of a CAN socket.
type canAddr struct{ Endpoint }

func (a canAddr) Network() string { return a.Endpoint.Network }
func (a canAddr) String() string  { return a.Endpoint.Address() }
