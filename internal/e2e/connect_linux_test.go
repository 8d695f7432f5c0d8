package e2e

import (
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gcat/internal/testing/wire"

	"golang.org/x/net/dns/dnsmessage"
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
func TestConnectNames(t *testing.T) {
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
func TestConnectManyAddresses(t *testing.T) {
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

// Nobody answers the SYN: our clock ends it.
func TestConnectSYNDropped(t *testing.T) {
	t.Parallel()
	w := wire.New(t, 1, wire.Fault{})
	for _, flag := range []string{"--connect-timeout=300ms", "-w0.3", "--deadline=0.3"} {
		on(t, w.A, gcatCmd(flag, "10.9.0.77", "7")).ends(4, "", "300ms")
	}
	on(t, w.A, gcatCmd("-z", "-w0.3", "10.9.0.77", "7")).ends(4, "", "10.9.0.77")
	// The kernel's own patience is not our clock: status 3.
	w.A.Sysctl("ipv4/tcp_syn_retries", "1")
	on(t, w.A, gcatCmd("--connect-timeout=0", "10.9.0.77", "7")).ends(3, "", "connect to 10.9.0.77:7: connection timed out")
}

// A host without a way to the address.
func TestConnectUnreachable(t *testing.T) {
	t.Parallel()
	w := wire.New(t, 1, wire.Fault{})
	on(t, w.A, gcatCmd("192.0.2.1", "7")).ends(3, "", "connect to 192.0.2.1:7: network is unreachable")
	on(t, w.A, gcatCmd("-u", "192.0.2.1", "7")).ends(3, "", "network is unreachable")
	for kind, words := range map[string]string{
		"unreachable": "no route to host",
		"prohibit":    "permission denied",
		"blackhole":   "a route discards what goes there",
	} {
		w.A.Do(func() {
			if out, err := exec.Command("ip", "route", "replace", kind, "198.51.100.0/24").CombinedOutput(); err != nil {
				t.Fatalf("ip route: %v: %s", err, out)
			}
		})
		on(t, w.A, gcatCmd("198.51.100.1", "7")).ends(3, "", "connect to 198.51.100.1:7: "+words)
	}
	// The same "invalid argument" of the system has other causes.
	on(t, w.A, gcatCmd("-s", "127.0.0.1", "10.9.0.2", "7")).ends(3, "", "connect to 10.9.0.2:7: the source address 127.0.0.1 cannot reach it")
	on(t, w.A, gcatCmd("-u", "-s", "127.0.0.1", "10.9.0.2", "7")).ends(3, "", "the source address 127.0.0.1 cannot reach it")
	on(t, w.A, gcatCmd("fe80::2", "7")).ends(3, "", "a link-local address needs its interface: fe80::2%INTERFACE")
	on(t, w.A, gcatCmd("-s", "fe80::1", "fe80::2%wire0", "7")).ends(3, "", "source address: a link-local address needs its interface: fe80::1%INTERFACE")
}

// An address that the system calls an invalid argument is called by its name.
func TestConnectLinkLocal(t *testing.T) {
	start(t, nil, "fe80::1", "7").ends(3, "", "connect to [fe80::1]:7: a link-local address needs its interface: fe80::1%INTERFACE")
}
