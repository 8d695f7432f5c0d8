package main

import (
	"fmt"
	"net"
	"time"

	"gcat/internal/cli"
	"gcat/internal/conn"
)

// closed says how a conversation ended and what was moved.
func (g *gcat) closed(c net.Conn, relay *conn.Relay, r conn.Result) {
	g.closedAt(address(c.LocalAddr()), relay, r)
}

// closedAt says the same of a conversation whose own end is at local.
func (g *gcat) closedAt(local string, relay *conn.Relay, r conn.Result) {
	if g.log.Level < 1 {
		return
	}
	text := fmt.Sprintf("%s: sent %d bytes, received %d in %v, ended by %s",
		relay.Peer, r.Sent, r.Received, r.Duration.Round(time.Millisecond), r.EndedBy)
	fields := []cli.Field{
		{Key: "sent", Value: r.Sent}, {Key: "received", Value: r.Received},
		{Key: "duration", Value: r.Duration}, {Key: "first_byte", Value: r.FirstByte},
		{Key: "local", Value: local}, {Key: "remote", Value: relay.Peer},
		{Key: "ended_by", Value: r.EndedBy},
	}
	if n := r.Unacknowledged - r.Unsent; n > 0 {
		text += fmt.Sprintf(", %d bytes not acknowledged", n)
		fields = append(fields, cli.Field{Key: "unacknowledged", Value: n})
	}
	if r.Unsent > 0 {
		text += fmt.Sprintf(", %d bytes not sent", r.Unsent)
		fields = append(fields, cli.Field{Key: "unsent", Value: r.Unsent})
	}
	g.log.Event(1, cli.Event{Name: "closed", Text: text, Fields: fields})
}

// address is a as a number and a port, or a path.
func address(a net.Addr) string { return conn.EndpointOf(a).Address() }

// peerName is how the remote side is called: its address, or, as the clients of
// Unix sockets have none, the path of the socket.
func peerName(c net.Conn, where conn.Endpoint) string {
	if e := conn.EndpointOf(c.RemoteAddr()); e.Path != "" && e.Path != "@" || e.Host != "" {
		return e.Address()
	}
	return where.Address()
}
