package e2e

import (
	"crypto/x509"
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"gcat/internal/testing/wire"
)

// on starts a process on a host of a wire.
func on(t *testing.T, h *wire.Host, cmd *exec.Cmd) (p *proc) {
	t.Helper()
	h.Do(func() { p = launch(t, cmd) })
	return p
}

// listenOn opens a listener of the test's on a host.
func listenOn(t *testing.T, h *wire.Host) (l net.Listener, host, port string) {
	t.Helper()
	var err error
	h.Do(func() { l, err = net.Listen("tcp4", net.JoinHostPort(h.Addr.String(), "0")) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	host, port, _ = net.SplitHostPort(l.Addr().String())
	return l, host, port
}

// acceptOne accepts within the limit.
func acceptOne(t *testing.T, l net.Listener) *net.TCPConn {
	t.Helper()
	_ = l.(*net.TCPListener).SetDeadline(time.Now().Add(limit))
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(limit))
	t.Cleanup(func() { c.Close() })
	return c.(*net.TCPConn)
}

// The peer vanishes in the middle of a transfer, without a word: each clock
// ends it, and what had arrived is on standard output.
func TestNetworkVanish(t *testing.T) {
	t.Parallel()
	const sent = 300_000
	for _, c := range []struct {
		flags  []string
		status int
		words  string
	}{
		{[]string{"-w0.4"}, 4, "no byte moved for 400ms (idle limit)"},
		{[]string{"--idle-timeout", "0.4"}, 4, "(idle limit)"},
		{[]string{"--deadline", "1.5"}, 4, "the run took longer than 1.5s (deadline)"},
		{[]string{"-q2"}, 0, ""}, // all that we sent was acknowledged, and all has come in time
		{[]string{"--keepalive", "1s"}, 5, "after 300000 bytes: connection timed out"},
	} {
		t.Run(strings.Join(c.flags, " "), func(t *testing.T) {
			t.Parallel()
			w := wire.New(t, 1, wire.Fault{})
			l, host, port := listenOn(t, w.B)
			cmd := patient(append(c.flags, host, port)...)
			p := on(t, w.A, cmd)
			peer := acceptOne(t, l)
			if _, err := io.Copy(peer, flow(1, sent)); err != nil {
				t.Fatal(err)
			}
			awaitAtLeast(t, p.out, sent)
			w.Set(wire.Fault{Cut: true})
			p.ends(c.status, flowText(1, sent), c.words)
		})
	}
}

// The peer vanishes during an upload: the clocks tell how much is not
// acknowledged, and without a clock the kernel's patience ends it.
func TestNetworkVanishUpload(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		flags  []string
		status int
		words  string
	}{
		{[]string{"-w0.4"}, 4, "(idle limit); "},
		{[]string{"-q0.4"}, 5, "not acknowledged 400ms after the end of input"},
		{[]string{"--deadline", "1.5"}, 4, "(deadline)"},
		{nil, 5, "connection timed out"},
		{[]string{"--send-only"}, 5, "connection timed out"},
	} {
		t.Run(strings.Join(c.flags, " "), func(t *testing.T) {
			t.Parallel()
			w := wire.New(t, 1, wire.Fault{})
			w.A.Sysctl("ipv4/tcp_retries2", "2")
			l, host, port := listenOn(t, w.B)
			stdin, hold := pipe(t)
			cmd := patient(append(c.flags, host, port)...)
			cmd.Stdin = stdin
			p := on(t, w.A, cmd)
			stdin.Close()
			peer := acceptOne(t, l)
			_, _ = io.WriteString(hold, "seen")
			if _, err := io.ReadFull(peer, make([]byte, 4)); err != nil {
				t.Fatal(err)
			}
			w.Set(wire.Fault{Cut: true})
			_, _ = io.Copy(hold, flow(1, 50_000))
			hold.Close()
			p.ends(c.status, "", c.words)
			p.says(" 5000") // what is lost, and perhaps what was seen but not acknowledged
		})
	}
}

// A listener's peer vanishes.
func TestNetworkVanishListener(t *testing.T) {
	t.Parallel()
	w := wire.New(t, 1, wire.Fault{})
	ready := t.TempDir() + "/ready"
	p := on(t, w.B, gcatCmd("-l", "-w0.5", "--ready", ready, w.B.Addr.String(), "0"))
	address := awaitFile(t, ready)
	var c net.Conn
	var err error
	w.A.Do(func() { c, err = net.DialTimeout("tcp4", address, limit) })
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, _ = io.Copy(c, flow(3, 100_000))
	awaitAtLeast(t, p.out, 100_000)
	w.Set(wire.Fault{Cut: true})
	p.ends(4, flowText(3, 100_000), "(idle limit)")
}

