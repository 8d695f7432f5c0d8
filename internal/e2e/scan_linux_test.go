package e2e

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"

	"gcat/internal/testing/script"
	"gcat/internal/testing/wire"
)

// scarce is gcat with descriptors for about a dozen sockets.
func scarce(args ...string) *exec.Cmd {
	return exec.Command("sh", append([]string{"-c", `ulimit -n 20; exec "$@"`, "sh", script.Path("gcat")}, args...)...)
}

// scans waits for the end of a scan and checks it: the status, the open ports,
// and the whole of the diagnostic.
func (p *proc) scans(status int, open, stderr string) {
	p.t.Helper()
	p.ends(status, open, stderr)
	if got := p.err.String(); got != stderr {
		p.t.Errorf("it said %.500q, want %q", got, stderr)
	}
}

// openOn opens TCP listeners of the test's on a host. The kernel accepts for
// them.
func openOn(t *testing.T, h *wire.Host, host string, ports ...int) (all []net.Listener) {
	t.Helper()
	for _, port := range ports {
		var l net.Listener
		var err error
		h.Do(func() { l, err = net.Listen("tcp", fmt.Sprintf("%s:%d", host, port)) })
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		all = append(all, l)
	}
	return all
}

// bindOn opens a UDP socket of the test's on a host. It answers unless it is
// silent.
func bindOn(t *testing.T, h *wire.Host, host string, port int, silent bool) {
	t.Helper()
	var c net.PacketConn
	var err error
	h.Do(func() { c, err = net.ListenPacket("udp", fmt.Sprintf("%s:%d", host, port)) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if silent {
		return
	}
	go func() { // ends when the socket is closed
		buf := make([]byte, 10)
		for {
			n, from, err := c.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = c.WriteTo(buf[:n], from)
		}
	}()
}

// A scan of more ports than there are descriptors waits for its own tries to
// free one: each port gets the verdict that it would get with plenty.
func TestScanDescriptors(t *testing.T) {
	t.Parallel()
	h := wire.NewHost(t)
	hosts := input(t, "127.0.0.1 two.test\n127.0.0.2 two.test\n").Name()
	h.Replace("/etc/hosts", hosts)
	openOn(t, h, "127.0.0.1", 7, 100, 101, 1999)
	on(t, h, scarce("-z", "127.0.0.1", "1-2000")).
		scans(3, "7\n100\n101\n1999\n", "gcat: connect to 127.0.0.1: port 1-6,8-99,102-1998,2000: connection refused\n")
	on(t, h, scarce("-z", "127.0.0.1", "7,100-101,1999")).scans(0, "7\n100\n101\n1999\n", "")

	// A port is closed only if it is at none of the addresses.
	openOn(t, h, "127.0.0.2", 3, 1024)
	on(t, h, scarce("-z", "two.test", "1-1100")).
		scans(3, "3\n7\n100\n101\n1024\n", "gcat: connect to two.test: port 1-2,4-6,8-99,102-1023,1025-1100: connection refused (127.0.0.1, 127.0.0.2)\n")
}

// The same without an answer: the time limit passes for each port on its own.
func TestScanDescriptorsSilent(t *testing.T) {
	t.Parallel()
	w := wire.New(t, 1, wire.Fault{})
	p := on(t, w.A, scarce("-z", "-w0.5", "10.9.0.77", "1-40"))
	p.scans(4, "", "gcat: connect to 10.9.0.77: port 1-40: timed out after 500ms (connect limit)\n")
}

// And over UDP.
func TestScanDescriptorsUDP(t *testing.T) {
	t.Parallel()
	h := wire.NewHost(t)
	hosts := input(t, "127.0.0.1 two.test\n127.0.0.2 two.test\n").Name()
	h.Replace("/etc/hosts", hosts)
	for port := 100; port < 116; port++ {
		bindOn(t, h, "127.0.0.1", port, true)
	}
	bindOn(t, h, "127.0.0.1", 90, false)
	bindOn(t, h, "127.0.0.1", 120, false)
	second := "" // what is open at the second address only
	for port := 300; port < 400; port++ {
		bindOn(t, h, "127.0.0.2", port, false)
		second += fmt.Sprintln(port)
	}
	on(t, h, scarce("-zu", "-w2", "127.0.0.1", "1-600")).scans(4, "90\n120\n",
		"gcat: connect to 127.0.0.1: port 1-89,91-99,116-119,121-600: connection refused; port 100-115: no answer within 2s: open or filtered\n")
	on(t, h, scarce("-zu", "-w20", "two.test", "116-600")).scans(3, "120\n"+second,
		"gcat: connect to two.test: port 116-119,121-299,400-600: connection refused (127.0.0.1, 127.0.0.2)\n")
}

// What is read only once is read while there are descriptors for it: the names
// of services, and whom TLS trusts.
func TestScanDescriptorsFiles(t *testing.T) {
	t.Parallel()
	h := wire.NewHost(t)
	h.Replace("/etc/services", input(t, "odd 4444/tcp\n").Name())
	openOn(t, h, "127.0.0.1", 4444)
	on(t, h, scarce("-z", "127.0.0.1", "2000-3000", "odd")).
		scans(3, "4444\n", "gcat: connect to 127.0.0.1: port 2000-3000: connection refused\n")

	m := newMint(t)
	cert, _, _ := m.issue("localhost", nil)
	secure := openOn(t, h, "127.0.0.1", 100)[0]
	go func() { // ends when the listener is closed
		for {
			c, err := secure.Accept()
			if err != nil {
				return
			}
			s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}})
			_ = s.Handshake()
			_, _ = io.Copy(io.Discard, s)
			s.Close()
		}
	}()
	var silent []net.Listener
	for port := 101; port < 131; port++ {
		silent = append(silent, openOn(t, h, "127.0.0.1", port)...)
	}
	cmd := scarce("-zc", "127.0.0.1", "100-130")
	cmd.Env = append(cmd.Environ(), "SSL_CERT_FILE="+m.file)
	p := on(t, h, cmd)
	p.out.await(t, "100\n")
	for _, l := range silent {
		l.Close()
	}
	p.ends(3, "100\n", "gcat: connect to 127.0.0.1: port 101")
	if got := p.err.String(); strings.Contains(got, "open files") || strings.Contains(got, "certificate") {
		t.Errorf("it said %q", got)
	}
}
