package main

import (
	"context"
	"crypto/tls"
	"io/fs"
	"strings"

	"gcat/internal/cli"
	"gcat/internal/conn"
	"gcat/internal/echo"
)

// standard is where gecho listens unless told otherwise.
const standard = "tcp://127.0.0.1:7007"

// endpoints reads the endpoints of the command line.
func (g *gecho) endpoints() ([]conn.Endpoint, error) {
	var list []conn.Endpoint
	for _, text := range g.Endpoint {
		e, err := conn.ParseEndpoint(text, conn.Syntax{Listening: true, Network: "tcp", Host: "127.0.0.1"})
		if err != nil {
			return nil, cli.Usagef("%v", err)
		}
		if g.TLS && strings.HasPrefix(e.Network, "tcp") {
			e.Network = "tls"
		}
		if e.Host == "0.0.0.0" && (e.Network == "tcp" || e.Network == "udp") {
			e.Network += "4" // the net package would listen on [::] as well
		}
		list = append(list, e)
	}
	return list, nil
}

func (g *gecho) tlsOptions() conn.TLSOptions {
	return conn.TLSOptions{Cert: g.TLSCert, Key: g.TLSKey, ALPN: g.TLSALPN, ClientCA: g.TLSClientCA, Fingerprint: g.TLSFingerprint}
}

// open opens all that is to be served: nothing is, unless everything could be
// bound.
func (g *gecho) open(log *cli.Log, endpoints []conn.Endpoint) (sockets []echo.Socket, err error) {
	defer func() {
		if err != nil {
			closeAll(sockets)
			sockets = nil
		}
	}()
	if g.Inetd {
		s, err := openInetd()
		if err == nil && g.TLS {
			s.TLS, err = g.serverConfig(log)
		}
		return []echo.Socket{s}, err
	}
	if sockets, err = handedOver(); err != nil {
		return sockets, err
	}
	if len(sockets) == 0 && len(endpoints) == 0 {
		e, _ := conn.ParseEndpoint(standard, conn.Syntax{Listening: true})
		if g.TLS {
			e.Network = "tls"
		}
		endpoints = []conn.Endpoint{e}
	}
	var secure *tls.Config
	for i := range sockets {
		if g.TLS && sockets[i].Packet == nil && !sockets[i].Messages {
			if secure == nil {
				if secure, err = g.serverConfig(log); err != nil {
					return sockets, err
				}
			}
			sockets[i].TLS = secure
		}
	}
	for _, e := range endpoints {
		if e.Network == "tls" && secure == nil {
			if secure, err = g.serverConfig(log); err != nil {
				return sockets, err
			}
		}
		s, err := g.listen(e)
		if err != nil {
			return sockets, err
		}
		if e.Network == "tls" {
			s.TLS = secure
		}
		sockets = append(sockets, s)
	}
	return sockets, nil
}

// serverConfig reads the TLS files; the fingerprint of a throw-away certificate
// is told.
func (g *gecho) serverConfig(log *cli.Log) (*tls.Config, error) {
	options := g.tlsOptions()
	config, err := options.ServerConfig()
	if err != nil {
		return nil, err
	}
	for _, line := range options.Warnings() {
		log.Infof(0, "warning: %s", line)
	}
	if options.Cert == "" {
		log.Infof(1, "throw-away certificate, SHA-256 fingerprint %s", conn.OwnFingerprint(config))
	}
	return config, nil
}

// listen binds one endpoint.
func (g *gecho) listen(e conn.Endpoint) (echo.Socket, error) {
	config := conn.ListenConfig{Backlog: g.Backlog, Mode: fs.FileMode(g.Mode), Socket: conn.SocketOptions{ReusePort: g.ReusePort}}
	if g.NoAccept {
		config.Backlog = 1
	}
	if e.Datagram() {
		p, err := config.ListenPacket(context.Background(), e)
		if err != nil {
			return echo.Socket{}, err
		}
		return echo.Socket{Packet: p, Name: conn.EndpointOf(p.LocalAddr()).String()}, nil
	}
	l, err := config.Listen(context.Background(), e)
	if err != nil {
		return echo.Socket{}, err
	}
	bound := conn.EndpointOf(l.Addr())
	if e.Network == "tls" {
		bound.Network = "tls"
	}
	if g.NoAccept {
		echo.FillBacklog(l)
	}
	return echo.Socket{Listener: l, Name: bound.String(), Messages: e.Network == "unixpacket"}, nil
}

func closeAll(sockets []echo.Socket) {
	for _, s := range sockets {
		for _, c := range []interface{ Close() error }{closer(s.Listener), closer(s.Packet), closer(s.Conn)} {
			if c != nil {
				_ = c.Close()
			}
		}
	}
}

func closer[T interface{ Close() error }](c T) interface{ Close() error } {
	if any(c) == nil {
		return nil
	}
	return c
}
