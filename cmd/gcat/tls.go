package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"gcat/internal/cli"
	"gcat/internal/conn"
	"gcat/internal/tlsconn"
)

// tlsFlags are the options of TLS.
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

	tlsConfig *tls.Config // nil is no TLS
}

func (f *tlsFlags) options() tlsconn.Options {
	return tlsconn.Options{
		CA: f.TLSCA, Name: f.TLSName, Cert: f.TLSCert, Key: f.TLSKey, ALPN: f.TLSALPN,
		Insecure: f.TLSInsecure, Fingerprint: f.TLSFingerprint, ClientCA: f.TLSClientCA,
	}
}

// checkTLS refuses what makes no sense with where, before a file is read.
func (g *gcat) checkTLS(where conn.Endpoint) error {
	f := &g.tlsFlags
	f.TLS = f.TLS || where.Network == "tls"
	for _, o := range []struct {
		name   string
		given  bool
		server bool // makes sense with -l
		client bool // makes sense without
	}{
		{"--tls-ca", f.TLSCA != "", false, true},
		{"--tls-name", f.TLSName != "", false, true},
		{"--tls-cert", f.TLSCert != "", true, true},
		{"--tls-key", f.TLSKey != "", true, true},
		{"--tls-alpn", len(f.TLSALPN) > 0, true, true},
		{"--tls-insecure", f.TLSInsecure, false, true},
		{"--tls-fingerprint", f.TLSFingerprint != "", true, true},
		{"--tls-client-ca", f.TLSClientCA != "", true, false},
	} {
		switch {
		case !o.given:
		case !f.TLS:
			return cli.Usagef("%s needs -c", o.name)
		case g.Listen && !o.server:
			return cli.Usagef("cannot use %s with -l", o.name)
		case !g.Listen && !o.client:
			return cli.Usagef("%s needs -l", o.name)
		}
	}
	switch {
	case !f.TLS:
		return nil
	case where.Datagram() || where.Network == "unixpacket":
		return cli.Usagef("cannot use TLS over %s", where.Network)
	case !g.Listen && where.Unix() && f.TLSName == "" && !f.TLSInsecure && f.TLSFingerprint == "":
		return cli.Usagef("a Unix socket has no name that a certificate could bear: give --tls-name")
	}
	return usage(f.options().Check())
}

// loadTLS reads the files that the options name.
func (g *gcat) loadTLS(where conn.Endpoint) (err error) {
	if !g.TLS {
		return nil
	}
	options := g.options()
	if g.Listen {
		g.tlsConfig, err = options.ServerConfig()
	} else {
		host := where.Host
		if host == "" {
			host = "localhost"
		}
		g.tlsConfig, err = options.ClientConfig(host)
	}
	if err != nil {
		return err
	}
	for _, line := range options.Warnings() {
		g.log.Infof(0, "warning: %s", line)
	}
	return nil
}

// tellCertificate says by which certificate clients will know the listener.
func (g *gcat) tellCertificate() {
	if g.tlsConfig == nil {
		return
	}
	kind := "certificate"
	if g.TLSCert == "" {
		kind = "throw-away certificate"
	}
	sum := tlsconn.OwnFingerprint(g.tlsConfig)
	g.log.Event(1, cli.Event{
		Name:   "info",
		Text:   fmt.Sprintf("%s with SHA-256 fingerprint %s", kind, sum),
		Fields: []cli.Field{{Key: "fingerprint", Value: sum}},
	})
}

// secureClient performs the handshake over a connection that was made to where.
func (g *gcat) secureClient(ctx context.Context, c net.Conn, where conn.Endpoint) (net.Conn, error) {
	s, err := tlsconn.Client(ctx, conn.NewSocket(c, nil), g.tlsConfig)
	if err != nil {
		if e, ok := errors.AsType[*conn.Error](err); ok && g.via != nil {
			e.Op = "TLS with " + where.Address() // not with the proxy
		}
		return nil, err
	}
	g.tellTLS(s)
	return s, nil
}

// handshakeMost is what a peer may take for its handshake with a listener that was
// told no limit: nobody holds a place by saying nothing.
const handshakeMost = 10 * time.Second

// secureServer performs the handshake over a connection that was accepted, if
// TLS was asked for, under the limits of a listener: the connect limit if it was
// given, and the idle limit.
func (g *gcat) secureServer(ctx context.Context, c net.Conn) (net.Conn, error) {
	if g.tlsConfig == nil {
		return c, nil
	}
	limited, end := context.WithCancelCause(ctx)
	defer end(nil)
	passed := func(format string, limit time.Duration) {
		end(&conn.Error{Why: conn.Timeout, Op: "TLS with " + address(c.RemoteAddr()), Err: fmt.Errorf(format, limit)})
	}
	total, name := g.acceptLimit(), "connect limit"
	if g.ConnectTimeout == nil && g.idleLimit() == 0 {
		total, name = handshakeMost, "handshake limit"
	}
	if total > 0 {
		timer := time.AfterFunc(total, func() { passed("handshake timed out after %v ("+name+")", total) })
		defer timer.Stop()
	}
	progress := new(conn.Progress)
	progress.Start()
	if idle := g.idleLimit(); idle > 0 {
		go func() { // ends with limited
			if progress.Wait(limited, idle) == nil {
				passed("no byte of the handshake moved for %v (idle limit)", idle)
			}
		}()
	}
	s, err := tlsconn.Server(limited, conn.NewSocket(c, progress), g.tlsConfig)
	if err != nil {
		return nil, cause(limited, err)
	}
	g.tellTLS(s)
	return s, nil
}

// tellTLS says what the handshake has settled.
func (g *gcat) tellTLS(s *tlsconn.Stream) {
	if !g.log.Enabled(1) {
		return
	}
	f := s.Facts()
	words := []string{f.Version, f.Cipher}
	if f.ALPN != "" {
		words = append(words, fmt.Sprintf("ALPN %q", f.ALPN))
	}
	if f.Fingerprint != "" {
		words = append(words, fmt.Sprintf("certificate of %.200q with SHA-256 fingerprint %s", f.Peer, f.Fingerprint))
	}
	g.log.Event(1, cli.Event{
		Name: "info",
		Text: strings.Join(words, ", "),
		Fields: []cli.Field{
			{Key: "remote", Value: address(s.RemoteAddr())}, {Key: "tls", Value: f.Version}, {Key: "cipher", Value: f.Cipher},
			{Key: "alpn", Value: f.ALPN}, {Key: "fingerprint", Value: f.Fingerprint},
		},
	})
}

// sides are the remote side of a conversation over c and the socket that it is
// or stands on, which touches progress.
func sides(c net.Conn, progress *conn.Progress) (conn.Stream, *conn.Socket) {
	if s, ok := c.(*tlsconn.Stream); ok {
		socket := s.NetConn().(*conn.Socket)
		socket.Watch(progress)
		return s, socket
	}
	socket := conn.NewSocket(c, progress)
	return socket, socket
}
