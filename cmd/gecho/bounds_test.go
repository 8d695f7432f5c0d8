package main

import (
	"context"
	"net"
	"testing"
	"time"

	"gcat/internal/cli"
	"gcat/internal/conn"
)

// The bounds that SECURITY of gcat(7) names and that defaults set.
func TestBoundDefaults(t *testing.T) {
	var g grammar
	if status := app.Main(&g, nil, func(*cli.Log) error { return nil }); status != 0 {
		t.Fatalf("status %d", status)
	}
	if g.Timeout.D() != time.Minute || g.MaxLine != 64<<10 || g.LoopGuard != 1000 {
		t.Errorf("-w %v, --max-line %d, --loop-guard %d", g.Timeout.D(), g.MaxLine, g.LoopGuard)
	}
}

// The endpoint of --to has 10 s in all to accept a connection and to finish the
// handshake.
func TestBoundTarget(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0") // it never answers
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	g := &gecho{grammar: &grammar{To: "tls://" + l.Addr().String(), tlsFlags: tlsFlags{TLSInsecure: true}}}
	if g.to, err = conn.ParseEndpoint(g.To, conn.Syntax{}); err != nil {
		t.Fatal(err)
	}
	to, err := g.target()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	_, err = to.Dial(context.Background())
	if d := time.Since(began); conn.KindOf(err) != conn.Timeout || d < 10*time.Second || d > 11*time.Second {
		t.Errorf("after %v: %v", d, err)
	}
}
