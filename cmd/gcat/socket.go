package main

import (
	"math"
	"time"

	"gcat/internal/cli"
	"gcat/internal/conn"
)

// socketFlags are the options of the socket itself.
type socketFlags struct {
	Keepalive  *cli.Duration `placeholder:"D" group:"socket" help:"Probes (15s)."`
	NoNodelay  bool          `name:"no-nodelay" group:"socket" help:"Nagle's algorithm."`
	TOS        *int          `name:"tos" placeholder:"N" group:"socket" help:"Type of service."`
	TTL        *int          `name:"ttl" placeholder:"N" group:"socket" help:"Time to live."`
	MPTCP      bool          `name:"mptcp" group:"socket" help:"Multipath TCP."`
	Interface  string        `placeholder:"IF" group:"socket" help:"Device to use." filled:""`
	SndBuf     *cli.Size     `name:"sndbuf" placeholder:"SIZE" group:"socket" help:"Send buffer."`
	RcvBuf     *cli.Size     `name:"rcvbuf" placeholder:"SIZE" group:"socket" help:"Receive buffer."`
	Congestion string        `placeholder:"NAME" group:"socket" help:"Congestion control." filled:""`
	ReusePort  bool          `name:"reuse-port" group:"socket" help:"Share the port."`
}

// checkSocket refuses options of another kind of socket, and a port that cannot
// be one.
func (g *gcat) checkSocket(where conn.Endpoint) error {
	vsock := where.Network == "vsock"
	ip := !where.Unix() && !vsock
	tcp := ip && !where.Datagram()
	for _, o := range []struct {
		name  string
		given bool
		fits  bool
	}{
		{"--keepalive", g.Keepalive != nil, tcp},
		{"--no-nodelay", g.NoNodelay, tcp},
		{"--mptcp", g.MPTCP, tcp},
		{"--congestion", g.Congestion != "", tcp},
		{"--tos", g.TOS != nil, ip},
		{"--ttl", g.TTL != nil, ip},
		{"--interface", g.Interface != "", ip},
		{"--reuse-port", g.ReusePort, ip},
		{"--sndbuf", g.SndBuf != nil, !vsock},
		{"--rcvbuf", g.RcvBuf != nil, !vsock},
		{"-s", g.Source != "" && !g.Listen, !vsock},
		{"-p", g.Port != "" && !g.Listen, !vsock},
	} {
		if o.given && !o.fits {
			return cli.Usagef("cannot use %s with %s", o.name, kindOfSocket(where))
		}
	}
	if ip && g.Port != "" {
		return usage(conn.CheckPort(g.Port))
	}
	return nil
}

// mostKeepalive is the longest that Linux takes for TCP_KEEPIDLE and TCP_KEEPINTVL
// (MAX_TCP_KEEPIDLE of tcp.h); the net package does not tell that it took no more.
const mostKeepalive = 32767 * time.Second

// checkSocketValues refuses values that no socket takes.
func (g *gcat) checkSocketValues() error {
	switch {
	case g.Keepalive != nil && *g.Keepalive < 0:
		return cli.Usagef("--keepalive cannot be negative")
	case g.Keepalive != nil && *g.Keepalive > 0 && g.Keepalive.D() < time.Second:
		return cli.Usagef("--keepalive is at least 1s, or 0 for none")
	case g.Keepalive != nil && g.Keepalive.D() > mostKeepalive:
		return cli.Usagef("--keepalive is at most %d seconds", mostKeepalive/time.Second)
	case outside(g.TOS, 0, 255):
		return cli.Usagef("--tos must be from 0 to 255")
	case outside(g.TTL, 1, 255):
		return cli.Usagef("--ttl must be from 1 to 255")
	case !bufferFits(g.SndBuf):
		return cli.Usagef("--sndbuf must be at least 1 and below 2G")
	case !bufferFits(g.RcvBuf):
		return cli.Usagef("--rcvbuf must be at least 1 and below 2G")
	case len(g.Interface) > 15: // IFNAMSIZ, netdevice(7)
		return cli.Usagef("bad interface %q: a name has at most 15 bytes", g.Interface)
	}
	return nil
}

// outside reports whether a number was given that is out of bounds.
func outside(n *int, least, most int) bool { return n != nil && (*n < least || *n > most) }

// bufferFits reports whether setsockopt(2), which takes an int, can be asked for
// a buffer of that size. Nil is not asked for.
func bufferFits(size *cli.Size) bool { return size == nil || *size >= 1 && *size <= math.MaxInt32 }

// kindOfSocket is where's kind in the words of the command line.
func kindOfSocket(where conn.Endpoint) string {
	switch {
	case where.Network == "unixgram":
		return "a Unix datagram socket"
	case where.Unix():
		return "a Unix socket"
	case where.Datagram():
		return "UDP"
	}
	return where.Network
}

// socketOptions are the flags as the sockets want them.
func (f *socketFlags) socketOptions() conn.SocketOptions {
	o := conn.SocketOptions{
		Delay:      f.NoNodelay,
		Interface:  f.Interface,
		MPTCP:      f.MPTCP,
		Congestion: f.Congestion,
		ReusePort:  f.ReusePort,
	}
	if f.SndBuf != nil {
		o.SendBuffer = int(*f.SndBuf)
	}
	if f.RcvBuf != nil {
		o.ReceiveBuffer = int(*f.RcvBuf)
	}
	if f.TOS != nil {
		o.TOS = *f.TOS
	}
	if f.TTL != nil {
		o.TTL = *f.TTL
	}
	if d := f.Keepalive; d != nil {
		o.Keepalive = d.D()
		if *d == 0 {
			o.Keepalive = -1 // none
		}
	}
	return o
}
