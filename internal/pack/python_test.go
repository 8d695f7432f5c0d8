package pack

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"gcat/internal/testing/script"
)

// peer answers struct.pack and struct.unpack, one question a line: P or U, the
// format in hex, and the values or the bytes, separated by tabs.
const peer = `
import struct, sys
def value(t):
    k, v = t[0], t[1:]
    if k == 'i': return int(v)
    if k == 'f': return float(v)
    if k == 's': return bytes.fromhex(v)
    if k == '?': return v == '1'
def shown(v):
    if isinstance(v, bool): return '?1' if v else '?0'
    if isinstance(v, int): return 'i%d' % v
    if isinstance(v, float): return 'f' + struct.pack('>d', v).hex()
    return 's' + v.hex()
for line in sys.stdin:
    q, f, *rest = line.rstrip('\n').split('\t')
    f = bytes.fromhex(f).decode('latin-1')
    try:
        if q == 'P':
            print('ok\t' + struct.pack(f, *map(value, rest)).hex(), flush=True)
        elif q == 'Z':
            print('ok\t%d' % struct.calcsize(f), flush=True)
        else:
            print('ok\t' + '\t'.join(map(shown, struct.unpack(f, bytes.fromhex(rest[0])))), flush=True)
    except SystemError:
        print('broken', flush=True)
    except Exception as e:
        print('error\t' + str(e), flush=True)
`

// python is a Python that answers questions about struct.
type python struct {
	in  io.WriteCloser
	out *bufio.Scanner
	// orders are the byte orders that mean the same to both: @ and = do not if Python
	// is built for another processor, as when an emulator runs this test.
	orders string
}

func startPython(t *testing.T) *python {
	cmd := exec.Command(script.Peer(t, "python3"), "-c", peer)
	cmd.Stderr = os.Stderr
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
	t.Cleanup(func() { in.Close(); cmd.Wait() })
	scanner := bufio.NewScanner(out)
	scanner.Buffer(nil, 1<<24)
	p := &python{in, scanner, "@=<>!"}
	const native = "@BqP" // 386 aligns q to 4 bytes
	f, err := Parse(native)
	if err != nil {
		t.Fatal(err)
	}
	theirs, failure := p.ask(t, "P", native, "i1", "i2", "i3")
	ours, err := packed(f, []string{"1", "2", "3"})
	if failure != "" || err != nil {
		t.Fatal(failure, err)
	}
	if theirs[0] != hex.EncodeToString(ours) {
		p.orders = "<>!"
	}
	return p
}

// ask returns Python's answer, and its error if it is one.
func (p *python) ask(t *testing.T, question, format string, rest ...string) (answer []string, failure string) {
	t.Helper()
	line := question + "\t" + hex.EncodeToString([]byte(format))
	for _, r := range rest {
		line += "\t" + r
	}
	fmt.Fprintln(p.in, line)
	if !p.out.Scan() {
		t.Fatal("python3 has gone")
	}
	fields := strings.Split(p.out.Text(), "\t")
	if fields[0] == "ok" {
		return fields[1:], ""
	}
	return nil, strings.Join(fields, "\t")
}

const structCodes = "xcbB?hHiIlLqQnNefdspP"

// randomFormat is a format of struct, mostly a good one.
func randomFormat(r *rand.Rand, orders string) string {
	var b strings.Builder
	b.WriteByte(orders[r.IntN(len(orders))])
	for range 1 + r.IntN(6) {
		if r.IntN(4) == 0 {
			b.WriteString(" \t\n\v\f\r"[r.IntN(6):][:1])
		}
		if r.IntN(3) == 0 {
			b.WriteString(strconv.Itoa(r.IntN(5)))
		}
		b.WriteByte(structCodes[r.IntN(len(structCodes))])
	}
	return b.String()
}

