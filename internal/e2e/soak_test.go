//go:build unix

package e2e

import (
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"gcat/internal/testing/script"
)

var (
	soakFor  = flag.Duration("soak", 0, "how long TestSoak runs (2s; with $GCAT_LONG 2m)")
	soakSeed = flag.Uint64("soak.seed", 0, "what TestSoak draws its conversations from (0: the time)")
)

// TestSoak holds random conversations with one gecho and two gcat -lk that
// stay, one of them with a command that leaves a daemon behind: both directions, all sizes, clients that reset, leave early, stop reading
// for a while, or are killed. What comes back is compared; afterwards the servers
// have the descriptors, threads and memory that they had, the goroutines of
// their beginning, and no child, zombies included.
//
//	go test ./internal/e2e -run Soak -soak 1h -timeout 0
func TestSoak(t *testing.T) {
	lasting := *soakFor
	if lasting == 0 {
		lasting = 2 * time.Second
		if os.Getenv(long) != "" {
			lasting = 2 * time.Minute
		}
	}
	seed := *soakSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-soak.seed %d", seed)
	path := filepath.Join(t.TempDir(), "sock")
	cmd := exec.Command(script.Telling(t, "gecho"), "-w", "20", "127.0.0.1:0", "tls://127.0.0.1:0", path)
	script.Tell(t, cmd)
	echo := launch(t, cmd)
	echo.out.await(t, path+"\n")
	places := strings.Fields(echo.out.String())
	echoAt := strings.TrimPrefix(places[0], "tcp://")
	sinkReady := filepath.Join(t.TempDir(), "ready")
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	cmd = exec.Command(script.Telling(t, "gcat"), "-lk", "-w", "20", "--ready", sinkReady, "127.0.0.1", "0")
	script.Tell(t, cmd)
	cmd.Stdout = null
	sink := launch(t, cmd)
	sinkAt := awaitFile(t, sinkReady)

	execReady := filepath.Join(t.TempDir(), "ready")
	cmd = exec.Command(script.Telling(t, "gcat"), "-lk", "-w", "20", "--ready", execReady,
		"-e", "setsid sleep 0.1 </dev/null >/dev/null 2>&1 & cat", "127.0.0.1", "0")
	script.Tell(t, cmd)
	serve := launch(t, cmd)
	execAt := awaitFile(t, execReady)

	var fresh [3]int
	for i, p := range []*proc{echo, sink, serve} {
		fresh[i], _ = script.Goroutines(t, p.cmd)
	}
	s := &soak{t: t, echoAt: echoAt, tlsAt: places[1], unixAt: path, sinkAt: sinkAt, execAt: execAt, counts: make(map[string]int)}
	warm := time.Now().Add(lasting / 4)
	s.run(seed, warm)
	before := []holding{usageOf(t, echo), usageOf(t, sink), usageOf(t, serve)}
	s.run(seed+1, time.Now().Add(lasting*3/4))
	for i, p := range []*proc{echo, sink, serve} {
		name := filepath.Base(p.cmd.Path)
		// What a killed client left behind ends within the servers' idle limit.
		var after holding
		var goroutines int
		var what string
		for end := time.Now().Add(25 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
			goroutines, what = script.Goroutines(t, p.cmd)
			if after = usageOf(t, p); after.files <= before[i].files && goroutines <= fresh[i] && after.children == 0 {
				break
			}
		}
		t.Logf("%s: %v, then %v; %d goroutines, then %d", name, before[i], after, fresh[i], goroutines)
		if goroutines > fresh[i] {
			t.Errorf("%s: %d goroutines, %d in the beginning: %s", name, goroutines, fresh[i], what)
		}
		if after.files > before[i].files {
			t.Errorf("%s: %d descriptors, %d before", name, after.files, before[i].files)
		}
		if after.children > 0 {
			t.Errorf("%s: %d children", name, after.children)
		}
		if after.threads > before[i].threads+4 {
			t.Errorf("%s: %d threads, %d before", name, after.threads, before[i].threads)
		}
		if !script.Race() && after.memory > before[i].memory*3/2+(16<<10) {
			t.Errorf("%s: %d KiB, %d before", name, after.memory, before[i].memory)
		}
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
	}
	if got := echo.status(); got != 0 {
		t.Errorf("gecho: status %d; it said %.300q", got, echo.err)
	}
	sink.status()
	serve.status()
	for _, p := range []*proc{echo, sink, serve} {
		if text := p.err.String(); strings.Contains(text, "panic") || strings.Contains(text, "goroutine") {
			t.Errorf("it said %.1000q", text)
		}
	}
	t.Logf("%d conversations, %d bytes: %v", s.held.Load(), s.bytes.Load(), s.counts)
}

// A soak is a run of conversations.
type soak struct {
	t                                     *testing.T
	echoAt, tlsAt, unixAt, sinkAt, execAt string
	held, bytes                           atomic.Int64
	mu                                    sync.Mutex
	counts                                map[string]int
}

// run holds conversations, four at a time, until end.
func (s *soak) run(seed uint64, end time.Time) {
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			random := rand.New(rand.NewPCG(seed, uint64(worker)))
			for first := true; first || time.Now().Before(end) && !s.t.Failed(); first = false {
				s.converse(random)
			}
		})
	}
	all.Wait()
}

