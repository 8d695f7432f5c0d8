package e2e

import (
	"io"
	"net"
	"strings"
	"testing"

	"gcat/internal/testing/script"
)

// TestBrokerHolds: a peer that never reads holds 4 MiB and a little, until it is
// dropped, whatever the size of the messages.
func TestBrokerHolds(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"--broker", "--chat"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			const silent = 20
			p, address := listener(t, "tcp", nil, "-vvk", mode)
			before := usageOf(t, p).memory
			m := gathered(t, p, address, silent+1)
			for _, c := range m[1:] {
				_ = c.(*net.TCPConn).SetReadBuffer(4096)
			}
			_, _ = io.Copy(m[0], filler{p}) // it ends at the first that is dropped
			peak := usageOf(t, p).peak
			if most := before + (silent+1)*(4<<10+640); peak > most && !script.Race() {
				t.Errorf("%d KiB at most, %d before, want %d", peak, before, most)
			}
		})
	}
}

// A filler is empty lines, until the broker drops a peer.
type filler struct{ p *proc }

func (f filler) Read(buf []byte) (int, error) {
	if strings.Contains(f.p.err.String(), "dropped: it does not keep up") {
		return 0, io.EOF
	}
	for i := range buf {
		buf[i] = '\n'
	}
	return len(buf), nil
}
