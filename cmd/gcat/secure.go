package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"

	"gcat/internal/conn"
	"gcat/internal/tlsconn"
)

// tlsOptions returns the TLS options of the flags. With --to, those that verify a
// server apply to the connection to its endpoint, and the certificate is the
// listener's.
func (f *tlsFlags) tlsOptions() tlsconn.Options {
	return tlsconn.Options{
		CA: f.TLSCA, Name: f.TLSName, Cert: f.TLSCert, Key: f.TLSKey, ALPN: f.TLSALPN,
		Insecure: f.TLSInsecure, Fingerprint: f.TLSFingerprint, ClientCA: f.TLSClientCA,
		KeyLog: os.Getenv("SSLKEYLOGFILE"),
	}
}

// tlsFiles are the files that TLS reads.
func (f *tlsFlags) tlsFiles() []string { return []string{f.TLSCA, f.TLSCert, f.TLSKey, f.TLSClientCA} }

// loadTLS reads the files that the options name, for the listener and for the
// targets that are dialled.
func (g *gcat) loadTLS(listener conn.Endpoint, dialled []conn.Endpoint) (err error) {
	options := g.tlsOptions()
	if g.Listen && listener.TLS {
		server := options
		if g.to.TLS {
			server.Fingerprint = ""
		}
		if g.tls, err = server.ServerConfig(); err != nil {
			return err
		}
	}
	client := options
	if g.Listen {
		client.Cert, client.Key, client.ClientCA = "", "", ""
	}
	g.trust = make(map[string]*tls.Config)
	for _, p := range dialled {
		if !p.TLS || g.trust[p.Host] != nil {
			continue
		}
		if g.trust[p.Host], err = client.ClientConfig(cmp.Or(p.Host, "localhost")); err != nil {
			return err
		}
	}
	if options.KeyLog != "" && (g.tls != nil || len(g.trust) > 0) {
		g.log.Infof(1, "warning: the keys of TLS are appended to %q (SSLKEYLOGFILE)", options.KeyLog)
	}
	return nil
}

// logCertificate logs the fingerprint of the listener's certificate.
func (g *gcat) logCertificate() {
	if g.tls == nil {
		return
	}
	kind := "certificate"
	if g.TLSCert == "" {
		kind = "throw-away certificate"
	}
	sum := tlsconn.OwnFingerprint(g.tls)
	g.log.Event(1, "info", kind+" with SHA-256 fingerprint "+sum, "fingerprint", sum)
}

// secureClient performs the TLS handshake of a client on c, a connection to to.
func (g *gcat) secureClient(ctx context.Context, c net.Conn, to conn.Endpoint) (net.Conn, error) {
	s, err := tlsconn.Client(ctx, conn.NewSocket(c), g.trust[to.Host])
	if err != nil {
		e, ok := errors.AsType[*conn.Error](err)
		if ok && g.via != nil {
			e.Op = "TLS with " + to.Address() // not with the proxy
		}
		if unknown, is := errors.AsType[*tlsconn.UnknownAuthority](err); ok && is {
			e.Try = "--tls-ca FILE trusts its authority; if this is the right peer, --tls-fingerprint " + unknown.Fingerprint
		}
		return nil, err
	}
	g.logTLS(s)
	return s, nil
}

// secureServer performs the TLS handshake of a server on an accepted connection, if
// TLS is on. Its limits are the connect limit if it was given, else 10 s, and the idle
// limit.
func (g *gcat) secureServer(ctx context.Context, p peer) (peer, error) {
	if g.tls == nil {
		return p, nil
	}
	limits := tlsconn.Limits{Total: tlsconn.HandshakeLimit, Idle: g.idleLimit()}
	if g.ConnectTimeout != nil {
		limits.Total, limits.TotalName = g.ConnectTimeout.D(), "connect limit"
	}
	s, err := tlsconn.Server(ctx, conn.NewSocket(p.Conn), g.tls, limits)
	if err != nil {
		return peer{}, conn.Cause(ctx, err)
	}
	g.logTLS(s)
	p.Conn = s
	return p, nil
}

// logTLS logs the results of the handshake.
func (g *gcat) logTLS(s *tlsconn.Stream) {
	f := s.Facts()
	words := []string{f.Version, f.Cipher}
	if f.ALPN != "" {
		words = append(words, fmt.Sprintf("ALPN %q", f.ALPN))
	}
	if f.Fingerprint != "" {
		words = append(words, fmt.Sprintf("certificate of %.200q with SHA-256 fingerprint %s", f.Peer, f.Fingerprint))
	}
	g.log.Event(1, "info", strings.Join(words, ", "), "remote", address(s.RemoteAddr()),
		"tls", f.Version, "cipher", f.Cipher, "alpn", f.ALPN, "fingerprint", f.Fingerprint)
}
