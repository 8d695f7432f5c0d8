//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"
)

// datagramCells are gcat with datagrams, beside socat, and nc.openbsd and ncat
// where they receive: they cannot choose the size of a datagram, and send what a read
// brings, which from a pipe is 16 KiB (nc.openbsd) or more.
//
// A sender sends to a socket that nobody reads, which costs it the same as one
// that is read. A receiver is offered datagrams at a fixed rate, and its value is
// how many of a hundred it took.
func (b *Bench) datagramCells() []Cell {
	var cells []Cell
	for _, size := range []int{1400, 64} {
		c := Cell{
			Name: fmt.Sprintf("udp-send-%d", size), What: fmt.Sprintf("from a pipe into UDP datagrams of %d bytes", size), Unit: "GB/s",
			Bounds: []Bound{{Against: "socat", Limit: 3}, {Of: CPU, Against: "socat", Limit: 0.5}},
		}
		for _, t := range b.datagramTools(size) {
			if t.udpSend != nil {
				c.Contenders = append(c.Contenders, Contender{Name: t.name, Run: b.udpSend(t, size)})
			}
		}
		cells = append(cells, c)
	}
	receive := Cell{
		Name: "udp-receive", What: fmt.Sprintf("%d datagrams of 1400 bytes a second into a pipe", offered), Unit: "% taken",
		Bounds: []Bound{{Against: "nc.openbsd", Limit: 1}, {Of: CPU, Against: "nc.openbsd", Limit: 1}},
	}
	unixSend := Cell{Name: "unixgram-send", What: "from a pipe into Unix datagrams of 1400 bytes", Unit: "GB/s",
		Bounds: []Bound{{Against: "socat", Limit: 1}, {Of: CPU, Against: "socat", Limit: 1}}}
	unixReceive := Cell{Name: "unixgram-receive", What: "Unix datagrams of 1400 bytes into a pipe", Unit: "GB/s",
		Bounds: []Bound{{Against: best, Limit: 1}, {Of: CPU, Against: best, Limit: 1}}}
	for _, t := range b.datagramTools(1400) {
		if t.udpReceive != nil {
			receive.Contenders = append(receive.Contenders, Contender{Name: t.name, Run: b.udpReceive(t)})
		}
		if t.unixSend != nil {
			unixSend.Contenders = append(unixSend.Contenders, Contender{Name: t.name, Run: b.unixgram(t, true)})
		}
		if t.unixReceive != nil {
			unixReceive.Contenders = append(unixReceive.Contenders, Contender{Name: t.name, Run: b.unixgram(t, false)})
		}
	}
	return append(cells, receive, unixSend, unixReceive)
}

// What a receiver is offered: datagrams a second, and for how long.
const (
	offered    = 50_000
	offeredFor = time.Second
	packets    = 200_000 // that a sender sends
)

// A datagramTool is a program's command lines, given a port or a path; nil is
// what it cannot do.
type datagramTool struct {
	name                                       string
	udpSend, udpReceive, unixSend, unixReceive func(at string) []string
}

// datagramTools are gcat and those of its peers that are there.
func (b *Bench) datagramTools(size int) []datagramTool {
	n := strconv.Itoa(size)
	command := func(words ...string) func(string) []string {
		return func(at string) []string {
			argv := make([]string, len(words))
			for i, w := range words {
				argv[i] = string(bytes.ReplaceAll([]byte(w), []byte("AT"), []byte(at)))
			}
			return argv
		}
	}
	gcat := b.Binary("gcat")
	all := []datagramTool{{"gcat",
		command(gcat, "-u", "--send-only", "--datagram-size", n, "127.0.0.1", "AT"),
		command(gcat, "-lud", "127.0.0.1", "AT"),
		command(gcat, "-uU", "--send-only", "--datagram-size", n, "AT"),
		command(gcat, "-luUd", "AT"),
	}}
	if path, err := exec.LookPath("nc.openbsd"); err == nil {
		all = append(all, datagramTool{"nc.openbsd", nil, command(path, "-lud", "127.0.0.1", "AT"), nil, command(path, "-luUd", "AT")})
	}
	if path, err := exec.LookPath("socat"); err == nil {
		all = append(all, datagramTool{"socat",
			command(path, "-u", "-b"+n, "-", "UDP4:127.0.0.1:AT"), command(path, "-u", "UDP4-RECV:AT,bind=127.0.0.1", "-"),
			command(path, "-u", "-b"+n, "-", "UNIX-SENDTO:AT"), command(path, "-u", "UNIX-RECV:AT", "-")})
	}
	if path, err := exec.LookPath("ncat"); err == nil {
		all = append(all, datagramTool{"ncat", nil, command(path, "-lu", "--recv-only", "127.0.0.1", "AT"), nil, nil})
	}
	return all
}

