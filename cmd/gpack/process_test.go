package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"gcat/internal/testing/script"
)

// TestLinksNoNetwork keeps sockets and TLS out of gpack.
func TestLinksNoNetwork(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-deps", "gcat/cmd/gpack").Output()
	if err != nil {
		t.Fatal(err)
	}
	for dep := range strings.FieldsSeq(string(out)) {
		if dep == "net" || dep == "crypto/tls" || strings.HasPrefix(dep, "net/http") {
			t.Errorf("gpack links %s", dep)
		}
	}
	out, err = exec.Command("go", "list", "-deps", "gcat/internal/pack").Output()
	if err != nil {
		t.Fatal(err)
	}
	for dep := range strings.FieldsSeq(string(out)) {
		first, _, _ := strings.Cut(dep, "/")
		if strings.Contains(first, ".") || dep == "net" || strings.HasPrefix(dep, "crypto/") ||
			strings.HasPrefix(dep, "gcat/") && dep != "gcat/internal/pack" {
			t.Errorf("internal/pack links %s", dep)
		}
	}
}

// TestLive checks that each record is answered before the next one comes: the
// writer goes on only when it has read the answer.
func TestLive(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args   []string
		record string
		answer string
	}{
		{[]string{"-d", "!I"}, "\x00\x00\x30\x39", "12345\n"},
		{[]string{"-d", "!BHIqle"}, strings.Repeat("\x00", 21), "0\t0\t0\t0\t0\t0\n"},
		{[]string{"-d", "I/s"}, "\x00\x00\x00\x02hi", "hi\n"},
		{[]string{"-d", "{z}"}, "hi\x00", "hi\n"},
		{[]string{"-dn", "5", "{leb}H"}, "\x81\x01\x00\x05", "129\t5\n"},
		{[]string{"-dj", "B/sB"}, "\x02hi\x05", "[\"hi\",5]\n"},
		{[]string{"-dx", "!H"}, "01bb\n", "443\n"},
		{[]string{"-x", "!H"}, "443\n", "01bb\n"},
		{[]string{"!3s"}, "abc\n", "abc"},
		{[]string{"-n", "5", "!3s"}, "abc\n", "abc"},
		{[]string{"-fL", "B"}, "abc\n", "\x03abc"},
		{[]string{"-df", "B"}, "\x03abc", "abc\n"},
		{[]string{"-d", "H/(HB)"}, "\x00\x01\x01\x02\x03", "1\t258\t3\n"},
		{[]string{"-d", "{=00}B:n:{#n}s{sum8}"}, "\x00\x02hi\xd3", "hi\n"},
		{[]string{"-df", "-e", "cat", "B"}, "\x03abc", "abc"},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(script.Path("gpack"), test.args...)
			cmd.Stderr = os.Stderr
			in, out := pipes(t, cmd)
			answer := make([]byte, len(test.answer))
			for range 5 {
				if _, err := io.WriteString(in, test.record); err != nil {
					t.Fatal(err)
				}
				if _, err := io.ReadFull(out, answer); err != nil || string(answer) != test.answer {
					t.Fatalf("%q %v", answer, err)
				}
			}
		})
	}
}

// TestLiveGroups checks that each element of a group without an end is answered
// before the next one comes.
func TestLiveGroups(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args    []string
		answers []string
	}{
		{[]string{"-d", "*(HB)"}, []string{"258\t3", "\t258\t3", "\t258\t3"}},
		{[]string{"-dj", "*(H:a:B:b:):list:"}, []string{`{"list":[{"a":258,"b":3}`, `,{"a":258,"b":3}`}},
	} {
		cmd := exec.Command(script.Path("gpack"), test.args...)
		cmd.Stderr = os.Stderr
		in, out := pipes(t, cmd)
		for _, want := range test.answers {
			if _, err := io.WriteString(in, "\x01\x02\x03"); err != nil {
				t.Fatal(err)
			}
			got := make([]byte, len(want))
			if _, err := io.ReadFull(out, got); err != nil || string(got) != want {
				t.Fatalf("%q %q %v", test.args, got, err)
			}
		}
	}
}

