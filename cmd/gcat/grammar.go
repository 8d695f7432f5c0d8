package main

import (
	"time"

	"gcat/internal/cli"
)

// grammar is the command line: a struct for each group of --help. Nothing writes
// to it once it has been read.
type grammar struct {
	connectFlags
	timeFlags
	endFlags
	listenFlags
	byteFlags
	socketFlags
	tlsFlags
	otherFlags

	Args []string `arg:"" optional:"" name:"dest" help:"Where to, or where to listen."`
}

// connectFlags say where to, and how to get there.
type connectFlags struct {
	UDP      bool         `short:"u" name:"udp" group:"connect" help:"Datagrams."`
	Unix     bool         `short:"U" name:"unix" group:"connect" help:"A Unix socket."`
	IPv4     bool         `short:"4" name:"ipv4" group:"connect" help:"IPv4 only."`
	IPv6     bool         `short:"6" name:"ipv6" group:"connect" help:"IPv6 only."`
	Numeric  bool         `short:"n" group:"connect" help:"No look-ups."`
	Source   string       `short:"s" placeholder:"ADDR" group:"connect" help:"Source address." filled:""`
	Port     string       `short:"p" placeholder:"PORT" group:"connect" help:"Source port." filled:""`
	Retry    cli.Duration `placeholder:"D" group:"connect" help:"Try again for up to D."`
	Scan     bool         `short:"z" group:"connect" help:"Is it open?"`
	Closed   bool         `group:"connect" help:"With -z: is it closed?"`
	Parallel *int         `placeholder:"N" group:"connect" help:"With -z (64)."`
	PassFD   bool         `short:"F" name:"pass-fd" group:"connect" help:"Hand the socket over standard output (SCM_RIGHTS)."`
}

// timeFlags are the clocks; nil is one that was not given.
type timeFlags struct {
	Timeout        *cli.Duration `short:"w" placeholder:"D" group:"time" help:"Connect and idle."`
	ConnectTimeout *cli.Duration `placeholder:"D" group:"time" help:"Connect (10s)."`
	IdleTimeout    *cli.Duration `placeholder:"D" group:"time" help:"No byte moved."`
	Deadline       cli.Duration  `placeholder:"D" group:"time" help:"The whole run."`
	QuitAfter      *cli.Duration `short:"q" placeholder:"D" group:"time" help:"After our end."`
	QuitAfterPeer  *cli.Duration `short:"Q" placeholder:"D" group:"time" help:"After its end."`
}

// endFlags say which directions there are, and what the end of one does.
type endFlags struct {
	Shutdown   string `enum:"write,both,none" default:"write" placeholder:"write|both|none" group:"end" help:"At our end."`
	NoShutdown bool   `name:"no-shutdown" group:"end" help:"As --shutdown none."`
	SendOnly   bool   `group:"end" help:"Drop what comes."`
	RecvOnly   bool   `short:"d" group:"end" help:"Read no input."`
	Broadcast  bool   `short:"b" group:"end" help:"Nothing: broadcasting is allowed."`
	HalfClose  bool   `short:"N" group:"end" help:"Nothing: the half-close is the default."`
}

// listenFlags are those of a listener, and what its peers talk to.
type listenFlags struct {
	Listen   bool     `short:"l" group:"listen" help:"For one peer."`
	KeepOpen bool     `short:"k" group:"listen" help:"For many."`
	MaxConns *int     `placeholder:"N" group:"listen" help:"At once (100)."`
	Backlog  int      `placeholder:"N" group:"listen" help:"Waiting peers."`
	Mode     cli.Mode `placeholder:"MODE" group:"listen" help:"Of a Unix socket's file (0600)."`
	Ready    string   `placeholder:"FILE" group:"listen" help:"Gets HOST:PORT once bound." filled:""`
	To       string   `placeholder:"ENDPOINT" group:"listen" help:"Join each peer to it." filled:""`
	Exec     string   `short:"e" placeholder:"CMD" group:"listen" help:"Serve by sh -c CMD." filled:""`
	Broker   bool     `group:"listen" help:"With -lk: all hear all."`
	Chat     bool     `group:"listen" help:"The same, with names."`
	Allow    []string `placeholder:"CIDR,..." group:"listen" help:"Who may connect." filled:""`
	Deny     []string `placeholder:"CIDR,..." group:"listen" help:"Who may not." filled:""`
}