// udpSend is a sender once.
func (b *Bench) udpSend(t datagramTool, size int) func(context.Context) (Sample, error) {
	return func(ctx context.Context) (Sample, error) {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			return Sample{}, err
		}
		defer c.Close()
		return b.sendDatagrams(ctx, t.udpSend(strconv.Itoa(c.LocalAddr().(*net.UDPAddr).Port)), int64(size)*packets)
	}
}

// sendDatagrams gives a sender so many bytes on a pipe.
func (b *Bench) sendDatagrams(ctx context.Context, argv []string, total int64) (Sample, error) {
	r, w, err := pipe()
	if err != nil {
		return Sample{}, err
	}
	start := time.Now()
	p, err := Start(ctx, argv, r, nil)
	r.Close()
	if err != nil {
		w.Close()
		return Sample{}, err
	}
	go func() { // ends with the sender
		defer w.Close()
		buf := make([]byte, 64<<10)
		for left := total; left > 0; left -= int64(len(buf)) {
			if _, err := w.Write(buf[:min(left, int64(len(buf)))]); err != nil {
				return
			}
		}
	}()
	used, _, err := p.Wait(patience)
	used.Bytes, used.Value = total, float64(total)/1e9/time.Since(start).Seconds()
	return used, err
}

// udpReceive is a receiver once.
func (b *Bench) udpReceive(t datagramTool) func(context.Context) (Sample, error) {
	return func(ctx context.Context) (Sample, error) {
		port, err := freePort()
		if err != nil {
			return Sample{}, err
		}
		number, _ := strconv.Atoi(port)
		return b.receiveDatagrams(ctx, t.udpReceive(port), func() bool { return bound("/proc/net/udp", fmt.Sprintf(":%04X ", number)) },
			func() (float64, error) {
				c, err := net.Dial("udp4", "127.0.0.1:"+port)
				if err != nil {
					return 0, err
				}
				defer c.Close()
				buf := make([]byte, 1400)
				n, all := 0, int(offered*offeredFor.Seconds())
				for start := time.Now(); n < all; time.Sleep(200 * time.Microsecond) {
					for due := min(all, int(time.Since(start).Seconds()*offered)); n < due; n++ {
						_, _ = c.Write(buf) // what is lost is what is counted
					}
				}
				time.Sleep(100 * time.Millisecond) // all is there
				return 100 / float64(all*len(buf)), nil
			})
	}
}

// receiveDatagrams starts a receiver, and once it is bound lets send send; its
// value is what came, times what send returns (0: GB/s).
func (b *Bench) receiveDatagrams(ctx context.Context, argv []string, ready func() bool, send func() (float64, error)) (Sample, error) {
	r, w, err := pipe()
	if err != nil {
		return Sample{}, err
	}
	defer r.Close()
	p, err := Start(ctx, argv, nil, w)
	w.Close()
	if err != nil {
		return Sample{}, err
	}
	var got atomic.Int64
	go func() { // ends with the receiver
		buf := make([]byte, 256<<10)
		for {
			n, err := r.Read(buf)
			got.Add(int64(n))
			if err != nil {
				return
			}
		}
	}()
	for end := time.Now().Add(5 * time.Second); !ready(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			_, _, _ = p.Wait(0)
			return Sample{}, errTooLong
		}
	}
	start := time.Now()
	unit, failed := send()
	took := time.Since(start)
	if unit == 0 {
		unit = 1 / 1e9 / took.Seconds()
	}
	used, _, err := p.Wait(0)
	if failed != nil {
		err = failed
	}
	used.Bytes = got.Load()
	used.Value = float64(used.Bytes) * unit
	return used, err
}

// bound reports whether a list of sockets has one with that address.
func bound(list, address string) bool {
	data, _ := os.ReadFile(list)
	return bytes.Contains(data, []byte(address))
}

// unixgram is a sender or a receiver once.
func (b *Bench) unixgram(t datagramTool, sends bool) func(context.Context) (Sample, error) {
	return func(ctx context.Context) (Sample, error) {
		path := filepath.Join(b.Dir, "gram")
		defer os.Remove(path)
		if !sends {
			return b.receiveDatagrams(ctx, t.unixReceive(path), func() bool { return bound("/proc/net/unix", path+"\n") }, func() (float64, error) {
				own := path + ".sender" // nc.openbsd connects to its first sender, which needs an address
				defer os.Remove(own)
				c, err := net.DialUnix("unixgram", &net.UnixAddr{Net: "unixgram", Name: own}, &net.UnixAddr{Net: "unixgram", Name: path})
				if err != nil {
					return 0, err
				}
				defer c.Close()
				buf := make([]byte, 1400)
				for range packets {
					if _, err := c.Write(buf); err != nil {
						return 0, err
					}
				}
				return 0, nil
			})
		}
		c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: path})
		if err != nil {
			return Sample{}, err
		}
		defer c.Close()
		go func() { _, _ = io.Copy(io.Discard, struct{ io.Reader }{c}) }() // ends when c is closed
		return b.sendDatagrams(ctx, t.unixSend(path), 1400*packets)
	}
}