// TestLiveBehindBulk checks the same behind a stream that was fast at first, when
// there are two workers.
func TestLiveBehindBulk(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(script.Path("gpack"), "-d", "!I")
	in, out := pipes(t, cmd)
	const n = 1 << 20
	go in.Write(make([]byte, 4*n))
	if _, err := io.CopyN(io.Discard, out, 2*n); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 2)
	for i := range 9 {
		in.Write([]byte{0, 0, 0, byte(i)})
		if _, err := io.ReadFull(out, answer); err != nil || string(answer) != fmt.Sprintf("%d\n", i) {
			t.Fatalf("%q %v", answer, err)
		}
	}
}

// pipes starts cmd; it ends with the test.
func pipes(t *testing.T, cmd *exec.Cmd) (io.WriteCloser, io.Reader) {
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	watch := time.AfterFunc(script.Deadline, func() { cmd.Process.Kill() })
	t.Cleanup(func() {
		in.Close()
		io.Copy(io.Discard, out)
		if err := cmd.Wait(); err != nil && !t.Failed() && watch.Stop() {
			if status := cmd.ProcessState.ExitCode(); status != 1 {
				t.Errorf("status %d: %v", status, err)
			}
		}
		watch.Stop()
	})
	return in, out
}

// TestMemory holds the peak of the resident memory to a bound that does not
// depend on the input.
func TestMemory(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" || script.Race() {
		t.Skip("VmHWM is Linux's, and not of a program with the race detector")
	}
	const limit = 32 << 10 // kB
	huge := 64 << 20
	if testing.Short() {
		huge = 16 << 20
	}
	for _, test := range []struct {
		name  string
		args  []string
		input io.Reader
	}{
		{"integers", []string{"-d", "!I"}, zeros(huge)},
		{"mixed", []string{"-d", "!BHIq8sd"}, zeros(huge / 31 * 31)},
		{"radix", []string{"-dr2", "B"}, zeros(huge / 8)},
		{"long names", []string{"-dj", "-k", strings.Repeat("name", 20), "B"}, zeros(huge / 8)},
		{"one string", []string{"-d", "*s"}, zeros(huge / 4)},
		{"one record", []string{"-d", strconv.Itoa(huge/4) + "B"}, zeros(huge / 4)},
		{"groups", []string{"-d", "*(HB)"}, zeros(huge / 12 * 3)},
		{"groups of strings", []string{"-d", "*(B/sB)"}, zeros(huge / 8)},
		{"JSON groups", []string{"-dj", "*(HB)"}, zeros(huge / 12 * 3)},
		{"a dump", []string{"-d", "--explain", "*(HB)"}, zeros(huge / 192 * 3)},
		{"padding", []string{"-d", "9223372036854775807x"}, zeros(huge)},
		{"lines", []string{"!I"}, io.LimitReader(&repeated{text: "4294967295\n"}, int64(huge)/11*11)},
	} {
		t.Run(test.name, func(t *testing.T) {
			cmd := exec.Command(script.Path("gpack"), test.args...)
			in, out := pipes(t, cmd)
			atEnd := make(chan int, 1)
			go func() {
				// While its input is open it is alive, and its memory can be asked for.
				io.Copy(in, test.input)
				atEnd <- peak(cmd.Process.Pid)
				in.Close()
			}()
			highest := 0
			buf := make([]byte, 1<<20)
			for {
				n, err := out.Read(buf)
				highest = max(highest, peak(cmd.Process.Pid))
				if n == 0 && err != nil {
					break
				}
			}
			highest = max(highest, <-atEnd)
			t.Logf("%d kB", highest)
			if highest > limit {
				t.Errorf("%d kB", highest)
			}
		})
	}
}

type repeated struct {
	text string
	at   int
}

func (r *repeated) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = r.text[r.at]
		r.at = (r.at + 1) % len(r.text)
	}
	return len(p), nil
}

func zeros(n int) io.Reader { return io.LimitReader(&repeated{text: "\x00"}, int64(n)) }

// peak is VmHWM of a process in kB, 0 if it is gone.
func peak(pid int) int {
	file, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	defer file.Close()
	line := regexp.MustCompile(`^VmHWM:\s+(\d+) kB`)
	for s := bufio.NewScanner(file); s.Scan(); {
		if m := line.FindStringSubmatch(s.Text()); m != nil {
			n, _ := strconv.Atoi(m[1])
			return n
		}
	}
	return 0
}