// byteFlags look at the bytes, hold them back, or put them into datagrams.
type byteFlags struct {
	CRLF         bool         `short:"C" name:"crlf" group:"bytes" help:"Send LF as CRLF."`
	Telnet       bool         `short:"t" group:"bytes" help:"Refuse options."`
	Interval     cli.Duration `short:"i" placeholder:"D" group:"bytes" help:"Between lines."`
	Rate         cli.Size     `placeholder:"SIZE" group:"bytes" help:"Bytes a second."`
	Hexdump      string       `short:"o" placeholder:"FILE" group:"bytes" help:"Dump both ways." filled:""`
	Datagrams    *int         `short:"W" placeholder:"N" group:"bytes" help:"End after N."`
	Lines        bool         `group:"bytes" help:"A datagram for each line."`
	DatagramSize *int         `placeholder:"N" group:"bytes" help:"N bytes in each."`
}

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

// tlsFlags are those of TLS and of proxies.
type tlsFlags struct {
	TLS            bool     `short:"c" name:"tls" group:"tls" help:"TLS, verified."`
	TLSCA          string   `name:"tls-ca" placeholder:"FILE" group:"tls" help:"Whom to trust." filled:""`
	TLSName        string   `name:"tls-name" placeholder:"NAME" group:"tls" help:"Peer's name, SNI." filled:""`
	TLSCert        string   `name:"tls-cert" placeholder:"FILE" group:"tls" help:"Our certificate." filled:""`
	TLSKey         string   `name:"tls-key" placeholder:"FILE" group:"tls" help:"Its private key." filled:""`
	TLSALPN        []string `name:"tls-alpn" placeholder:"PROTO,..." group:"tls" help:"Protocols." filled:""`
	TLSInsecure    bool     `name:"tls-insecure" group:"tls" help:"Trust anybody."`
	TLSFingerprint string   `name:"tls-fingerprint" placeholder:"SHA256" group:"tls" help:"Pin the peer." filled:""`
	TLSClientCA    string   `name:"tls-client-ca" placeholder:"FILE" group:"tls" help:"With -l: clients must show a certificate of it." filled:""`
	Proxy          string   `short:"x" placeholder:"[SCHEME://][USER@]HOST:PORT" group:"tls" help:"Through a SOCKS or CONNECT proxy." filled:""`
	ProxyProtocol  string   `short:"X" name:"proxy-protocol" placeholder:"5|4|connect" group:"tls" help:"Kind (5)." filled:""`
	ProxyUser      string   `short:"P" name:"proxy-user" placeholder:"USER" group:"tls" help:"Its password: $GCAT_PROXY_PASSWORD or asked for." filled:""`
}

// otherFlags are for a person at the terminal, and those of every command.
type otherFlags struct {
	Raw      bool `group:"other" help:"Keys, bytes untouched."`
	Progress bool `group:"other" help:"A meter, on a terminal."`
	cli.Logging
	cli.Common
}

// connectLimit bounds look-up, connect and handshakes of a client: 10 s unless
// told otherwise, in place of the kernel's two minutes. With --to, -w is the
// conversation's alone.
func (g *grammar) connectLimit() time.Duration {
	switch {
	case g.ConnectTimeout != nil:
		return g.ConnectTimeout.D()
	case g.Timeout != nil && g.To == "":
		return g.Timeout.D()
	}
	return 10 * time.Second
}

// acceptLimit bounds the wait for the first peer.
func (g *grammar) acceptLimit() time.Duration {
	if g.ConnectTimeout != nil && g.To == "" {
		return g.ConnectTimeout.D()
	}
	return 0
}

// idleLimit is how long nothing may move.
func (g *grammar) idleLimit() time.Duration {
	switch {
	case g.IdleTimeout != nil:
		return g.IdleTimeout.D()
	case g.Timeout != nil:
		return g.Timeout.D()
	}
	return 0
}

// quit is -q or -Q as the relay wants it: negative is for ever, as in nc.
func quit(d *cli.Duration) *time.Duration {
	if d == nil || *d < 0 {
		return nil
	}
	limit := d.D()
	return &limit
}

// maxConns is how many peers are served at once.
func (g *grammar) maxConns() int {
	if g.MaxConns != nil {
		return *g.MaxConns
	}
	return 100
}

// talksItself reports whether standard input and output are a side of the
// conversation.
func (g *grammar) talksItself() bool {
	return !g.Broker && !g.Chat && g.Exec == "" && g.To == ""
}
