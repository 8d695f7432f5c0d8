package wire

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"
)

// TestWire sends through a bad wire and compares.
func TestWire(t *testing.T) {
	for name, fault := range map[string]Fault{
		"perfect": {},
		"late":    {Delay: 5 * time.Millisecond},
		"bad":     {Loss: 0.02, Duplicate: 0.02, Reorder: 0.05, Delay: time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := New(t, 1, fault)
			var l net.Listener
			var err error
			w.B.Do(func() { l, err = net.Listen("tcp4", w.B.Addr.String()+":0") })
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			data := bytes.Repeat([]byte("0123456789abcdef"), 1<<14)
			go func() {
				c, err := l.Accept()
				if err != nil {
					return
				}
				defer c.Close()
				_, _ = io.Copy(c, c)
			}()
			var c net.Conn
			w.A.Do(func() { c, err = net.DialTimeout("tcp4", l.Addr().String(), 20*time.Second) })
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			go func() {
				_, _ = c.Write(data)
				_ = c.(*net.TCPConn).CloseWrite()
			}()
			got, err := io.ReadAll(c)
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("%d bytes of %d came back, %v", len(got), len(data), err)
			}
			if w.Packets() == 0 {
				t.Error("nothing went through the wire")
			}
		})
	}
}

// TestCut: nothing passes a wire that is cut, until it is mended.
func TestCut(t *testing.T) {
	w := New(t, 1, Fault{Cut: true})
	var l net.Listener
	var err error
	w.B.Do(func() { l, err = net.Listen("tcp4", w.B.Addr.String()+":0") })
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	w.A.Do(func() { _, err = net.DialTimeout("tcp4", l.Addr().String(), 100*time.Millisecond) })
	if err == nil {
		t.Error("connected over a cut wire")
	}
	w.Set(Fault{})
	w.A.Do(func() { _, err = net.DialTimeout("tcp4", l.Addr().String(), 20*time.Second) })
	if err != nil {
		t.Error(err)
	}
}