// converse draws a conversation and holds it.
func (s *soak) converse(random *rand.Rand) {
	kinds := []string{"whole", "whole", "whole", "send", "reset", "leave", "pause", "killed", "half", "peer", "tls", "unix", "exec"}
	kind := kinds[random.IntN(len(kinds))]
	size := int64(1) << random.IntN(21)
	size += random.Int64N(size)
	seed := random.Uint64()
	var err error
	switch kind {
	case "whole": // gcat to gecho and back
		err = s.gcat(seed, size, "-w", "25", s.echoAt)
	case "peer": // the same by another program
		err = s.peer(seed, size)
	case "tls":
		err = s.gcat(seed, size, "-w", "25", "--tls-insecure", s.tlsAt)
	case "unix":
		err = s.gcat(seed, size, "-w", "25", "-U", s.unixAt)
	case "exec":
		err = s.gcat(seed, size, "-w", "25", s.execAt)
	case "send": // gcat to gcat
		err = s.status(0, seed, size, "--send-only", s.sinkAt)
	case "killed":
		err = s.killed(seed, size)
	default:
		err = s.abuse(kind, seed, size)
	}
	s.held.Add(1)
	s.bytes.Add(size)
	s.mu.Lock()
	s.counts[kind]++
	s.mu.Unlock()
	if err != nil {
		s.t.Errorf("%s of %d bytes (flow %d): %v", kind, size, seed, err)
	}
}

func (s *soak) gcat(seed uint64, size int64, args ...string) error {
	return s.compare(exec.Command(script.Path("gcat"), args...), seed, size)
}

// compare gives cmd the flow, and compares what it writes.
func (s *soak) compare(cmd *exec.Cmd, seed uint64, size int64) error {
	cmd.Stdin = flow(seed, size)
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%w: %s", err, stderrOf(err))
	}
	if string(out) != flowText(seed, size) {
		return fmt.Errorf("%d bytes came back, and not what was sent", len(out))
	}
	return nil
}

func stderrOf(err error) string {
	if e, ok := err.(*exec.ExitError); ok {
		return string(e.Stderr)
	}
	return ""
}

func (s *soak) status(want int, seed uint64, size int64, args ...string) error {
	cmd := exec.Command(script.Path("gcat"), args...)
	cmd.Stdin = flow(seed, size)
	out, err := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != want || len(out) > 0 {
		return fmt.Errorf("status %d, %v: %s", got, err, out)
	}
	return nil
}

func (s *soak) peer(seed uint64, size int64) error {
	path, err := exec.LookPath("nc.openbsd")
	if err != nil {
		return nil // the interoperation table says so
	}
	host, port, _ := net.SplitHostPort(s.echoAt)
	return s.compare(exec.Command(path, "-N", host, port), seed, size)
}

// killed kills a client in the middle.
func (s *soak) killed(seed uint64, size int64) error {
	cmd := exec.Command(script.Path("gcat"), s.echoAt)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	_, _ = io.CopyN(stdin, flow(seed, size), min(size, 60_000))
	_ = cmd.Process.Kill()
	_ = stdin.Close()
	_ = cmd.Wait() // it was killed
	return nil
}

// abuse is a client of gecho that does not behave.
func (s *soak) abuse(kind string, seed uint64, size int64) error {
	d, err := net.Dial("tcp", s.echoAt)
	if err != nil {
		return err
	}
	defer d.Close()
	c := d.(*net.TCPConn)
	_ = c.SetDeadline(time.Now().Add(limit))
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = io.Copy(c, flow(seed, size))
		_ = c.CloseWrite()
	}()
	switch kind {
	case "reset":
		_, _ = io.CopyN(io.Discard, c, size/2)
		resetNow(c)
	case "leave":
		_, _ = io.CopyN(io.Discard, c, size/3)
		_ = c.Close()
	case "half": // it reads only when all is sent, or cannot be
		select {
		case <-sent:
		case <-time.After(50 * time.Millisecond):
		}
		fallthrough
	case "pause":
		if kind == "pause" {
			_, _ = io.CopyN(io.Discard, io.LimitReader(c, 1), 1)
			time.Sleep(20 * time.Millisecond)
			rest := flow(seed, size)
			_, _ = io.CopyN(io.Discard, rest, 1)
			want, _ := tallyOf(rest)
			if got, err := tallyOf(c); err != nil || got != want {
				return fmt.Errorf("%v came back of %v, %v", got, want, err)
			}
		} else if got, err := tallyOf(c); err != nil || got != flowTally(seed, size) {
			return fmt.Errorf("%v came back of %v, %v", got, flowTally(seed, size), err)
		}
	}
	<-sent
	return nil
}

// A holding is what a process holds.
type holding struct {
	files, threads int
	children       int // zombies included
	memory, peak   int // KiB resident
}

func (u holding) String() string {
	return fmt.Sprintf("%d descriptors, %d threads, %d children, %d KiB", u.files, u.threads, u.children, u.memory)
}

// usageOf reads a process's holding (Linux; elsewhere it is nothing).
func usageOf(t *testing.T, p *proc) (u holding) {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d/", p.cmd.Process.Pid)
	files, err := os.ReadDir(dir + "fd")
	if err != nil {
		return u
	}
	u.files, u.children = len(files), childrenOf(p)
	status, _ := os.ReadFile(dir + "status")
	for line := range strings.Lines(string(status)) {
		key, value, _ := strings.Cut(line, ":")
		n, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
		switch key {
		case "Threads":
			u.threads = n
		case "VmRSS":
			u.memory = n
		case "VmHWM":
			u.peak = n
		}
	}
	return u
}
