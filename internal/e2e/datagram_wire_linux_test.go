package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gcat/internal/testing/wire"

	"golang.org/x/sys/unix"
)

// A record is a datagram that tells its number and its length, and has a hash
// over everything: a part of one, or two run together, is none.
const recordHead = 4 + 4 + 8

func record(number, size int) []byte {
	b := make([]byte, size)
	binary.BigEndian.PutUint32(b, uint32(number))
	binary.BigEndian.PutUint32(b[4:], uint32(size))
	_, _ = io.ReadFull(flow(uint64(number), int64(size)), b[recordHead:])
	sum := sha256.Sum256(b)
	copy(b[8:], sum[:8])
	return b
}

// numberOf is the number of a record that is whole.
func numberOf(b []byte) (int, error) {
	if len(b) < recordHead || int(binary.BigEndian.Uint32(b[4:])) != len(b) {
		return 0, fmt.Errorf("%d bytes that are no record", len(b))
	}
	number := int(binary.BigEndian.Uint32(b))
	if !bytes.Equal(b, record(number, len(b))) {
		return 0, fmt.Errorf("record %d is not as it was sent", number)
	}
	return number, nil
}

// numbersIn are the numbers of the records that were written one after the other.
func numbersIn(t *testing.T, text string) (numbers []int) {
	t.Helper()
	for b := []byte(text); len(b) > 0; {
		if len(b) < recordHead || int(binary.BigEndian.Uint32(b[4:])) > len(b) {
			t.Fatalf("behind %d records there are %d bytes that are none", len(numbers), len(b))
		}
		size := int(binary.BigEndian.Uint32(b[4:]))
		n, err := numberOf(b[:size])
		if err != nil {
			t.Fatal(err)
		}
		numbers, b = append(numbers, n), b[size:]
	}
	return numbers
}

// upTo are the numbers from 0 on.
func upTo(n int) (numbers []int) {
	for i := range n {
		numbers = append(numbers, i)
	}
	return numbers
}

// What a wire does to datagrams, and what then arrives of those numbered in
// order.
var datagramFaults = map[string]struct {
	fault wire.Fault
	check func(numbers []int, n int) bool
}{
	"loss": {wire.Fault{Loss: 0.3}, func(got []int, n int) bool {
		return len(got) > 0 && len(got) < n && slices.IsSorted(got) && len(slices.Compact(slices.Clone(got))) == len(got)
	}},
	"duplication": {wire.Fault{Duplicate: 1}, func(got []int, n int) bool {
		twice := append(upTo(n), upTo(n)...)
		slices.Sort(twice)
		return slices.Equal(got, twice)
	}},
	"reordering": {wire.Fault{Reorder: 0.3}, func(got []int, n int) bool {
		sorted := slices.Sorted(slices.Values(got))
		return slices.Equal(sorted, upTo(n)) && !slices.Equal(sorted, got)
	}},
}

