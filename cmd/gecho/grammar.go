package main

import "gcat/internal/cli"

// grammar is the command line. help.txt describes the options.
type grammar struct {
	Timeout  cli.Duration `short:"w" default:"60s" least:"0"`
	Deadline cli.Duration `least:"0"`
	Grace    cli.Duration `default:"5s" least:"0"`
	Farewell cli.Text

	Greeting        cli.Text
	CloseAfterReply bool
	Suffix          cli.Text
	Reply           *cli.Text
	Lines           bool     `short:"L"`
	MaxLine         cli.Size `default:"64K" least:"0" most:"1073741824"`
	Control         bool
	Service         service `default:"echo"`

	To     string `filled:""`
	Script string `filled:""`
	Replay string `filled:""`
	Speed  *speed

	Once      bool  `short:"1"`
	Count     int64 `short:"n" least:"0" most:"2147483647"`
	MaxConns  int   `least:"0" most:"2147483647"`
	Backlog   int   `least:"0" most:"2147483647"`
	Inetd     bool
	ReusePort bool
	Mode      cli.Mode

	FailFirst      int64  `least:"0" most:"2147483647"`
	Fail           string `enum:"close,reset,hang" default:"close"`
	NoAccept       bool
	NoRead         bool
	OnEOF          string `name:"on-eof" enum:"close,hold,reset" default:"close"`
	Delay          delay
	Rate           cli.Size
	Chunk          cli.Size
	CloseAfter     *point
	ResetAfter     *point
	StallAfter     *point
	HalfCloseAfter *point
	TLSFault       string `name:"tls-fault" enum:",expired,not-yet,wrong-name,untrusted,no-close-notify,stall,garbage,reset" default:"" filled:""`
	Corrupt        probability
	Loss           probability
	Duplicate      probability
	Reorder        probability
	FaultRate      probability `default:"1"`
	Faults         string      `enum:",down,up,both" default:"" filled:""`
	Seed           *uint64

	LoopGuard int      `default:"1000" least:"0" most:"2147483647"`
	Allow     []string `sep:"none"`
	Deny      []string `sep:"none"`
	tlsFlags

	cli.Logging
	cli.Common

	Endpoint []string `arg:"" optional:"" name:"endpoint"`
}

// tlsFlags are the TLS options that gcat has, too.
type tlsFlags struct {
	TLS            bool     `name:"tls" short:"c"`
	TLSCert        string   `name:"tls-cert" filled:""`
	TLSKey         string   `name:"tls-key" filled:""`
	TLSCAOut       string   `name:"tls-ca-out" filled:""`
	TLSCA          string   `name:"tls-ca" filled:""`
	TLSName        string   `name:"tls-name" filled:""`
	TLSInsecure    bool     `name:"tls-insecure"`
	TLSALPN        []string `name:"tls-alpn" filled:""`
	TLSClientCA    string   `name:"tls-client-ca" filled:""`
	TLSFingerprint string   `name:"tls-fingerprint" filled:""`
}
