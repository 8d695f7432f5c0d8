package main

import (
	"cmp"
	"time"

	"gcat/internal/cli"
)

// grammar is the command line, with a struct for each group of --help. Only help.txt
// describes the options and names their values. After the command line has been read,
// grammar does not change, except that a CAN bus sets DatagramSize.
type grammar struct {
	connectFlags
	timeFlags
	endFlags
	listenFlags
	byteFlags
	socketFlags
	tlsFlags
	otherFlags

	Args []string `arg:"" optional:"" name:"dest"`
}

// connectFlags select the destination and how to connect.
type connectFlags struct {
	UDP      bool         `short:"u" name:"udp"`
	Unix     bool         `short:"U" name:"unix"`
	IPv4     bool         `short:"4" name:"ipv4"`
	IPv6     bool         `short:"6" name:"ipv6"`
	Numeric  bool         `short:"n"`
	Source   string       `short:"s" filled:""`
	Port     string       `short:"p" filled:""`
	Retry    cli.Duration `least:"0"`
	Scan     bool         `short:"z"`
	Closed   bool
	Parallel int  `least:"1"`
	PassFD   bool `short:"F" name:"pass-fd"`
}

// timeFlags are the time limits; nil is a limit that was not given.
type timeFlags struct {
	Timeout        *cli.Duration `short:"w" least:"0"`
	ConnectTimeout *cli.Duration `least:"0"`
	IdleTimeout    *cli.Duration `least:"0"`
	Deadline       cli.Duration  `least:"0"`
	QuitAfter      *cli.Duration `short:"q"`
	QuitAfterPeer  *cli.Duration `short:"Q"`
}

// endFlags select the directions, and what the end of one does.
type endFlags struct {
	Shutdown   string `enum:"write,both,none" default:"write"`
	NoShutdown bool   `name:"no-shutdown"`
	SendOnly   bool
	RecvOnly   bool `short:"d"`
	Broadcast  bool `short:"b"`
	HalfClose  bool `short:"N"`
}

// listenFlags are those of a listener, and of what serves its peers.
type listenFlags struct {
	Listen   bool `short:"l"`
	KeepOpen bool `short:"k"`
	MaxConns int  `least:"1"`
	Backlog  int  `least:"0"`
	Mode     cli.Mode
	Ready    string `filled:""`
	To       string `filled:""`
	Exec     string `short:"e" filled:""`
	Broker   bool
	Chat     bool
	Allow    []string `filled:""`
	Deny     []string `filled:""`
}

// byteFlags change, record or delay bytes, or divide them into datagrams.
type byteFlags struct {
	CRLF         bool         `short:"C" name:"crlf"`
	Telnet       bool         `short:"t"`
	Interval     cli.Duration `short:"i" least:"0"`
	Rate         cli.Size
	Hexdump      string `short:"o" filled:""`
	Datagrams    int    `short:"W" least:"1"`
	Lines        bool
	DatagramSize int `least:"1" most:"65507"`
}

// socketFlags are the options of the socket itself.
type socketFlags struct {
	Keepalive  *cli.Duration `least:"0"`
	NoNodelay  bool          `name:"no-nodelay"`
	TOS        *int          `name:"tos" least:"0" most:"255"`
	TTL        int           `name:"ttl" least:"1" most:"255"`
	MPTCP      bool          `name:"mptcp"`
	Interface  string        `filled:""`
	SndBuf     cli.Size      `name:"sndbuf" least:"1" most:"2147483647"`
	RcvBuf     cli.Size      `name:"rcvbuf" least:"1" most:"2147483647"`
	Congestion string        `filled:""`
	ReusePort  bool          `name:"reuse-port"`
}

// tlsFlags are those of TLS and of proxies.
type tlsFlags struct {
	TLS            bool     `short:"c" name:"tls"`
	TLSCA          string   `name:"tls-ca" filled:""`
	TLSName        string   `name:"tls-name" filled:""`
	TLSCert        string   `name:"tls-cert" filled:""`
	TLSKey         string   `name:"tls-key" filled:""`
	TLSALPN        []string `name:"tls-alpn" filled:""`
	TLSInsecure    bool     `name:"tls-insecure"`
	TLSFingerprint string   `name:"tls-fingerprint" filled:""`
	TLSClientCA    string   `name:"tls-client-ca" filled:""`
	Proxy          string   `short:"x" filled:""`
	ProxyProtocol  string   `short:"X" name:"proxy-protocol" filled:""`
	ProxyUser      string   `short:"P" name:"proxy-user" filled:""`
}

// otherFlags are those for a terminal, and those of every command.
type otherFlags struct {
	Raw      bool
	Progress bool
	cli.Logging
	cli.Common
}

// connectLimit is the limit of look-up, connect and handshakes of a client: 10 s by
// default, where the kernel's own limit is two minutes. With --to, -w does not set it:
// there -w is only the idle limit of the conversation.
func (g *grammar) connectLimit() time.Duration {
	switch {
	case g.ConnectTimeout != nil:
		return g.ConnectTimeout.D()
	case g.Timeout != nil && g.To == "":
		return g.Timeout.D()
	}
	return 10 * time.Second
}

// acceptLimit is the limit of the wait for the first peer; 0 is none.
func (g *grammar) acceptLimit() time.Duration {
	if g.To != "" {
		return 0
	}
	return orZero(g.ConnectTimeout).D()
}

// idleLimit is how long no byte may move; 0 is no limit.
func (g *grammar) idleLimit() time.Duration {
	return orZero(cmp.Or(g.IdleTimeout, g.Timeout)).D()
}

// maxConns is how many peers are served at once.
func (g *grammar) maxConns() int {
	return cmp.Or(g.MaxConns, 100)
}

// orZero returns *p, or the zero value if p is nil.
func orZero[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// usesStdio reports whether standard input and output are a side of the conversation.
func (g *grammar) usesStdio() bool {
	return !g.Broker && !g.Chat && g.Exec == "" && g.To == ""
}
