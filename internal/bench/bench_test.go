//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test binary play the roles that bench plays.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "role" {
		play(os.Args[2:])
		return
	}
	os.Exit(m.Run())
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{nil, 0},
		{[]float64{3}, 3},
		{[]float64{9, 1, 2}, 2},
		{[]float64{4, 1, 2, 100}, 3},
	} {
		if got := median(c.values); got != c.want {
			t.Errorf("median(%v) = %v, want %v", c.values, got, c.want)
		}
	}
}

// row has the samples of one contender with these values.
func row(c Contender, values ...float64) Row {
	r := Row{Contender: c}
	for _, v := range values {
		r.Samples = append(r.Samples, Sample{Value: v, Bytes: 1e9, CPU: time.Second, Peak: 3 << 20})
	}
	return r
}

func TestRatioIsPaired(t *testing.T) {
	// The medians are 20 and 10, but ours was only once the better one.
	ours, other := row(Contender{}, 10, 20, 30), row(Contender{}, 11, 10, 33)
	if got := (Cell{}).ratio(ours, other); got < 0.9 || got > 0.91 {
		t.Errorf("ratio %v, want 10/11 or 30/33", got)
	}
	if got := (Cell{LessIsBetter: true}).ratio(ours, other); got < 1.09 || got > 1.11 {
		t.Errorf("ratio of times %v, want 1.1", got)
	}
	if got := (Cell{}).ratio(ours, Row{}); got != 0 {
		t.Errorf("ratio to nothing %v, want 0", got)
	}
}

// sample is a result whose figures are easy to follow.
func sample() Result {
	tuned := row(Contender{Name: "tuned", Tuned: true}, 4, 4)
	for i := range tuned.Samples {
		tuned.Samples[i].CPU = 4 * time.Second
	}
	return Result{
		Cell: Cell{Name: "c", What: "a cell", Unit: "GB/s", Bounds: []Bound{
			{Of: Memory, Limit: 8}, {Against: best, Limit: 3}, {Against: defaults, Limit: 3},
			{Against: "limit", Limit: 0.9}, {Of: CPU, Against: best, Limit: 0.5}, {Against: "absent", Limit: 1},
		}},
		Rows: []Row{
			row(Contender{Name: "ours"}, 8, 10),
			row(Contender{Name: "plain"}, 2, 2),
			tuned,
			row(Contender{Name: "limit", Limit: true}, 9, 11),
			{Contender: Contender{Name: "broken"}, Err: errors.New("exit status 1")},
		},
	}
}

func TestVerdicts(t *testing.T) {
	want := []Verdict{
		{"at most 8 MiB resident", 3, true},
		{"at least 3 times as good as the best peer, tuned", 2.25, false},
		{"at least 3 times as good as the best peer at its defaults, plain", 4.5, true},
		{"at least 0.9 times as good as limit", (8./9 + 10./11) / 2, false},
		{"at most 0.5 of the CPU time per byte of the best peer, tuned", 0.25, true},
	}
	got := sample().verdicts()
	if len(got) != len(want) {
		t.Fatalf("%d verdicts, want %d: %v", len(got), len(want), got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("verdict %v, want %v", got[i], want[i])
		}
	}
}

func TestBestTime(t *testing.T) {
	r := Result{Cell: Cell{LessIsBetter: true}, Rows: []Row{
		row(Contender{Name: "ours"}, 1), row(Contender{Name: "slow"}, 9), row(Contender{Name: "fast"}, 2),
	}}
	if b, ok := r.best(false); !ok || b.Contender.Name != "fast" {
		t.Errorf("best is %q, want fast", b.Contender.Name)
	}
}

