package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"os"
	"time"

	"gcat/internal/cli"
	"gcat/internal/conn"
	"gcat/internal/echo"
	"gcat/internal/tlsconn"
)

// connectLimit bounds connecting to the endpoint of --to.
const connectLimit = 10 * time.Second

// target is the endpoint of --to; nil if it is not given.
func (g *gecho) target() (*echo.Target, error) {
	if g.To == "" {
		return nil, nil
	}
	e := g.to
	dialer := &conn.Dialer{Limit: connectLimit}
	if e.Network == "tls" {
		config, err := g.trust(e.Host)
		if err != nil {
			return nil, err
		}
		dialer.Upgrade = func(ctx context.Context, c net.Conn) (net.Conn, error) {
			return tlsconn.Client(ctx, conn.NewSocket(c), config)
		}
	}
	t := &echo.Target{Name: e.Address(), Down: g.Faults != "up", Up: g.Faults == "up" || g.Faults == "both", Unbounded: len(g.Allow) > 0}
	t.Dial = func(ctx context.Context) (conn.Stream, error) {
		if e.Datagram() {
			return dialer.DialDatagrams(ctx, e)
		}
		c, err := dialer.Dial(ctx, e)
		if err != nil {
			return nil, err
		}
		return conn.StreamOf(c), nil
	}
	return t, nil
}

// trust is the TLS configuration that verifies the target's certificate.
func (g *grammar) trust(host string) (*tls.Config, error) {
	options := tlsconn.Options{CA: g.TLSCA, Name: g.TLSName, Insecure: g.TLSInsecure, KeyLog: os.Getenv("SSLKEYLOGFILE")}
	if err := options.Check(); err != nil {
		return nil, cli.Usagef("%v", err)
	}
	return options.ClientConfig(cmp.Or(host, "localhost"))
}
