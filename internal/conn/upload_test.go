package conn

import (
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"
)

// How much a Unix peer has left unread is not known once it is gone: what our kernel has
// not taken is only a part of it.
func TestUnixPeerLeaves(t *testing.T) {
	peer, socket := socketPair(t, "unix")
	local, say, _ := newPipeSide()
	relay := &Relay{Local: local, Remote: socket, Peer: "peer"}
	done := make(chan Result, 1)
	go func() { done <- relay.Run(t.Context()) }()
	_ = peer.CloseWrite()
	<-local.closed
	go func() { // ends when say is closed
		for err := error(nil); err == nil; {
			_, err = say.Write(make([]byte, bufferSize))
		}
	}()
	if _, err := io.ReadFull(peer, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	_ = peer.Close()
	r := <-done
	_ = say.Close()
	if KindOf(r.Err) != NotDelivered || !strings.HasSuffix(r.Err.Error(), ", not all of them delivered: connection reset by peer") {
		t.Errorf("%v", r.Err)
	}
}

// An output that fails in the middle of an upload resets the connection, for an end
// in order would make half an upload a whole one; behind the end of the input it
// does not.
func TestOutputFailsInUpload(t *testing.T) {
	for name, c := range map[string]struct {
		relay  *Relay
		ended  bool // before the output fails
		atPeer error
	}{
		"during the upload": {relay: &Relay{}, atPeer: syscall.ECONNRESET},
		"behind it":         {relay: &Relay{}, ended: true, atPeer: io.EOF},
		"without one":       {relay: &Relay{RecvOnly: true}, atPeer: io.EOF},
	} {
		t.Run(name, func(t *testing.T) {
			peer, socket := socketPair(t, "tcp")
			local, say, hear := newPipeSide()
			relay := c.relay
			relay.Local, relay.Remote, relay.Peer = local, socket, "peer"
			done := make(chan Result, 1)
			go func() { done <- relay.Run(t.Context()) }()
			if !relay.RecvOnly {
				_, _ = io.WriteString(say, "half")
				if _, err := io.ReadFull(peer, make([]byte, 4)); err != nil {
					t.Fatal(err)
				}
			}
			if c.ended {
				_ = say.Close()
				if n, err := peer.Read(make([]byte, 1)); n != 0 || err != io.EOF {
					t.Fatalf("%d, %v", n, err)
				}
			}
			hear.CloseWithError(outputError(syscall.ENOSPC))
			_, _ = io.WriteString(peer, "answer")
			r := <-done
			_ = say.Close()
			if e, ok := errors.AsType[*Error](r.Err); !ok || e.Why != Local || r.EndedBy != "local" {
				t.Errorf("%+v", r)
			}
			if _, err := peer.Read(make([]byte, 1)); !errors.Is(err, c.atPeer) {
				t.Errorf("the peer got %v, want %v", err, c.atPeer)
			}
		})
	}
}
