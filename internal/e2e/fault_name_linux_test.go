package e2e

import (
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"gcat/internal/testing/wire"
)

// A nameServer answers the look-ups of a host; a nil answer is silence.
type nameServer func(name string, kind dnsmessage.Type) (dnsmessage.RCode, []netip.Addr)

// serveNames lets the processes of h ask answer, and nobody else.
func serveNames(t *testing.T, h *wire.Host, delay time.Duration, answer nameServer) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(file, []byte("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	h.Replace("/etc/resolv.conf", file)
	var c net.PacketConn
	var err error
	h.Do(func() { c, err = net.ListenPacket("udp4", "127.0.0.1:53") })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go func() { // ends when c is closed
		buf := make([]byte, 4096)
		for {
			n, from, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			reply := answer.reply(buf[:n])
			time.AfterFunc(delay, func() { _, _ = c.WriteTo(reply, from) })
		}
	}()
}

func (answer nameServer) reply(query []byte) []byte {
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil || len(m.Questions) == 0 {
		return nil
	}
	q := m.Questions[0]
	code, addresses := answer(strings.TrimSuffix(q.Name.String(), "."), q.Type)
	m.Response, m.RecursionAvailable, m.RCode, m.Additionals = true, true, code, nil
	for _, a := range addresses {
		header := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1}
		switch {
		case q.Type == dnsmessage.TypeA && a.Is4():
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: a.As4()}})
		case q.Type == dnsmessage.TypeAAAA && a.Is6():
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}})
		}
	}
	packed, err := m.Pack()
	if err != nil {
		return nil
	}
	return packed
}

// Name servers that fail in their ways: each says so in one line, with the name,
// and none lasts longer than the connect limit.
func TestFaultNames(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		code   dnsmessage.RCode
		status int
		words  string
	}{
		"none":    {dnsmessage.RCodeNameError, 3, "connect to host.test:7: no such name"},
		"empty":   {dnsmessage.RCodeSuccess, 3, "connect to host.test:7: no such name"},
		"fails":   {dnsmessage.RCodeServerFailure, 3, "connect to host.test:7: name server failed"},
		"refuses": {dnsmessage.RCodeRefused, 3, "connect to host.test:7: name server failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := wire.NewHost(t)
			serveNames(t, h, 0, func(string, dnsmessage.Type) (dnsmessage.RCode, []netip.Addr) { return c.code, nil })
			on(t, h, gcatCmd("host.test", "7")).ends(c.status, "", c.words)
			on(t, h, gcatCmd("-z", "host.test", "7")).ends(c.status, "", "host.test")
		})
	}
	t.Run("slow", func(t *testing.T) {
		t.Parallel()
		h := wire.NewHost(t)
		serveNames(t, h, 20*time.Second, func(string, dnsmessage.Type) (dnsmessage.RCode, []netip.Addr) {
			return dnsmessage.RCodeSuccess, nil
		})
		start := time.Now()
		on(t, h, gcatCmd("--connect-timeout", "300ms", "host.test", "7")).ends(4, "", "timed out after 300ms (connect limit)")
		if took := time.Since(start); took > 15*time.Second {
			t.Errorf("it took %v", took)
		}
	})
	t.Run("slow, but in time", func(t *testing.T) {
		t.Parallel()
		w := wire.New(t, 1, wire.Fault{})
		l, _, port := listenOn(t, w.B)
		go func() { // ends when l is closed
			if c, err := l.Accept(); err == nil {
				_, _ = io.WriteString(c, "alive")
				_ = c.Close()
			}
		}()
		serveNames(t, w.A, 600*time.Millisecond, func(_ string, kind dnsmessage.Type) (dnsmessage.RCode, []netip.Addr) {
			return dnsmessage.RCodeSuccess, []netip.Addr{w.B.Addr}
		})
		on(t, w.A, gcatCmd("host.test", port)).ends(0, "alive", "")
	})
	t.Run("nobody", func(t *testing.T) {
		t.Parallel()
		h := wire.NewHost(t)
		file := filepath.Join(t.TempDir(), "resolv.conf")
		if err := os.WriteFile(file, []byte("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		h.Replace("/etc/resolv.conf", file)
		p := on(t, h, gcatCmd("host.test", "7"))
		if got := p.status(); got != 3 {
			t.Errorf("status %d, want 3", got)
		}
		p.says("connect to host.test:7: ")
	})
}

// A name with ten addresses that are dead and one that lives: the live one is
// found within the staggered tries, wherever it stands.
func TestFaultManyAddresses(t *testing.T) {
	t.Parallel()
	w := wire.New(t, 1, wire.Fault{})
	l, _, port := listenOn(t, w.B)
	go func() { // ends when l is closed
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, "alive")
			_ = c.Close()
		}
	}()
	var dead []netip.Addr
	for i := range 10 {
		dead = append(dead, netip.AddrFrom4([4]byte{10, 9, 0, byte(100 + i)}))
	}
	serveNames(t, w.A, 0, func(name string, kind dnsmessage.Type) (dnsmessage.RCode, []netip.Addr) {
		switch {
		case kind != dnsmessage.TypeA:
			return dnsmessage.RCodeSuccess, nil
		case name == "first.test":
			return dnsmessage.RCodeSuccess, append([]netip.Addr{w.B.Addr}, dead...)
		case name == "last.test":
			return dnsmessage.RCodeSuccess, append(append([]netip.Addr(nil), dead...), w.B.Addr)
		}
		return dnsmessage.RCodeSuccess, dead
	})
	on(t, w.A, gcatCmd("first.test", port)).ends(0, "alive", "")
	on(t, w.A, gcatCmd("last.test", port)).ends(0, "alive", "")
	p := on(t, w.A, gcatCmd("-w3.5", "dead.test", port))
	p.ends(4, "", "timed out after 3.5s (connect limit)")
	for _, a := range dead {
		p.says(a.String()) // every address tried is named
	}
}
