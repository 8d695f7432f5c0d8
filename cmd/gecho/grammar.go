package main

import (
	"gcat/internal/cli"
	"gcat/internal/conn"
)

// gecho is the command line.
type gecho struct {
	Timeout  cli.Duration `short:"w" default:"60s" placeholder:"D" group:"time" help:"Idle limit of a connection, either way [60s]."`
	Deadline cli.Duration `placeholder:"D" group:"time" help:"Longest life of a connection."`
	Grace    cli.Duration `default:"5s" placeholder:"D" group:"time" help:"After SIGTERM or SIGINT, let connections finish for D [5s]."`
	Farewell cli.Text     `placeholder:"TEXT" group:"time" help:"Sent before a clock closes a connection."`

	Greeting        cli.Text  `placeholder:"TEXT" group:"say" help:"Sent on connect."`
	CloseAfterReply bool      `group:"say" help:"Answer once, then close."`
	Suffix          cli.Text  `placeholder:"TEXT" group:"say" help:"Sent after each echo."`
	Reply           *cli.Text `placeholder:"TEXT" group:"say" help:"Sent instead: {data} {line} {remote} {local} {n} {time} {sni} ..."`
	Lines           bool      `short:"L" group:"say" help:"Work line by line."`
	MaxLine         cli.Size  `default:"64K" placeholder:"SIZE" group:"say" help:"Longest line taken [64K]."`
	Control         bool      `group:"say" help:"Obey the lines 'set time N' and 'exit'."`
	Service         service   `default:"echo" placeholder:"NAME" group:"say" help:"echo, discard, chargen, daytime, time, source[:SIZE]."`

	To     string `placeholder:"ENDPOINT" group:"say" help:"Hand connections on to it." filled:""`
	Script string `placeholder:"FILE" group:"say" help:"Follow a script: send, expect, wait, close ..."`
	Replay string `placeholder:"DUMP" group:"say" help:"Play what gcat -o wrote."`
	Speed  *speed `placeholder:"N" group:"say" help:"Replay N times as fast; 0 without pauses [1]."`

	Once      bool      `short:"1" group:"life" help:"Serve one connection, then end."`
	Count     int64     `short:"n" placeholder:"N" group:"life" help:"Serve N connections, then end."`
	MaxConns  int       `placeholder:"N" group:"life" help:"Serve N at once; the rest wait [what descriptors allow]."`
	Backlog   int       `placeholder:"N" group:"life" help:"How many may wait (listen(2)) [system]."`
	Inetd     bool      `group:"life" help:"Speak on standard input and output."`
	ReusePort bool      `group:"life" help:"Share the port with other processes."`
	Mode      *cli.Mode `placeholder:"MODE" group:"life" help:"Mode of a Unix socket's file [0600]."`

	FailFirst      int64       `placeholder:"N" group:"fault" help:"The first N connections fail."`
	Fail           string      `enum:"close,reset,hang" default:"close" placeholder:"HOW" group:"fault" help:"How they fail: close, reset, hang."`
	NoAccept       bool        `group:"fault" help:"A full backlog: clients cannot connect."`
	NoRead         bool        `group:"fault" help:"Read nothing: clients cannot write for ever."`
	OnEOF          string      `name:"on-eof" enum:"close,hold,reset" default:"close" placeholder:"HOW" group:"fault" help:"After the peer's end: close, hold, reset."`
	Delay          delay       `placeholder:"D[-D][:W],..." group:"fault" help:"Pause before each reply; W is a weight."`
	Rate           cli.Size    `placeholder:"SIZE" group:"fault" help:"Bytes a second, per connection."`
	Chunk          cli.Size    `placeholder:"N" group:"fault" help:"Send N bytes at a time."`
	CloseAfter     point       `placeholder:"SIZE|D" group:"fault" help:"Close after SIZE bytes sent, or 2s."`
	ResetAfter     point       `placeholder:"SIZE|D" group:"fault" help:"Reset then."`
	StallAfter     point       `placeholder:"SIZE|D" group:"fault" help:"Say nothing more then."`
	HalfCloseAfter point       `placeholder:"SIZE|D" group:"fault" help:"FIN then, and read on."`
	TLSFault       string      `name:"tls-fault" enum:",expired,not-yet,wrong-name,untrusted,no-close-notify,stall,garbage,reset" default:"" placeholder:"HOW" group:"fault" help:"expired, not-yet, wrong-name, untrusted, no-close-notify, stall, garbage, reset."`
	Corrupt        probability `placeholder:"P" group:"fault" help:"Flip a bit of a reply."`
	Loss           probability `placeholder:"P" group:"fault" help:"Lose a datagram."`
	Duplicate      probability `placeholder:"P" group:"fault" help:"Send a datagram twice."`
	Reorder        probability `placeholder:"P" group:"fault" help:"Send a datagram behind the next."`
	FaultRate      probability `default:"1" placeholder:"P" group:"fault" help:"How many connections are hit at all [1]."`
	Faults         string      `enum:",down,up,both" default:"" placeholder:"WAY" group:"fault" help:"With --to: down, up or both."`
	Seed           *uint64     `placeholder:"N" group:"fault" help:"The same seed gives the same faults."`

	LoopGuard int      `default:"1000" placeholder:"N" group:"security" help:"Answered of a run of identical datagrams [1000]."`
	Allow     []string `sep:"none" placeholder:"CIDR,..." group:"security" help:"Who may connect."`
	Deny      []string `sep:"none" placeholder:"CIDR,..." group:"security" help:"Who may not."`
	tlsFlags

	cli.Logging
	cli.Common

	to       conn.Endpoint // what To says
	Endpoint []string      `arg:"" optional:"" name:"endpoint" help:"Where to listen."`
}

// tlsFlags are those that gcat has, too.
type tlsFlags struct {
	TLS            bool     `name:"tls" short:"c" group:"security" help:"TCP endpoints speak TLS, as tls:// does."`
	TLSCert        string   `name:"tls-cert" placeholder:"FILE" group:"security" help:"Certificate [a throw-away one]." filled:""`
	TLSKey         string   `name:"tls-key" placeholder:"FILE" group:"security" help:"Its private key." filled:""`
	TLSCAOut       string   `name:"tls-ca-out" placeholder:"FILE" group:"security" help:"Write the throw-away certificate's authority." filled:""`
	TLSCA          string   `name:"tls-ca" placeholder:"FILE" group:"security" help:"With --to: trust these authorities." filled:""`
	TLSName        string   `name:"tls-name" placeholder:"NAME" group:"security" help:"With --to: the name in its certificate." filled:""`
	TLSInsecure    bool     `name:"tls-insecure" group:"security" help:"With --to: trust any certificate."`
	TLSALPN        []string `name:"tls-alpn" placeholder:"NAME,..." group:"security" help:"Protocols offered." filled:""`
	TLSClientCA    string   `name:"tls-client-ca" placeholder:"FILE" group:"security" help:"Clients must show a certificate of it." filled:""`
	TLSFingerprint string   `name:"tls-fingerprint" placeholder:"SHA256" group:"security" help:"Clients must show this certificate." filled:""`
}
