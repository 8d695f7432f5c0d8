package e2e

import (
	"bytes"
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"
)

func noise(seed uint64, n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	_, _ = r.Read(b)
	return b
}

// eachServer runs a test against the epoll loop and against a goroutine for each
// connection, which must not differ.
func eachServer(t *testing.T, f func(t *testing.T, args ...string)) {
	t.Run("loop", func(t *testing.T) { t.Parallel(); f(t) })
	t.Run("goroutine", func(t *testing.T) { t.Parallel(); f(t, "--reply", "{data}") })
	t.Run("lines", func(t *testing.T) { t.Parallel(); f(t, "--lines", "--max-line", "100M") })
}

// Five megabytes in, half-close, and a client that reads late and slowly.
func TestNothingLost(t *testing.T) {
	t.Parallel()
	for _, network := range []string{"0", "unix"} {
		for _, late := range []time.Duration{0, 700 * time.Millisecond, 2 * time.Second} {
			t.Run(network+late.String(), func(t *testing.T) {
				t.Parallel()
				eachServer(t, func(t *testing.T, args ...string) {
					endpoint := network
					if network != "0" {
						endpoint = t.TempDir() + "/s"
					}
					s := gecho(t, 1, append(args, endpoint)...)
					c := s.dial()
					data := noise(1, 5_000_000)
					go func() {
						_, _ = c.Write(data)
						_ = c.(interface{ CloseWrite() error }).CloseWrite()
					}()
					time.Sleep(late) // this is the client's own slowness, not a wait
					var got bytes.Buffer
					buf := make([]byte, 100_000)
					for {
						n, err := c.Read(buf)
						got.Write(buf[:n])
						if err == io.EOF {
							break
						}
						if err != nil {
							t.Fatalf("after %d bytes: %v", got.Len(), err)
						}
						time.Sleep(time.Millisecond)
					}
					if !bytes.Equal(got.Bytes(), data) {
						t.Fatalf("got %d bytes, not those sent", got.Len())
					}
					if got := s.end(syscall.SIGTERM); got != 0 {
						t.Errorf("status %d", got)
					}
				})
			})
		}
	}
}

// Many clients at once, each checked by its hash, while others reset.
func TestManyClients(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, args ...string) {
		s := gecho(t, 1, append(args, "0")...)
		clients := 300
		if len(args) == 0 {
			clients = 1000
		}
		var all sync.WaitGroup
		for i := range clients {
			all.Go(func() {
				c, err := net.DialTimeout("tcp", s.address[0], limit)
				if err != nil {
					t.Error(err)
					return
				}
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(2 * limit))
				data := noise(uint64(i), 20_000)
				if i%10 == 9 { // leaves in the middle, by a reset
					_, _ = c.Write(data)
					_ = c.(*net.TCPConn).SetLinger(0)
					return
				}
				go func() {
					_, _ = c.Write(data)
					_ = c.(*net.TCPConn).CloseWrite()
				}()
				h := sha256.New()
				n, err := io.Copy(h, c)
				if want := sha256.Sum256(data); err != nil || !bytes.Equal(h.Sum(nil), want[:]) {
					t.Errorf("client %d: %d bytes, %v", i, n, err)
				}
			})
		}
		all.Wait()
		if got := s.end(syscall.SIGTERM); got != 0 {
			t.Errorf("status %d", got)
		}
	})
}

// A client that sends and never reads is held back, and dropped after the limit.
func TestNeverReads(t *testing.T) {
	t.Parallel()
	eachServer(t, func(t *testing.T, args ...string) {
		s := gecho(t, 1, append(args, "-w", "1", "0")...)
		c := s.dial()
		began := time.Now()
		block := bytes.Repeat([]byte("0123456789abcde\n"), 4096)
		var err error
		sent, stuck := 0, 0
		for err == nil {
			var n int
			n, err = c.Write(block)
			sent += n
			if time.Since(began) < 900*time.Millisecond {
				stuck = sent
			}
		}
		if stuck > 64<<20 {
			t.Errorf("%d bytes were taken from a client that does not read", stuck)
		}
		s.said("timed out: nothing moved for 1s")
		if time.Since(began) < time.Second {
			t.Errorf("dropped after %v", time.Since(began))
		}
	})
}