// randomValue is a value for an item as Python's question has it, and as gpack's
// text.
func randomValue(r *rand.Rand, it *item) (question, text string) {
	switch it.kind {
	case truth:
		v := strconv.Itoa(r.IntN(2))
		return "?" + v, v
	case float:
		v := randomFloat(r, it.width)
		return "f" + strconv.FormatFloat(v, 'g', -1, 64), strconv.FormatFloat(v, 'g', -1, 64)
	case integer:
		w := fromTwos(r.Uint64(), r.Uint64(), 1+r.IntN(8*it.width+2), r.IntN(2) == 0)
		if r.IntN(4) == 0 {
			// The limits and their neighbours.
			least, greatest := limits(8*it.width, it.signed)
			w, _ = parseWhole([]byte([]string{least, greatest}[r.IntN(2)]))
			w.lo += uint64(r.IntN(3)) - 1
			w.hi = 0
		}
		w.hi = 0
		v := string(w.append(nil))
		return "i" + v, v
	}
	b := make([]byte, r.IntN(int(min(it.Count, 8))+3))
	if it.kind == char && r.IntN(8) > 0 {
		b = make([]byte, 1)
	}
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	var e escaper
	escaped, _ := e.append(nil, b, true)
	return "s" + hex.EncodeToString(b), string(escaped)
}

func randomFloat(r *rand.Rand, width int) float64 {
	switch r.IntN(6) {
	case 0:
		return []float64{0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.NaN(), 65504, 65519.99, 65520, 5.960464477539063e-08,
			2.980232238769531e-08, 2.9802322387695315e-08, 1.00000005960464477, math.MaxFloat32, 3.4028235677973366e+38, 1e308, 5e-324}[r.IntN(16)]
	case 1:
		return math.Float64frombits(r.Uint64())
	case 2: // between two floats of the width
		h := halfValue(uint16(r.Uint32()))
		if width == 4 {
			h = float64(math.Float32frombits(r.Uint32()))
		}
		return h * (1 + float64(r.IntN(3)-1)/[]float64{4096, 33554432}[r.IntN(2)])
	}
	return r.NormFloat64() * math.Pow(10, float64(r.IntN(12)-6))
}

// oldWords are the error texts that Python had before 3.13.
func oldWords(s string) bool {
	for _, old := range []string{"byte format requires", "ubyte format requires", "short format requires", "ushort format requires",
		"argument out of range", "int too large to convert", "int too big to convert"} {
		if strings.Contains(s, old) {
			return true
		}
	}
	return false
}

// TestPythonPack packs random values with both, good ones and bad ones.
func TestPythonPack(t *testing.T) {
	py := startPython(t)
	r := rand.New(rand.NewPCG(1, 2))
	for range rounds() {
		text := randomFormat(r, py.orders)
		f, err := Parse(text)
		if _, failure := py.ask(t, "Z", text); (failure != "") != (err != nil) {
			t.Fatalf("%q: python %q, we %v", text, failure, err)
		}
		if err != nil {
			continue
		}
		var question, values []string
		for i := range f.items {
			for range f.items[i].elements * f.items[i].perElement {
				q, v := randomValue(r, &f.items[i])
				question, values = append(question, q), append(values, v)
			}
		}
		if r.IntN(50) == 0 && len(values) > 0 {
			question, values = question[1:], values[1:]
		}
		answer, failure := py.ask(t, "P", text, question...)
		got, ours := packed(f, values)
		if failure == "broken" || strings.Contains(text, "0p") {
			continue // Python's 0p writes a byte that is not its own
		}
		if failure != "" {
			compareErrors(t, text, values, failure, ours)
			continue
		}
		if ours != nil {
			t.Fatalf("%q %q: python %s, we %v", text, values, answer, ours)
		}
		if hex.EncodeToString(got) != answer[0] {
			t.Fatalf("%q %q: python %s, we %x", text, values, answer[0], got)
		}
	}
}

// compareErrors checks that an error of ours is worded as Python's; 3.13's words
// are the same from 3.13 on.
func compareErrors(t *testing.T, format string, values []string, failure string, ours error) {
	t.Helper()
	if ours == nil {
		t.Fatalf("%q %q: python %q, we took it", format, values, failure)
	}
	why := strings.TrimPrefix(failure, "error\t")
	if !strings.Contains(ours.Error(), why) && !oldWords(why) {
		t.Fatalf("%q %q: python %q, we %q", format, values, why, ours)
	}
}