// packetOn opens a UDP socket of the test's on a host, with room.
func packetOn(t *testing.T, h *wire.Host) (c *net.UDPConn, host, port string) {
	t.Helper()
	var err error
	h.Do(func() { c, err = net.ListenUDP("udp4", &net.UDPAddr{IP: h.Addr.AsSlice()}) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetReadBuffer(1 << 20)
	_ = c.SetDeadline(time.Now().Add(limit))
	host, port, _ = net.SplitHostPort(c.LocalAddr().String())
	return c, host, port
}

// heardFrom reads a datagram, and returns who sent it.
func heardFrom(t *testing.T, c *net.UDPConn, want string) *net.UDPAddr {
	t.Helper()
	buf := make([]byte, 1<<16)
	n, from, err := c.ReadFromUDP(buf)
	if err != nil || string(buf[:n]) != want {
		t.Fatalf("%q came, %v, want %q", buf[:n], err, want)
	}
	return from
}

// What the wire loses is missing, what it doubles comes twice, what it reorders
// comes so; and each datagram that is written out is whole. A client and a
// listener.
func TestDatagramsReceived(t *testing.T) {
	const n = 60
	for name, c := range datagramFaults {
		for _, role := range []string{"client", "listener"} {
			t.Run(name+" "+role, func(t *testing.T) {
				t.Parallel()
				w := wire.New(t, 7, wire.Fault{})
				stdin, hold := pipe(t)
				var p *proc
				var say func([]byte)
				if role == "client" {
					peer, host, port := packetOn(t, w.B)
					cmd := gcatCmd("-u", "-q0.5", "--rcvbuf", "1M", host, port)
					cmd.Stdin = stdin
					p = on(t, w.A, cmd)
					_, _ = io.WriteString(hold, "hello")
					from := heardFrom(t, peer, "hello")
					say = func(b []byte) { _, _ = peer.WriteTo(b, from) }
				} else {
					ready := filepath.Join(t.TempDir(), "ready")
					cmd := gcatCmd("-ul", "-w1", "--rcvbuf", "1M", "--ready", ready, w.B.Addr.String(), "0")
					cmd.Stdin = stdin
					p = on(t, w.B, cmd)
					address, err := net.ResolveUDPAddr("udp4", awaitFile(t, ready))
					if err != nil {
						t.Fatal(err)
					}
					peer, _, _ := packetOn(t, w.A)
					say = func(b []byte) { _, _ = peer.WriteTo(b, address) }
				}
				w.Set(c.fault)
				for i := range n {
					say(record(i, recordHead+i*i%1400))
				}
				hold.Close()
				status := 0
				if role == "listener" {
					status = 4 // it ends by its clock
				}
				if got := p.status(); got != status {
					t.Errorf("status %d, want %d; it said %q", got, status, p.err)
				}
				if got := numbersIn(t, p.out.String()); !c.check(got, n) {
					t.Errorf("%v arrived", got)
				}
			})
		}
	}
}

// The same in the other direction: each datagram is sent as one.
func TestDatagramsSent(t *testing.T) {
	const n, size = 60, 1000
	var text strings.Builder
	for i := range n {
		text.Write(record(i, size))
	}
	for name, c := range datagramFaults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := wire.New(t, 7, c.fault)
			peer, host, port := packetOn(t, w.B)
			cmd := gcatCmd("-u", "-q0.5", "--datagram-size", fmt.Sprint(size), host, port)
			cmd.Stdin = input(t, text.String())
			on(t, w.A, cmd).ends(0, "", "")
			var got []int
			_ = peer.SetReadDeadline(time.Now().Add(500 * time.Millisecond)) // all is there
			buf := make([]byte, 1<<16)
			for {
				m, _, err := peer.ReadFromUDP(buf)
				if err != nil {
					break
				}
				number, err := numberOf(buf[:m])
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, number)
			}
			if !c.check(got, n) {
				t.Errorf("%v arrived", got)
			}
		})
	}
}

// Datagrams longer than what the wire carries go in fragments: they arrive whole
// or, if one fragment is lost, not at all.
func TestDatagramFragments(t *testing.T) {
	t.Parallel()
	const n, size = 12, 20_000
	var text strings.Builder
	for i := range n {
		text.Write(record(i, size))
	}
	for name, c := range map[string]struct {
		fault wire.Fault
		all   bool
	}{
		"all arrive": {wire.Fault{Reorder: 0.2}, true},
		"loss":       {wire.Fault{Loss: 0.05}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := wire.New(t, 3, wire.Fault{})
			w.B.Sysctl("ipv4/ipfrag_max_dist", "0") // the kernel waits for late ones
			ready := filepath.Join(t.TempDir(), "ready")
			server := on(t, w.B, gcatCmd("-ul", "-w1", "--rcvbuf", "1M", "--ready", ready, w.B.Addr.String(), "0"))
			address := awaitFile(t, ready)
			w.Set(c.fault)
			cmd := gcatCmd("-u", "-q0", "--datagram-size", fmt.Sprint(size), address)
			cmd.Stdin = input(t, text.String())
			on(t, w.A, cmd).ends(0, "", "")
			if got := server.status(); got != 4 {
				t.Errorf("status %d; it said %q", got, server.err)
			}
			got := numbersIn(t, server.out.String())
			if len(got) == 0 || (len(got) == n) != c.all {
				t.Errorf("%v arrived", got)
			}
		})
	}
}

// On a path that swallows long datagrams without a word the short ones pass, and
// a client that needs an answer says that none came.
func TestDatagramBlackHole(t *testing.T) {
	t.Parallel()
	w := wire.New(t, 1, wire.Fault{MTU: 1300})
	peer, host, port := packetOn(t, w.B)
	go echoDatagrams(peer)
	for _, c := range []struct {
		size   int
		status int
		words  string
	}{{1000, 0, ""}, {1400, 4, "after 0 bytes: no answer within 500ms"}} {
		cmd := gcatCmd("-u", "-W1", "-w0.5", host, port)
		text, want := string(record(0, c.size)), ""
		if c.status == 0 {
			want = text
		}
		cmd.Stdin = input(t, text)
		on(t, w.A, cmd).ends(c.status, want, c.words)
	}
}

