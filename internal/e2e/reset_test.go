package e2e

import (
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The server resets in the middle of an upload.
func TestResetDuringUpload(t *testing.T) {
	at := serve(t, "tcp", func(c halfConn) {
		_, _ = io.CopyN(io.Discard, c, 100_000)
		resetNow(c)
	})
	start(t, input(t, strings.Repeat("x", 20<<20)), at...).ends(5, "", "connection reset by peer")
}

// The server sends a part and resets.
func TestResetAfterPart(t *testing.T) {
	at := serve(t, "tcp", func(c halfConn) {
		_, _ = io.WriteString(c, "partial")
		time.Sleep(100 * time.Millisecond) // the reset comes when the part has been read
		resetNow(c)
	})
	p := start(t, nil, at...)
	p.ends(5, "partial", "receive from 127.0.0.1:"+at[1]+" after 7 bytes: connection reset by peer")
}

// The same while we still wait for the acknowledgement of our end: whoever is
// told of the reset first must not keep it to himself.
func TestResetAtOurEnd(t *testing.T) {
	for range 30 {
		at := serve(t, "tcp", func(c halfConn) {
			_, _ = io.ReadFull(c, make([]byte, 5))
			_, _ = io.WriteString(c, "hello")
			resetNow(c)
		})
		p := start(t, input(t, "hello world"), at...)
		if got := p.status(); got != 5 {
			t.Fatalf("status %d; it said %q", got, p.err)
		}
	}
}

// The server never reads and closes, which makes its kernel reset.
func TestResetUnread(t *testing.T) {
	for _, size := range []int{5, 200_000} {
		both(t, func(t *testing.T, network string) {
			for _, flags := range [][]string{nil, {"--send-only"}} {
				at := serve(t, network, func(c halfConn) { time.Sleep(200 * time.Millisecond) })
				p := start(t, input(t, strings.Repeat("x", size)), append(flags, at...)...)
				if network == "tcp" && len(flags) > 0 && size == 5 {
					p.ends(0, "", "") // the peer's kernel had acknowledged all before it was thrown away
					continue
				}
				p.ends(5, "", "connection reset by peer")
			}
		})
	}
}

// "413" and close in the middle of an upload: the words arrive, and the
// A Unix peer that closes at once has not got what waits in standard input, and
// that is never an end in order, whichever of the two is noticed first.
func TestResetUnixPeerClosesAtOnce(t *testing.T) {
	for _, size := range []int{5, 60_000} {
		for range 30 {
			stdin, hold := pipe(t)
			_, _ = hold.WriteString(strings.Repeat("x", size))
			hold.Close()
			p := start(t, stdin, serve(t, "unix", func(halfConn) {})...)
			p.ends(5, "", "gcat: ")
		}
	}
}

// clean end of file behind them does not hide that the upload failed.
func TestResetLastWords(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		at := serve(t, network, func(c halfConn) {
			_, _ = io.CopyN(io.Discard, c, 100_000)
			_, _ = io.WriteString(c, "413 too large\n")
			_ = c.CloseWrite()
			time.Sleep(100 * time.Millisecond)
		})
		start(t, input(t, strings.Repeat("x", 20<<20)), at...).ends(5, "413 too large\n", "delivered: connection reset by peer")
	})
}

// A listener whose client sends a part and resets ends at once, although
// its input is open.
func TestResetListener(t *testing.T) {
	stdin, _ := pipe(t)
	p, c := listening(t, "tcp", stdin)
	_, _ = io.WriteString(c, "part")
	p.out.await(t, "part")
	resetNow(c)
	p.ends(5, "part", "after 4 bytes: connection reset by peer")
}

// A listener with -k outlives what its peers do.
func TestResetPeersOfKeepOpen(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		p, address := listener(t, network, nil, "-k")
		for i := range 5 {
			c := dialTest(t, network, address)
			_, _ = fmt.Fprintf(c, "peer %d\n", i)
			p.out.await(t, fmt.Sprintf("peer %d\n", i))
			if i%2 == 0 {
				resetNow(c)
			} else {
				_ = c.CloseWrite()
				if got := readAll(c); got != "" {
					t.Errorf("peer %d got %q", i, got)
				}
			}
		}
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		if got := p.status(); got != 128+15 {
			t.Errorf("status %d; it said %q", got, p.err)
		}
	})
}