// packed is one record of the values.
func packed(f *Format, values []string) ([]byte, error) {
	fields := make([]field, len(values))
	for i, v := range values {
		fields[i].text = []byte(v)
	}
	var s packer
	return NewEncoder(f, Options{}).record(nil, fields, &s)
}

// TestPythonUnpack unpacks random bytes with both.
func TestPythonUnpack(t *testing.T) {
	py := startPython(t)
	r := rand.New(rand.NewPCG(3, 4))
	for range rounds() {
		text := randomFormat(r, py.orders)
		f, err := Parse(text)
		if err != nil {
			continue
		}
		record := make([]byte, f.size)
		for i := range record {
			record[i] = byte(r.Uint32())
		}
		answer, failure := py.ask(t, "U", text, hex.EncodeToString(record))
		if failure == "broken" {
			continue // 0p: a bug of Python's
		}
		if failure != "" {
			t.Fatalf("%q: %s", text, failure)
		}
		// Each value on its own line; what is no string is compared as bits.
		var b strings.Builder
		if _, err := NewDecoder(f, Options{Separator: "\n", Exact: true}).Decode(&b, strings.NewReader(string(record)), -1); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		got := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
		if len(answer) == 1 && answer[0] == "" {
			answer, got = nil, got[1:]
		}
		if len(got) != len(answer) {
			t.Fatalf("%q %x: python %q, we %q", text, record, answer, got)
		}
		for i, want := range answer {
			if !same(want, got[i]) {
				t.Fatalf("%q %x: value %d: python %q, we %q", text, record, i+1, want, got[i])
			}
		}
	}
}

// same compares a value of Python's with our text.
func same(want, got string) bool {
	switch kind, want := want[0], want[1:]; kind {
	case 'f':
		v, _, ok := parseFloat([]byte(got))
		bits, _ := strconv.ParseUint(want, 16, 64)
		w := math.Float64frombits(bits)
		if math.IsNaN(w) {
			return math.IsNaN(v) && math.Signbit(w) == math.Signbit(v)
		}
		// Our text is the shortest at the value's own width.
		h, hok := halfBits(v)
		return ok && (v == w || float64(float32(v)) == w || hok && halfValue(h) == w) && math.Signbit(v) == math.Signbit(w)
	case 's':
		b, err := unescape(nil, []byte(got))
		return err == nil && hex.EncodeToString(b) == want
	default:
		return want == got
	}
}

func rounds() int {
	if testing.Short() {
		return 2000
	}
	return 8000
}

// TestPythonFormats compares what is a format at all, and its size.
func TestPythonFormats(t *testing.T) {
	py := startPython(t)
	r := rand.New(rand.NewPCG(5, 6))
	const letters = "@=<>!0123456789 \txcbB?hHiIlLqQnNefdspPzrk(){}"
	for range rounds() {
		b := []byte{py.orders[r.IntN(len(py.orders))]}
		for range r.IntN(8) {
			b = append(b, letters[r.IntN(len(letters))])
		}
		if r.IntN(10) == 0 {
			b = append(b, []string{"9223372036854775807x", "4611686018427387904H", "9223372036854775806s0q", "99999999999999999999c"}[r.IntN(4)]...)
		}
		text := string(b)
		answer, failure := py.ask(t, "Z", text)
		f, err := Parse(text)
		if strings.ContainsAny(text, "(){}") {
			// What struct must refuse, it may be ours.
			if failure == "" {
				t.Fatalf("%q: python %s", text, answer[0])
			}
			continue
		}
		if failure != "" {
			if err == nil {
				t.Fatalf("%q: python %q, we took it", text, failure)
			}
			if why := strings.TrimPrefix(failure, "error\t"); !strings.Contains(err.Error(), why) {
				t.Fatalf("%q: python %q, we %q", text, why, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%q: python %s, we %v", text, answer[0], err)
		}
		if fmt.Sprint(f.size) != answer[0] {
			t.Fatalf("%q: python %s, we %d", text, answer[0], f.size)
		}
	}
}