// Over a distance nothing tells at once that the peer is gone: shutdown(2)
// succeeds, SO_ERROR is 0, and the reset comes a round trip later.
func TestNetworkResetOverDistance(t *testing.T) {
	t.Parallel()
	for _, flags := range [][]string{nil, {"-q5"}, {"-q0"}, {"--send-only"}, {"--no-shutdown"}} {
		t.Run(strings.Join(flags, " "), func(t *testing.T) {
			t.Parallel()
			w := wire.New(t, 1, wire.Fault{Delay: 100 * time.Millisecond})
			l, host, port := listenOn(t, w.B)
			stdin, hold := pipe(t)
			cmd := gcatCmd(append(flags, host, port)...)
			cmd.Stdin = stdin
			p := on(t, w.A, cmd)
			stdin.Close()
			peer := acceptOne(t, l)
			_ = peer.Close()
			if len(flags) == 0 || flags[0] != "--send-only" {
				p.out.awaitEOF(t)
			} else {
				time.Sleep(300 * time.Millisecond) // its end of file shows nowhere
			}
			_, _ = io.WriteString(hold, "too late")
			hold.Close()
			p.ends(5, "", "8 of them not delivered: connection reset by peer")
		})
	}
}

// A wire that loses, delays, doubles and reorders changes nothing but the time.
func TestNetworkBadWire(t *testing.T) {
	t.Parallel()
	m := newMint(t)
	_, certFile, keyFile := m.issue("server", func(c *x509.Certificate) { c.IPAddresses = []net.IP{net.IPv4(10, 9, 0, 2)} })
	for name, c := range map[string]struct {
		fault        wire.Fault
		listen, dial []string
	}{
		"loss":      {fault: wire.Fault{Loss: 0.02}},
		"duplicate": {fault: wire.Fault{Duplicate: 0.1}},
		"reorder":   {fault: wire.Fault{Reorder: 0.1, Delay: time.Millisecond}},
		"delay":     {fault: wire.Fault{Delay: 40 * time.Millisecond}},
		"all":       {fault: wire.Fault{Loss: 0.01, Duplicate: 0.02, Reorder: 0.05, Delay: 2 * time.Millisecond}},
		"all tls": {
			fault:  wire.Fault{Loss: 0.01, Duplicate: 0.02, Reorder: 0.05, Delay: 2 * time.Millisecond},
			listen: []string{"-c", "--tls-cert", certFile, "--tls-key", keyFile}, dial: []string{"-c", "--tls-ca", m.file},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const size = 1 << 20
			w := wire.New(t, 42, c.fault)
			ready := t.TempDir() + "/ready"
			cmd := gcatCmd(append(c.listen, "-l", "--ready", ready, w.B.Addr.String(), "0")...)
			cmd.Stdin = input(t, flowText(5, size))
			server := on(t, w.B, cmd)
			host, port, _ := net.SplitHostPort(awaitFile(t, ready))
			cmd = gcatCmd(append(c.dial, host, port)...)
			cmd.Stdin = input(t, flowText(6, size))
			client := on(t, w.A, cmd)
			client.ends(0, flowText(5, size), "")
			server.ends(0, flowText(6, size), "")
		})
	}
}

// An MTU black hole stops an upload without a word: the idle limit tells, and
// how much is not acknowledged. Where the kernel probes, it arrives.
func TestNetworkBlackHole(t *testing.T) {
	t.Parallel()
	for _, probing := range []bool{false, true} {
		w := wire.New(t, 1, wire.Fault{MTU: 1300})
		flags := []string{"-w1"}
		if probing {
			w.A.Sysctl("ipv4/tcp_mtu_probing", "1")
			w.A.Sysctl("ipv4/tcp_retries1", "2")
			flags = nil
		}
		l, host, port := listenOn(t, w.B)
		cmd := gcatCmd(append(flags, host, port)...)
		cmd.Stdin = input(t, flowText(8, 50_000))
		p := on(t, w.A, cmd)
		peer := acceptOne(t, l)
		if !probing {
			p.ends(4, "", "(idle limit); 50000 bytes sent but not acknowledged")
			continue
		}
		isFlow(t, "what arrived", readAll(peer), 8, 50_000)
		_ = peer.Close()
		p.ends(0, "", "")
	}
}