// A peer that resets after a part of what it had to say: the part is on standard
// output, whole and in order, and the status tells.
func TestResetReceiving(t *testing.T) {
	t.Parallel()
	for _, size := range []int64{1, 100, 65536, 1 << 20} {
		stdin, _ := pipe(t) // stays open: the reset alone ends it
		gone := make(chan struct{})
		var p *proc
		at := serve(t, "tcp", func(c halfConn) {
			_, _ = io.Copy(c, flow(11, size))
			<-gone
			resetNow(c)
		})
		p = start(t, stdin, at...)
		awaitAtLeast(t, p.out, int(size)) // all has been taken from the socket
		close(gone)
		if got := p.status(); got != 5 {
			t.Errorf("status %d, want 5", got)
		}
		p.says("connection reset by peer")
		isFlow(t, "what arrived", p.out.String(), 11, size)
	}
}

// awaitAtLeast waits until n bytes have been written.
func awaitAtLeast(t *testing.T, w *watched, n int) {
	t.Helper()
	timeout := time.After(limit)
	for {
		w.mu.Lock()
		has, grew := w.b.Len(), w.grew
		w.mu.Unlock()
		if has >= n {
			return
		}
		select {
		case <-grew:
		case <-timeout:
			t.Fatalf("%d bytes came, want %d", has, n)
		}
	}
}

// A reset in the middle of a flood, either way, and both ways at once: what was
// written out is the beginning of what was sent, the status is 5, one line.
func TestResetInFlood(t *testing.T) {
	for _, way := range []string{"in", "out", "both"} {
		for _, role := range []string{"client", "listener"} {
			t.Run(way+" "+role, func(t *testing.T) {
				t.Parallel()
				peer := func(c halfConn) {
					taken := make(chan struct{})
					if way != "in" {
						go func() {
							_, _ = io.CopyN(io.Discard, c, 3<<20)
							close(taken)
						}()
					}
					if way != "out" {
						_, _ = io.Copy(c, flow(12, 4<<20))
					}
					if way != "in" {
						<-taken
					}
					resetNow(c)
				}
				stdin, _ := pipe(t)
				if way != "in" {
					stdin = input(t, flowText(13, 20<<20))
				}
				var p *proc
				if role == "client" {
					p = start(t, stdin, serve(t, "tcp", peer)...)
				} else {
					var c halfConn
					p, c = listening(t, "tcp", stdin)
					peer(c)
				}
				if got := p.status(); got != 5 {
					t.Errorf("status %d, want 5", got)
				}
				p.says("connection reset by peer")
				isFlowStart(t, "what arrived", p.out.String(), 12)
			})
		}
	}
}

// A peer that closes with what we sent unread: its kernel resets, and what it
// had said before is written out.
func TestResetClosedUnread(t *testing.T) {
	both(t, func(t *testing.T, network string) {
		for _, role := range []string{"client", "listener"} {
			const said = 50_000
			heard := make(chan struct{})
			peer := func(c halfConn) {
				_, _ = io.Copy(c, flow(14, said))
				<-heard
				_ = c.Close()
			}
			var p *proc
			stdin, hold := pipe(t)
			if role == "client" {
				p = start(t, stdin, serve(t, network, peer)...)
			} else {
				var c halfConn
				p, c = listening(t, network, stdin)
				go peer(c)
			}
			_, _ = io.Copy(hold, flow(15, 10_000)) // it fits in the pipe
			awaitAtLeast(t, p.out, said)
			time.Sleep(50 * time.Millisecond) // for what we say to be under way
			close(heard)
			hold.Close()
			if got := p.status(); got != 5 {
				t.Errorf("%s: status %d, want 5; it said %q", role, got, p.err)
			}
			p.says("connection reset by peer")
			isFlow(t, "what arrived", p.out.String(), 14, said)
		}
	})
}
