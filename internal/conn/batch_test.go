package conn

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gcat/internal/testing/script"
)

// byLine is a Cut after each line.
func byLine(p []byte) int {
	if i := bytes.IndexByte(p, '\n'); i >= 0 {
		return i + 1
	}
	return len(p)
}

// linesOf are lines of lengths in which the kernel finds runs to cut and others.
func linesOf(n int) (lines []string) {
	for i := range n {
		lines = append(lines, fmt.Sprintf("%d%s\n", i, strings.Repeat("x", i/30*13%200)))
	}
	return lines
}

// What Cut finds in one Write arrives as so many datagrams, from a client and
// from a listener, over UDP and Unix sockets; Join reads them joined, and Want
// ends the reading at exactly that many.
func TestDatagramCutAndJoin(t *testing.T) {
	lines := linesOf(120)
	text := strings.Join(lines, "")
	for _, e := range []Endpoint{
		{Network: "udp", Host: "127.0.0.1", Port: "0"},
		{Network: "udp", Host: "::1", Port: "0"},
		{Network: "unixgram", Path: filepath.Join(t.TempDir(), "s")},
	} {
		for _, batch := range []bool{false, true} {
			l, err := ListenConfig{Socket: SocketOptions{ReceiveBuffer: 4 << 20}}.ListenDatagrams(t.Context(), e)
			if err != nil {
				t.Skip(err) // without IPv6
			}
			d, err := new(Dialer).DialDatagrams(t.Context(), EndpointOf(l.Addr()))
			if err != nil {
				t.Fatal(err)
			}
			for _, side := range []struct {
				from, to Stream
			}{{d, l}, {l, d}} {
				d.Cut, l.Cut = byLine, byLine
				d.Batch, l.Batch = batch, batch
				d.Want, d.got, l.Want, l.got = len(lines)-1, 0, len(lines)-1, 0
				written := make(chan bool)
				go func() {
					defer close(written)
					for p := []byte(text); len(p) > 0; {
						n, err := side.from.Write(p)
						if n == 0 || err != nil {
							t.Errorf("%v: wrote %d, %v", e, n, err)
							return
						}
						p = p[n:]
					}
				}()
				got, err := script.ReadEach(t, side.to, bufferSize)
				<-written
				if err != io.EOF || strings.Join(got, "") != strings.Join(lines[:len(lines)-1], "") || !batch && !slices.Equal(got, lines[:len(lines)-1]) {
					t.Errorf("%v, batch %v: %d reads, %v", e, batch, len(got), err)
				}
				// The last one is still there.
				d.Want, l.Want = 0, 0
				buf := make([]byte, bufferSize)
				if n, err := side.to.Read(buf); err != nil || string(buf[:n]) != lines[len(lines)-1] {
					t.Errorf("%v: %d bytes behind them, %v", e, n, err)
				}
			}
			d.Close()
			l.Close()
		}
	}
}

// An empty write is an empty datagram with a Cut, too.
func TestDatagramCutEmpty(t *testing.T) {
	peer := script.UDPPeer(t, "127.0.0.1:0")
	d := dialUDP(t, peer.LocalAddr().String())
	d.Cut = byLine
	if n, err := d.Write(nil); n != 0 || err != nil {
		t.Fatal(n, err)
	}
	if n, _, err := peer.ReadFrom(make([]byte, 10)); n != 0 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
}

// The datagram of several that is too long is the one that is named; those before
// it were sent, and the ones behind it are not.
func TestDatagramCutTooLong(t *testing.T) {
	peer := script.UDPPeer(t, "127.0.0.1:0")
	d := dialUDP(t, peer.LocalAddr().String())
	d.Cut = byLine
	if n, err := d.Write([]byte("one\ntwo\n" + strings.Repeat("x", MaxDatagram) + "\nfour\n")); n != 8 || err != nil {
		t.Errorf("%d bytes sent, %v", n, err)
	}
	_, err := d.Read(make([]byte, 10))
	if KindOf(err) != Local || !strings.Contains(err.Error(), "65508 bytes (at most 65507): message too long") {
		t.Error(err)
	}
	buf := make([]byte, 10)
	for _, want := range []string{"one\n", "two\n"} {
		if n, _, err := peer.ReadFrom(buf); err != nil || string(buf[:n]) != want {
			t.Errorf("%q, %v, want %q", buf[:n], err, want)
		}
	}
}

// A refusal is seen between batches, and nothing is sent behind it.
func TestDatagramCutRefused(t *testing.T) {
	peer := script.UDPPeer(t, "127.0.0.1:0")
	d := dialUDP(t, peer.LocalAddr().String())
	d.Cut = func(p []byte) int { return min(100, len(p)) }
	peer.Close()
	if n, err := d.Write(make([]byte, 6400)); n != 6400 || err != nil {
		t.Errorf("%d bytes sent, %v", n, err)
	}
	if n, err := d.Write(make([]byte, 6400)); n != 0 || err != nil {
		t.Errorf("%d bytes sent behind a refusal, %v", n, err)
	}
	_, err := d.Read(make([]byte, 10))
	if e, ok := errors.AsType[*Error](err); !ok || e.Why != Refused {
		t.Error(err)
	}
}

// What the receive buffer has no room for is counted.
func TestDropped(t *testing.T) {
	const n = 1000
	l, err := ListenConfig{Socket: SocketOptions{ReceiveBuffer: 4096}}.ListenDatagrams(t.Context(), Endpoint{Network: "udp", Host: "127.0.0.1", Port: "0"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c, err := net.Dial("udp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range n {
		_, _ = c.Write([]byte("x"))
	}
	dropped := l.Dropped()
	if dropped == 0 && Dropped(c) == 0 {
		t.Skip("this system does not count them")
	}
	l.Want, l.Batch = n-int(dropped), true
	if got, err := script.ReadEach(t, l, bufferSize); err != io.EOF || len(strings.Join(got, "")) != n-int(dropped) {
		t.Errorf("%d came and %d were dropped of %d; %v", len(strings.Join(got, "")), dropped, n, err)
	}
}

// A Read that datagrams in quick succession have made wait in poll(2) still ends by a
// deadline and by Close.
func TestDatagramBriskEnds(t *testing.T) {
	for name, end := range map[string]func(net.Conn){
		"deadline": func(c net.Conn) { _ = c.SetReadDeadline(time.Unix(1, 0)) },
		"close":    func(c net.Conn) { _ = c.Close() },
	} {
		peer := script.UDPPeer(t, "127.0.0.1:0")
		d := dialUDP(t, peer.LocalAddr().String())
		started, ended := make(chan bool), make(chan error, 1)
		go func() {
			buf := make([]byte, 10)
			for n := 0; ; n++ {
				if n == 3 {
					close(started)
				}
				if _, _, err := d.conn.in.read(buf, false, 1, nil); err != nil {
					ended <- err
					return
				}
			}
		}()
		for range 3 {
			if _, err := peer.WriteTo([]byte("x"), d.Conn().LocalAddr()); err != nil {
				t.Fatal(err)
			}
		}
		<-started
		end(d.Conn())
		if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
