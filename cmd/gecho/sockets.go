package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"strings"
	"sync"

	"gcat/internal/cli"
	"gcat/internal/conn"
	"gcat/internal/echo"
	"gcat/internal/tlsconn"
)

// defaultEndpoint is listened on if none is given.
const defaultEndpoint = "tcp://127.0.0.1:7007"

// endpoints reads the endpoints of the command line, and that of --to. If there is none to
// listen on, and no socket was handed over, it is the default one.
func (g *gecho) endpoints() ([]conn.Endpoint, error) {
	words := g.Endpoint
	switch {
	case len(words) == 2 && isHost(words[0]) && strings.Trim(words[1], "0123456789") == "":
		return nil, cli.Hint(cli.Usagef("bad endpoint %q: want HOST:PORT", words[0]), "type gecho "+words[0]+":"+words[1])
	case len(words) == 0 && !g.Inetd && len(g.handed) == 0:
		words = []string{defaultEndpoint}
	}
	var list []conn.Endpoint
	for _, text := range words {
		e, err := conn.ParseEndpoint(text, conn.Syntax{Listening: true, Network: "tcp", Host: "127.0.0.1"})
		if err != nil {
			return nil, cli.WithStatus(cli.Usage, err)
		}
		e.TLS = e.TLS || g.TLS && strings.HasPrefix(e.Network, "tcp")
		list = append(list, e)
	}
	var err error
	if g.To != "" {
		if g.to, err = conn.ParseEndpoint(g.To, conn.Syntax{Network: "tcp"}); err != nil {
			err = cli.Usagef("--to: %v", err)
		}
	}
	return list, err
}

// isHost reports whether word can only be a host, and no service.
func isHost(word string) bool {
	_, err := netip.ParseAddr(word)
	return err == nil && !strings.Contains(word, ":") || word == "localhost"
}

func (g *grammar) tlsOptions() tlsconn.Options {
	return tlsconn.Options{
		Cert: g.TLSCert, Key: g.TLSKey, ALPN: g.TLSALPN, ClientCA: g.TLSClientCA, Fingerprint: g.TLSFingerprint,
		KeyLog: os.Getenv("SSLKEYLOGFILE"),
	}
}

// open opens all endpoints. If one cannot be bound, it returns those before it, too.
func (g *gecho) open(ctx context.Context, server *echo.Server, endpoints []conn.Endpoint) (sockets []echo.Socket, err error) {
	config := sync.OnceValues(func() (config *tls.Config, err error) {
		err = cli.Interruptible(ctx, func() (err error) {
			config, err = g.serverConfig(server)
			return err
		})
		return config, err
	})
	add := func(s echo.Socket, secure bool) (err error) {
		if secure {
			s.TLS, err = config()
			if address, ok := strings.CutPrefix(s.Name, "tcp://"); ok {
				s.Name = "tls://" + address
			}
		}
		sockets = append(sockets, s)
		return err
	}
	for _, s := range g.handed {
		if g.To != "" && (s.Messages || (s.Packet != nil) != g.to.Datagram()) {
			return sockets, cli.Failf(cli.Local, "LISTEN_FDS: %s cannot be handed on to %s", s.Name, g.to)
		}
		if err := add(s, g.TLS && s.Packet == nil && !s.Messages); err != nil {
			return sockets, err
		}
	}
	for _, e := range endpoints {
		s, err := g.listen(ctx, e)
		if err == nil {
			err = add(s, e.TLS)
		}
		if err != nil {
			return sockets, err
		}
	}
	return sockets, g.refuseSelf(ctx, sockets)
}

// refuseSelf refuses a target that is one of the sockets: each connection would make
// the next, until none is left.
func (g *gecho) refuseSelf(ctx context.Context, sockets []echo.Socket) error {
	if g.To == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, connectLimit)
	defer cancel()
	for _, s := range sockets {
		if g.to.Reaches(ctx, conn.Resolver{}, s.Addr()) {
			return cli.Usagef("cannot use --to %s: it is our own address, %s", g.To, s.Name)
		}
	}
	return nil
}

// serverConfig reads the TLS files, or makes a throw-away certificate and logs its
// fingerprint. With a fault of the certificate it also sets the server's BadTLS. The file
// of --tls-ca-out is written after the others have been read.
func (g *gecho) serverConfig(server *echo.Server) (config *tls.Config, err error) {
	options := g.tlsOptions()
	if g.TLSCAOut != "" {
		if options.Authority, err = tlsconn.NewAuthority(); err != nil {
			return nil, err
		}
	}
	config, err = options.ServerConfig()
	if errors.Is(err, tlsconn.ErrNoKey) && g.TLSKey == "" {
		return nil, cli.Hint(err, "--tls-key FILE names the private key of --tls-cert")
	}
	if err != nil {
		return nil, err
	}
	if g.TLSCAOut != "" {
		err := conn.WriteOutput(g.TLSCAOut, string(options.Authority.PEM()), cli.Stderr, g.Script, g.Replay, g.TLSCA, g.TLSClientCA)
		if err != nil {
			return nil, err
		}
	}
	if options.KeyLog != "" {
		g.log.Infof(1, "warning: the keys of TLS are appended to %q (SSLKEYLOGFILE)", options.KeyLog)
	}
	fault := tlsconn.Fault(g.TLSFault)
	if options.Cert == "" && (!fault.OfCertificate() || g.FaultRate < 1) {
		g.logCertificate("throw-away certificate", config)
	}
	if fault.OfCertificate() {
		options.Fault = fault
		if server.Faults.BadTLS, err = options.ServerConfig(); err != nil {
			return nil, err
		}
		g.logCertificate(fmt.Sprintf("throw-away certificate (%s)", fault), server.Faults.BadTLS)
	}
	return config, nil
}

// logCertificate logs the fingerprint of the certificate of config.
func (g *gecho) logCertificate(kind string, config *tls.Config) {
	sum := tlsconn.OwnFingerprint(config)
	g.log.Event(1, "info", kind+", SHA-256 fingerprint "+sum, "fingerprint", sum)
}

// listen binds one endpoint.
func (g *grammar) listen(ctx context.Context, e conn.Endpoint) (echo.Socket, error) {
	config := conn.ListenConfig{
		Backlog: g.Backlog, Mode: fs.FileMode(g.Mode), Socket: conn.SocketOptions{ReusePort: g.ReusePort},
	}
	if g.NoAccept {
		config.Backlog = 1
	}
	var h conn.Handed
	var err error
	if e.Datagram() {
		h.Packet, err = config.ListenPacket(ctx, e)
	} else {
		h.Listener, err = config.Listen(ctx, e)
		h.Messages = e.Network == "unixpacket"
	}
	if err != nil {
		return echo.Socket{}, err
	}
	if g.NoAccept && h.Listener != nil {
		echo.FillBacklog(h.Listener)
	}
	return socketOf(h), nil
}

func closeAll(sockets []echo.Socket) {
	for _, s := range sockets {
		_ = s.Close()
	}
}