func TestTable(t *testing.T) {
	var b strings.Builder
	r := reporter{out: &b}
	r.cell(sample())
	const want = `
c: a cell (GB/s)
          GB/s  CPU s/GB   MiB  ratio
  ours    9.00      1.00  3.00       
  plain   2.00      1.00  3.00   4.50
  tuned   4.00      4.00  3.00   2.25
  limit   10.0      1.00  3.00  0.899
  broken  failed                       
  broken: exit status 1
  best peer: tuned, ratio 2.25
`
	if got, _, _ := strings.Cut(b.String(), "  bound:"); squeeze(got) != squeeze(want) {
		t.Errorf("table:\n%s\nwant:\n%s", got, want)
	}
	if !strings.Contains(b.String(), "bound: at least 3 times as good as the best peer, tuned: 2.25, DOES NOT HOLD\n") {
		t.Errorf("no verdict in\n%s", &b)
	}
}

// squeeze makes runs of blanks one.
func squeeze(s string) string {
	var lines []string
	for line := range strings.Lines(s) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return strings.Join(lines, "\n")
}

func TestJSON(t *testing.T) {
	var b strings.Builder
	r := reporter{out: &b, json: true}
	r.begin(Conditions{Subject: "gcat", Congestion: "reno"})
	r.cell(sample())
	if err := r.end(); err != nil {
		t.Fatal(err)
	}
	var got jsonReport
	if err := json.Unmarshal([]byte(b.String()), &got); err != nil {
		t.Fatal(err)
	}
	c := got.Cells[0]
	if got.Congestion != "reno" || c.Best != "tuned" || c.Ratio != 2.25 || len(c.Rows) != 5 || c.Rows[1].Ratio != 4.5 ||
		c.Rows[4].Error != "exit status 1" || len(c.Bounds) != 5 {
		t.Errorf("%s", &b)
	}
}

func TestFigure(t *testing.T) {
	for f, want := range map[float64]string{0: "", 0.0012: "0.001", 0.12345: "0.123", 1.2345: "1.23", 12.345: "12.3", 123.45: "123", 12345: "12345"} {
		if got := figure(f); got != want {
			t.Errorf("figure(%v) = %q, want %q", f, got, want)
		}
	}
}

func TestHighWater(t *testing.T) {
	if got := highWater([]byte("Name:\tgcat\nVmPeak:\t 99 kB\nVmHWM:\t    7168 kB\nVmRSS:\t 1 kB\n")); got != 7<<20 {
		t.Errorf("VmHWM %d, want %d", got, 7<<20)
	}
	if got := highWater([]byte("Name:\tgcat\nState:\tZ (zombie)\n")); got != 0 {
		t.Errorf("VmHWM of a zombie %d, want 0", got)
	}
}

func TestParse(t *testing.T) {
	b, err := parse([]string{"-runs", "2", "gcat", "-bytes", "64K", "-only", "small", "-json"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if b.Runs != 2 || b.Bytes != 64<<10 || b.Only != "small" || !b.JSON || b.subject.name != "gcat" {
		t.Errorf("%+v", b)
	}
	for _, args := range [][]string{{"nc"}, {"-runs", "0"}, {"-bytes", "x"}, {"-bytes", "9999999999G"}, {"-bytes", "-1"}} {
		if _, err := parse(args, io.Discard); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
}

// TestCompareBeginsElsewhere holds the rounds to their rotation, and one that
// fails to being left alone.
func TestCompareBeginsElsewhere(t *testing.T) {
	var order strings.Builder
	contender := func(name string, err error) Contender {
		return Contender{Name: name, Run: func(context.Context) (Sample, error) {
			order.WriteString(name)
			return Sample{Value: 1}, err
		}}
	}
	c := Cell{Repeat: 2, Contenders: []Contender{contender("a", nil), contender("b", errors.New("broken")), contender("c", nil)}}
	r := c.compare(t.Context(), 2)
	if order.String() != "abc"+"ca"+"ca"+"ac" {
		t.Errorf("order %q", &order)
	}
	if len(r.Rows[0].Samples) != 4 || len(r.Rows[1].Samples) != 0 || r.Rows[1].Err == nil {
		t.Errorf("%+v", r.Rows)
	}
}