// The route is taken away under a conversation and given back: nothing is lost.
func TestNetworkOutage(t *testing.T) {
	t.Parallel()
	w := wire.New(t, 1, wire.Fault{})
	l, host, port := listenOn(t, w.B)
	cmd := gcatCmd("-w20", host, port)
	cmd.Stdin = input(t, flowText(9, 3<<20))
	p := on(t, w.A, cmd)
	peer := acceptOne(t, l)
	head := make([]byte, 1<<20)
	if _, err := io.ReadFull(peer, head); err != nil {
		t.Fatal(err)
	}
	w.Set(wire.Fault{Cut: true})
	time.Sleep(500 * time.Millisecond) // the outage
	w.Set(wire.Fault{})
	isFlow(t, "what arrived", string(head)+readAll(peer), 9, 3<<20)
	peer.Close()
	p.ends(0, "", "")
}

// A link that is down fails what is sent now, or is waited for; it is no reset.
func TestNetworkLinkDown(t *testing.T) {
	t.Parallel()
	w := wire.New(t, 1, wire.Fault{})
	l, host, port := listenOn(t, w.B)
	stdin, _ := pipe(t)
	cmd := gcatCmd("-w2", host, port)
	cmd.Stdin = stdin
	p := on(t, w.A, cmd)
	peer := acceptOne(t, l)
	_, _ = io.WriteString(peer, "before")
	p.out.await(t, "before")
	w.A.Do(func() {
		if out, err := exec.Command("ip", "link", "set", "wire0", "down").CombinedOutput(); err != nil {
			t.Fatalf("ip link: %v: %s", err, out)
		}
	})
	p.ends(4, "before", "(idle limit)")
	on(t, w.A, gcatCmd(host, port)).ends(3, "", "network is unreachable")
}

// A link that is down for a while and returns, both ways at work and no clock:
// nothing is lost.
func TestNetworkLinkReturns(t *testing.T) {
	t.Parallel()
	const size = 3 << 20
	w := wire.New(t, 1, wire.Fault{})
	l, host, port := listenOn(t, w.B)
	cmd := gcatCmd(host, port)
	cmd.Stdin = input(t, flowText(52, size))
	p := on(t, w.A, cmd)
	peer := acceptOne(t, l)
	link := func(state string) {
		w.A.Do(func() {
			if out, err := exec.Command("ip", "link", "set", "wire0", state).CombinedOutput(); err != nil {
				t.Fatalf("ip link: %v: %s", err, out)
			}
		})
	}
	head := make([]byte, 1<<20)
	if _, err := io.ReadFull(peer, head); err != nil {
		t.Fatal(err)
	}
	said := make(chan struct{})
	go func() {
		defer close(said)
		_, _ = io.Copy(peer, flow(53, size))
		_ = peer.CloseWrite()
	}()
	awaitAtLeast(t, p.out, 100_000)
	link("down")
	time.Sleep(500 * time.Millisecond) // the outage
	link("up")
	isFlow(t, "what arrived", string(head)+readAll(peer), 52, size)
	<-said
	p.ends(0, flowText(53, size), "")
}

// A link that goes down and stays so, and no clock: the kernel's patience ends an
// upload, and the line says how much was not delivered.
func TestNetworkLinkGone(t *testing.T) {
	t.Parallel()
	w := wire.New(t, 1, wire.Fault{})
	w.A.Sysctl("ipv4/tcp_retries2", "2")
	l, host, port := listenOn(t, w.B)
	stdin, hold := pipe(t)
	cmd := gcatCmd(host, port)
	cmd.Stdin = stdin
	p := on(t, w.A, cmd)
	peer := acceptOne(t, l)
	_, _ = io.WriteString(peer, "before")
	p.out.await(t, "before")
	w.A.Do(func() {
		if out, err := exec.Command("ip", "link", "set", "wire0", "down").CombinedOutput(); err != nil {
			t.Fatalf("ip link: %v: %s", err, out)
		}
	})
	_, _ = io.Copy(hold, flow(54, 50_000))
	hold.Close()
	p.ends(5, "before", "50000")
}

// patient is a gcat whose connect limit is not the short one of -w: on a busy
// machine connecting may take longer than that.
func patient(args ...string) *exec.Cmd {
	return gcatCmd(append([]string{"--connect-timeout", "20"}, args...)...)
}
