//go:build linux

package e2e

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"gcat/internal/testing/script"
)

// answered sends a datagram and returns the answer; ok is false if none comes.
func answered(t *testing.T, c net.Conn, data []byte) (answer []byte, ok bool) {
	t.Helper()
	if _, err := c.Write(data); err != nil {
		t.Fatal(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(limit))
	buf := make([]byte, 300_000)
	n, err := c.Read(buf)
	return buf[:n], err == nil
}

func dialUDP(t *testing.T, local, to string) net.Conn {
	t.Helper()
	d := net.Dialer{}
	if local != "" {
		d.LocalAddr = net.UDPAddrFromAddrPort(netip.MustParseAddrPort(local))
	}
	c, err := d.Dial("udp", to)
	if err != nil {
		t.Skip(err) // a port below 1024 needs a privilege
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// Each datagram comes back alone and whole, and nothing is added to it.
func TestDatagramsWhole(t *testing.T) {
	t.Parallel()
	s := gecho(t, 3, "--suffix", "!", "--greeting", "hello", "udp://127.0.0.1:0", "udp://[::1]:0", "udp://:0")
	for i, to := range []string{s.address[0], s.address[1], "127.0.0.2" + s.address[2][4:]} {
		c := dialUDP(t, "", to)
		for _, n := range []int{0, 1, 1500, 65507} {
			data := noise(uint64(n), n)
			if got, ok := answered(t, c, data); !ok || !bytes.Equal(got, data) {
				t.Errorf("endpoint %d: %d bytes came back as %d, %v", i, n, len(got), ok)
			}
		}
	}
	if got := s.end(syscall.SIGTERM); got != 0 {
		t.Errorf("status %d", got)
	}
}

// What a server must not answer. An ordinary question afterwards, which is
// answered, tells that the other one has been through.
func TestDatagramsRefused(t *testing.T) {
	t.Parallel()
	s := gecho(t, 1, "-w", "1", "udp://0.0.0.0:0")
	port := s.address[0][len("0.0.0.0:"):]
	ask := func(c net.Conn, text string) {
		t.Helper()
		if _, err := c.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		s.said(text2reason[text])
		_ = c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		if n, err := c.Read(make([]byte, 100)); err == nil {
			t.Errorf("%s: answered with %d bytes", text, n)
		}
	}
	broadcast := dialUDP(t, "", "127.255.255.255:"+port)
	ask(broadcast, "broadcast")
	ask(dialUDP(t, "127.0.0.1:777", "127.0.0.1:"+port), "low port")
	forge(t, "127.0.0.1:"+port)
	s.said("it comes from our own address")
	if got, ok := answered(t, dialUDP(t, "", "127.0.0.1:"+port), []byte("fine")); !ok || string(got) != "fine" {
		t.Errorf("an ordinary question: %q, %v", got, ok)
	}
}

var text2reason = map[string]string{"broadcast": "broadcast or multicast", "low port": "source port is below 1024"}

// forge sends a datagram to address that says it comes from there, or from the
// address from, through a raw socket.
func forge(t *testing.T, address string, from ...string) {
	t.Helper()
	to := netip.MustParseAddrPort(address)
	source := to
	if len(from) > 0 {
		source = netip.MustParseAddrPort(from[0])
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_UDP)
	if err != nil {
		t.Skip("a raw socket:", err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: source.Addr().As4()}); err != nil {
		t.Fatal(err)
	}
	packet := binary.BigEndian.AppendUint16(nil, source.Port())
	packet = binary.BigEndian.AppendUint16(packet, to.Port())
	packet = append(packet, 0, 12, 0, 0, 'l', 'o', 'o', 'p')
	if err := unix.Sendto(fd, packet, 0, &unix.SockaddrInet4{Addr: to.Addr().As4()}); err != nil {
		t.Fatal(err)
	}
}

// What comes from any address of this machine and a port of ours is not answered
// by a socket on all addresses.
func TestOwnAddresses(t *testing.T) {
	t.Parallel()
	s := gecho(t, 2, "--loop-guard", "0", "udp://:0", "udp://127.0.0.1:0")
	port := s.address[0][strings.LastIndexByte(s.address[0], ':')+1:]
	other := s.address[1][strings.LastIndexByte(s.address[1], ':')+1:]
	forge(t, "127.0.0.1:"+port, "127.0.0.5:"+port)
	s.said("datagram not answered: it comes from our own address")
	forge(t, "127.0.0.1:"+other, "127.0.0.6:"+port)
	if got, ok := answered(t, dialUDP(t, "", "127.0.0.1:"+port), []byte("fine")); !ok || string(got) != "fine" {
		t.Errorf("an ordinary question: %q, %v", got, ok)
	}
	s.said("gecho: 127.0.0.6:")
}

// One forged packet between two servers, whose answers take their time, ends with
// the budget of the run.
func TestLoopEnds(t *testing.T) {
	t.Parallel()
	one := gecho(t, 1, "--delay", "2ms", "--loop-guard", "20", "udp://127.0.0.1:0")
	two := gecho(t, 1, "--delay", "2ms", "--loop-guard", "20", "udp://127.0.0.1:0")
	forge(t, one.address[0], two.address[0])
	for deadline := time.Now().Add(limit); ; time.Sleep(time.Millisecond) {
		if strings.Contains(one.err.String()+two.err.String(), "a run of more than 20 identical datagrams") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("they answer each other for ever")
		}
	}
	if err := one.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	one.said("21 datagrams")
}

// Replies that wait for their time hold so much and no more, and end with the
// grace of a signal.
func TestDelayedDatagrams(t *testing.T) {
	t.Parallel()
	s := gecho(t, 1, "--delay", "1h", "--grace", "100ms", "udp://127.0.0.1:0")
	c := dialUDP(t, "", s.address[0])
	for i := range 1000 {
		if _, err := c.Write(noise(uint64(i), 60_000)); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(s.err.String(), "not answered: 4 MiB of replies wait already") {
			break
		}
	}
	s.said("datagram not answered: 4 MiB of replies wait already")
	if held := strings.Count(s.err.String(), "delayed datagram"); held > 4<<20/60_000 {
		t.Errorf("%d replies are held", held)
	}
	if got := s.end(syscall.SIGTERM); got != 0 {
		t.Errorf("status %d", got)
	}
}

// A run of identical datagrams from one address is answered so often; others are
// not held back.
func TestLoopGuard(t *testing.T) {
	t.Parallel()
	s := gecho(t, 1, "--loop-guard", "50", "udp://127.0.0.1:0")
	c := dialUDP(t, "", s.address[0])
	// In lock step up to the limit: no buffer overflows.
	for i := range 50 {
		if got, ok := answered(t, c, []byte("same")); !ok || string(got) != "same" {
			t.Fatalf("datagram %d: %q", i, got)
		}
	}
	for range 50 {
		if _, err := c.Write([]byte("same")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Write([]byte("other")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 10)
	for count := 0; ; count++ {
		_ = c.SetReadDeadline(time.Now().Add(limit))
		n, err := c.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		if string(buf[:n]) == "other" {
			if count == 50 {
				t.Errorf("all of them were answered")
			}
			break
		}
	}
	s.said("datagram not answered: a run of more than 50 identical datagrams, which only 10s of silence ends (--loop-guard)")
}

// Where no two answers are alike, no two datagrams of a loop are either: there any
// run from one address is bounded.
func TestLoopGuardVaries(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--reply", "{n}"}, {"--reply", "{time}"}, {"--service", "chargen"}, {"--corrupt", "1"}} {
		s := gecho(t, 1, append(args, "--loop-guard", "50", "udp://127.0.0.1:0")...)
		c := dialUDP(t, "", s.address[0])
		for i := range 100 {
			if _, err := fmt.Fprintf(c, "datagram %d", i); err != nil {
				t.Fatal(err)
			}
		}
		s.said("datagram not answered: a run of more than 50 datagrams, which only 10s of silence ends (--loop-guard)")
	}
}

// The reply to a Unix peer that does not read is dropped, with a line; the server
// goes on.
func TestUnixDatagramsStuck(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := gecho(t, 1, "unixgram://"+dir+"/s")
	dial := func(name string) net.Conn {
		c, err := net.DialUnix("unixgram", &net.UnixAddr{Name: dir + "/" + name}, &net.UnixAddr{Name: dir + "/s"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	bad := dial("bad")
	for range 1000 {
		if _, err := bad.Write([]byte("never read")); err != nil {
			t.Fatal(err)
		}
	}
	s.said(fmt.Sprintf("%q: datagram not answered: the peer's queue or our send buffer is full", dir+"/bad"))
	bad.Close() // what it has not read is off our send buffer
	good, got := dial("good"), make([]byte, 10)
	for deadline := time.Now().Add(limit); ; { // the kernel may free it in its own time
		if _, err := good.Write([]byte("fine")); err != nil {
			t.Fatal(err)
		}
		_ = good.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		if n, err := good.Read(got); err == nil && string(got[:n]) == "fine" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("others are not answered")
		}
	}
	if got := s.end(syscall.SIGTERM); got != 0 {
		t.Errorf("status %d", got)
	}
}

func TestUnixDatagrams(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	gecho(t, 2, "unixgram://"+dir+"/s", "unixpacket://"+dir+"/p")
	local := &net.UnixAddr{Name: dir + "/c", Net: "unixgram"}
	c, err := net.DialUnix("unixgram", local, &net.UnixAddr{Name: dir + "/s", Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	p, err := net.DialUnix("unixpacket", nil, &net.UnixAddr{Name: dir + "/p", Net: "unixpacket"})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, n := range []int{1, 1000, 100_000} {
		data := noise(9, n)
		for _, c := range []net.Conn{c, p} {
			if got, ok := answered(t, c, data); !ok || !bytes.Equal(got, data) {
				t.Errorf("%s: %d bytes came back as %d", c.LocalAddr().Network(), n, len(got))
			}
		}
	}
	// A peer that does not read holds no other up, and gets all in the end.
	for i := range 40 {
		if _, err := c.Write([]byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if got, ok := answered(t, p, []byte("meanwhile")); !ok || string(got) != "meanwhile" {
		t.Errorf("meanwhile: %q", got)
	}
	for i := range 40 {
		b := make([]byte, 10)
		_ = c.SetReadDeadline(time.Now().Add(limit))
		if n, err := c.Read(b); err != nil || n != 1 || b[0] != byte(i) {
			t.Fatalf("reply %d: %v, %v", i, b[:n], err)
		}
	}
}

// --count counts datagrams, too.
func TestDatagramOnce(t *testing.T) {
	t.Parallel()
	s := gecho(t, 1, "--once", "udp://127.0.0.1:0")
	if got, ok := answered(t, dialUDP(t, "", s.address[0]), []byte("one")); !ok || string(got) != "one" {
		t.Errorf("%q", got)
	}
	if got := s.status(); got != 0 {
		t.Errorf("status %d", got)
	}
	s = gecho(t, 1, "--once", "--service", "discard", "udp://127.0.0.1:0")
	if _, err := dialUDP(t, "", s.address[0]).Write([]byte("one")); err != nil {
		t.Fatal(err)
	}
	if got := s.status(); got != 0 {
		t.Errorf("discard: status %d", got)
	}
}

// Datagrams that came before gecho had begun are answered like the others.
func TestDatagramsQueued(t *testing.T) {
	t.Parallel()
	p, err := net.ListenPacket("udp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	port := strconv.Itoa(p.LocalAddr().(*net.UDPAddr).Port)
	early := dialUDP(t, "", "127.0.0.2:"+port)
	if _, err := early.Write([]byte("early")); err != nil {
		t.Fatal(err)
	}
	broadcast := dialUDP(t, "", "127.255.255.255:"+port)
	if _, err := broadcast.Write([]byte("broadcast")); err != nil {
		t.Fatal(err)
	}
	f, err := p.(*net.UDPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-c", `LISTEN_PID=$$ LISTEN_FDS=1 exec "$0"`, script.Path("gecho"))
	cmd.ExtraFiles = []*os.File{f}
	s := gechoCommand(t, 1, cmd)
	f.Close()
	b := make([]byte, 10)
	_ = early.SetReadDeadline(time.Now().Add(limit))
	if n, err := early.Read(b); err != nil || string(b[:n]) != "early" {
		t.Errorf("got %q, %v", b[:n], err)
	}
	s.said("it was broadcast or multicast")
}

// Of a pair of sockets, neither of which has an address, the other one is answered.
func TestDatagramPair(t *testing.T) {
	t.Parallel()
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "ours"), os.NewFile(uintptr(pair[1]), "theirs")
	c, err := net.FileConn(ours)
	ours.Close()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	cmd := exec.Command("sh", "-c", `LISTEN_PID=$$ LISTEN_FDS=1 exec "$0"`, script.Path("gecho"))
	cmd.ExtraFiles = []*os.File{theirs}
	gechoCommand(t, 1, cmd)
	theirs.Close()
	if got, ok := answered(t, c, []byte("hello")); !ok || string(got) != "hello" {
		t.Errorf("got %q, %v", got, ok)
	}
}
