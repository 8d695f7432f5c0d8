package main

import (
	"context"
	"errors"
	"net"

	"gcat/internal/broker"
	"gcat/internal/cli"
	"gcat/internal/conn"
)

// brokerFlags are the options of a listener whose peers talk to each other.
type brokerFlags struct {
	Broker bool `group:"listen" help:"With -lk: all hear all."`
	Chat   bool `group:"listen" help:"The same, with names."`

	room *broker.Room // nil is neither
}

// checkBroker refuses what does not go with peers that talk to each other.
func (g *gcat) checkBroker(where conn.Endpoint) error {
	name := "--broker"
	if g.Chat {
		name = "--chat"
	}
	switch {
	case !g.Broker && !g.Chat:
		return nil
	case !g.Listen || !g.KeepOpen:
		return cli.Usagef("%s needs -lk", name)
	case g.Exec != "":
		return cli.Usagef("cannot use %s with -e", name)
	case g.SendOnly:
		return cli.Usagef("cannot use %s with --send-only", name)
	case where.Datagram() || where.Network == "unixpacket":
		return cli.Usagef("cannot use %s with %s", name, where.Network)
	}
	g.room = &broker.Room{Chat: g.Chat}
	return nil
}

// join makes the peer a member of the room and holds its conversation.
func (g *gcat) join(ctx context.Context, c net.Conn, where conn.Endpoint) error {
	ctx, drop := context.WithCancelCause(ctx)
	defer drop(nil)
	progress := new(conn.Progress)
	remote, socket := sides(c, progress)
	peer := g.peerName(c, where)
	member := g.room.Enter(peer, drop)
	g.log.Infof(2, "%s hears the others (peer %d)", peer, member.Number)
	relay := &conn.Relay{
		Local: member, Remote: g.wrapRemote(remote, peer), Socket: socket, Peer: peer, Progress: progress,
		Idle: g.idleLimit(),
	}
	defer g.counting(relay)()
	result := relay.Run(ctx)
	member.Leave()
	if dropped, ok := errors.AsType[*conn.Error](result.Err); ok && dropped == context.Cause(ctx) {
		result.EndedBy = "local"
	}
	g.closed(c, relay, result)
	return result.Err
}