// echoDatagrams sends everything back. It ends when c is closed.
func echoDatagrams(c *net.UDPConn) {
	buf := make([]byte, 1<<16)
	for {
		n, from, err := c.ReadFromUDP(buf)
		if err != nil {
			return
		}
		_, _ = c.WriteTo(buf[:n], from)
	}
}

// A router says that a datagram was too long for the way behind it (ICMP
// fragmentation needed). That one is lost, as datagrams are; the kernel cuts the
// next ones, and the conversation goes on.
func TestDatagramPathMTU(t *testing.T) {
	t.Parallel()
	w := wire.New(t, 1, wire.Fault{})
	peer, host, port := packetOn(t, w.B)
	stdin, hold := pipe(t)
	cmd := gcatCmd("-u", "--lines", "-q0.5", host, port)
	cmd.Stdin = stdin
	p := on(t, w.A, cmd)
	long := strings.Repeat("x", 1399) + "\n"
	_, _ = io.WriteString(hold, long)
	from := heardFrom(t, peer, long)
	var err error
	w.B.Do(func() { err = tellMTU(w.A, w.B, from.Port, peer.LocalAddr().(*net.UDPAddr).Port, 1200) })
	if err != nil {
		t.Fatal(err)
	}
	_, _ = peer.WriteTo([]byte("still there?\n"), from) // behind the ICMP message
	p.out.await(t, "still there?\n")
	for range 3 {
		_, _ = io.WriteString(hold, long)
		heardFrom(t, peer, long)
	}
	hold.Close()
	p.ends(0, "still there?\n", "")
}

// tellMTU sends the message of a router (RFC 1191) about a datagram from a to b.
func tellMTU(a, b *wire.Host, source, destination, mtu int) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMP)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	from, to := a.Addr.As4(), b.Addr.As4()
	m := make([]byte, 8+20+8)
	m[0], m[1] = 3, 4 // destination unreachable, fragmentation needed
	binary.BigEndian.PutUint16(m[6:], uint16(mtu))
	ip := m[8:]
	ip[0], ip[6], ip[8], ip[9] = 0x45, 0x40, 64, unix.IPPROTO_UDP
	binary.BigEndian.PutUint16(ip[2:], 1428)
	copy(ip[12:], from[:])
	copy(ip[16:], to[:])
	binary.BigEndian.PutUint16(ip[20:], uint16(source))
	binary.BigEndian.PutUint16(ip[22:], uint16(destination))
	binary.BigEndian.PutUint16(ip[24:], 1408)
	binary.BigEndian.PutUint16(ip[10:], checksum(ip[:20]))
	binary.BigEndian.PutUint16(m[2:], checksum(m))
	return unix.Sendto(fd, m, 0, &unix.SockaddrInet4{Addr: from})
}

// checksum is that of the Internet (RFC 1071).
func checksum(b []byte) uint16 {
	sum := uint32(0)
	for i := 0; i < len(b); i += 2 {
		sum += uint32(b[i])<<8 | uint32(b[i+1])
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// Nobody there, as the other host's kernel says (ICMP port unreachable): 3 before
// an answer, 5 behind one, and what was answered is written out. If that word is
// lost there is silence, and -W makes that 4.
func TestDatagramRefused(t *testing.T) {
	t.Parallel()
	w := wire.New(t, 1, wire.Fault{Delay: 20 * time.Millisecond})
	peer, host, port := packetOn(t, w.B)
	stdin, hold := pipe(t)
	cmd := gcatCmd("-u", "-w20", host, port)
	cmd.Stdin = stdin
	p := on(t, w.A, cmd)
	_, _ = io.WriteString(hold, "question")
	_, _ = peer.WriteTo([]byte("answer"), heardFrom(t, peer, "question"))
	p.out.await(t, "answer")
	peer.Close()
	sayUntilItEnds(p, hold, "more")
	p.ends(5, "answer", "receive from "+host+":"+port+" after 6 bytes")
	p.says("connection refused")

	cmd = gcatCmd("-u", "-w20", host, port)
	cmd.Stdin = input(t, "question")
	on(t, w.A, cmd).ends(3, "", "receive from "+host+":"+port+" after 0 bytes: connection refused")

	w.B.Do(func() {
		if out, err := exec.Command("nft", "add table ip t; add chain ip t c { type filter hook output priority 0; }; add rule ip t c ip protocol icmp drop").CombinedOutput(); err != nil {
			t.Fatalf("nft: %v: %s", err, out)
		}
	})
	cmd = gcatCmd("-u", "-W1", "-w0.5", host, port)
	cmd.Stdin = input(t, "question")
	on(t, w.A, cmd).ends(4, "", "no answer within 500ms")
}
