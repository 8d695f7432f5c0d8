package conn

import (
	"math"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestParseCAN(t *testing.T) {
	for in, want := range map[string]string{
		"can://vcan0": "can://vcan0",
		"can://any":   "can://any",
		"can://can0,123:7ff,92345678~DFFFFFFF,#FF,j": "can://can0,123:7ff,92345678~DFFFFFFF,#FF,j",
		"canfd://can0,0x123:0x7ff":                   "canfd://can0,0x123:0x7ff",
		"can://any,0~0,#FFFFFFFF":                    "can://any,0~0,#FFFFFFFF", // an example of candump -h
		"isotp://can0:7e0:7e8":                       "isotp://can0:7e0:7e8",
		"isotp://can0:18DA10F1:0x18DAF110":           "isotp://can0:18DA10F1:0x18DAF110",
		"j1939://can0":                               "j1939://can0",
		"j1939://can0:20,12300,123456789abc":         "j1939://can0:20,12300,123456789abc",
		"canbcm://can0":                              "canbcm://can0",
		// What is wrong is said.
		"can://":                      "the interface is missing",
		"can://an-interface-too-long": "no name of an interface",
		"can://can0,123":              `bad filter "123"`,
		"can://can0,12g:7ff":          "want hexadecimal numbers",
		"can://can0,123456789:7ff":    "want hexadecimal numbers of 32 bits",
		"can://can0,#":                `bad filter "#": want a hexadecimal number of 32 bits`,
		"can://can0,#100000000":       `bad filter "#100000000": want a hexadecimal number of 32 bits`,
		"can://can0,":                 "can://can0",
		"can://can0,123:7ff,":         `bad filter ""`,
		"isotp://can0":                "want IFACE:REQ:RSP",
		"isotp://can0:7e0":            "want IFACE:REQ:RSP",
		"isotp://can0:7e0:":           `bad id ""`,
		"isotp://can0:7e0:7e0":        "the same id",
		"isotp://can0:800:7e0":        "out of range",
		"isotp://can0:FFFFFFFF:7e0":   "out of range",
		"isotp://can0:12345:7e0":      "want 3 hexadecimal digits, or 8",
		"isotp://any:7e0:7e8":         "needs one interface",
		"j1939://any":                 "needs one interface",
		"j1939://can0:100":            "bad J1939 address",
		"j1939://can0:20,40001":       "",
		"j1939://can0:20,1,2,3":       "bad J1939 address",
		"j1939://can0:20,12399":       "bad PGN 12399",
		"j1939://can0:20,0fe99":       "j1939://can0:20,0fe99",
		"canbcm://can0:1":             "want IFACE alone",
	} {
		e, err := ParseEndpoint(in, Syntax{})
		got := e.String()
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
		if err == nil && (!e.Datagram() || !e.CAN() || EndpointOf(canAddr{e}) != e) {
			t.Errorf("%s: is not what it should be: %+v", in, e)
		}
	}
}

// The filters mean what candump's do.
func TestCANFilters(t *testing.T) {
	e, err := ParseEndpoint("can://can0,123:7ff,00000123~1fffffff", Syntax{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := e.canPlace()
	if err != nil || len(p.filters) != 2 || p.filters[0] != (unix.CanFilter{Id: 0x123, Mask: 0x7ff}) ||
		p.filters[1] != (unix.CanFilter{Id: 0x123 | unix.CAN_EFF_FLAG | unix.CAN_INV_FILTER, Mask: 0x1fffffff &^ unix.CAN_ERR_FLAG}) {
		t.Errorf("%+v, %v", p, err)
	}
}

// A length that the frame has no room for is bad data.
func TestCANFrameLength(t *testing.T) {
	for _, c := range []struct {
		form func([]byte) ([]byte, error)
		size int
		most byte
	}{{wholeFrame, canFrameSize, 8}, {fdFrame, canFDFrameSize, 64}} {
		for _, length := range []byte{0, c.most, c.most + 1, 255} {
			p := make([]byte, c.size)
			p[4] = length
			if _, err := c.form(p); err == nil != (length <= c.most) || err != nil && KindOf(err) != Local {
				t.Errorf("%d of at most %d: %v", length, c.most, err)
			}
		}
	}
}

func FuzzParseCAN(f *testing.F) {
	for _, s := range []string{"can://can0,123:7ff,#1,j", "isotp://can0:7e0:7e8", "j1939://can0:20,12300,1", "canbcm://can0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := ParseEndpoint(s, Syntax{})
		if err != nil || !e.CAN() {
			return
		}
		again, err := ParseEndpoint(e.String(), Syntax{})
		if err != nil || again != e {
			t.Errorf("%q: %+v is read back as %+v, %v", s, e, again, err)
		}
	})
}

// A datagram that grows when it is received (a classic frame among FD frames) is not
// split between two reads.
func TestInboxGrownDatagramIsWhole(t *testing.T) {
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: filepath.Join(t.TempDir(), "s")})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const sent, size, count = 16, 72, 5
	for range count {
		if _, err := c.WriteTo(make([]byte, sent), c.LocalAddr()); err != nil {
			t.Fatal(err)
		}
	}
	b := newInbox(c, bigMessage, 0)
	b.can = &canConn{received: func(s *arrival) { s.data = s.data[:size] }}
	for got, p := 0, make([]byte, size+size/2); got < count; {
		n, m, err := b.read(p, true, math.MaxInt, nil)
		if err != nil || n != size || m != 1 {
			t.Fatalf("%d bytes, %d datagrams, %v", n, m, err)
		}
		got += m
	}
}
