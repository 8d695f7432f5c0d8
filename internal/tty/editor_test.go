package tty

import (
	"bytes"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"gcat/internal/testing/script"
)

// A desk is a terminal in memory. Its reader asks for keys, and so tells that
// those before have been dealt with.
type desk struct {
	bytes.Buffer
	asks chan struct{}
	keys chan string
}

func (d *desk) Read(p []byte) (int, error) {
	d.asks <- struct{}{}
	keys, ok := <-d.keys
	if !ok {
		return 0, io.EOF
	}
	return copy(p, keys), nil
}

func (d *desk) types(keys string) {
	d.keys <- keys
	<-d.asks
}

// In whichever order a user types and a peer sends, the screen shows the lines of the
// peer, and after its incomplete line the line that is being typed.
func TestEditorShowsBoth(t *testing.T) {
	for seed := range uint64(1000) {
		cols := 1000
		if seed%2 == 1 {
			cols = 20 + int(seed%17)
		}
		r := rand.New(rand.NewPCG(seed, 1))
		d := &desk{asks: make(chan struct{}), keys: make(chan string)}
		e := newEditor(d, cols, 24)
		entered := make(chan string, 100)
		go func() {
			defer close(entered)
			for {
				line, err := e.line()
				if err != nil {
					return
				}
				entered <- line
			}
		}()
		<-d.asks
		var lines, sent []string // what stands above, and what was entered
		partial, line := "", ""  // the peer's last words, and what is being typed
		var did []string
		for range r.IntN(40) {
			switch op := r.IntN(10); {
			case op < 4:
				key := string(rune('a' + r.IntN(26)))
				did = append(did, "type "+key)
				d.types(key)
				line += key
			case op < 5 && line != "":
				did = append(did, "rub out")
				d.types("\x7f")
				line = line[:len(line)-1]
			case op < 6:
				did = append(did, "enter")
				d.types("\r")
				lines, sent = append(lines, partial+line), append(sent, line+"\n")
				partial, line = "", ""
			default:
				text := ""
				for range r.IntN(4) {
					text += strings.Repeat(string(rune('A'+r.IntN(26))), r.IntN(12))
					if r.IntN(2) == 0 {
						text += "\n"
					}
				}
				did = append(did, "show "+text)
				if err := e.show(text); err != nil {
					t.Fatal(err)
				}
				all := strings.Split(partial+text, "\n")
				lines, partial = append(lines, all[:len(all)-1]...), all[len(all)-1]
			}
		}
		want := strings.Join(append(lines, partial+line), "\n") + "_"
		got := strings.Join(script.Rows(d.String(), cols), "\n")
		if cols < 1000 {
			// The editor begins a new row as soon as one is full.
			want, got = strings.ReplaceAll(want, "\n", ""), strings.ReplaceAll(got, "\n", "")
		}
		if got != want {
			t.Fatalf("seed %d, %d columns, after %q the screen shows\n%s\nwant\n%s\n%q", seed, cols, did, got, want, d.String())
		}
		close(d.keys)
		for _, want := range sent {
			if got := <-entered; got != want {
				t.Fatalf("seed %d: entered %q, want %q", seed, got, want)
			}
		}
		for range entered {
			t.Fatalf("seed %d: more was entered", seed)
		}
	}
}

// FuzzEditor: no keys and no words of a peer make the editor panic, hang, or
// write anything of the peer's but text.
func FuzzEditor(f *testing.F) {
	f.Add([]byte("typed\r\x1b[A\x17\x0b\x14\x0c"), "peer\n", 20)
	f.Add([]byte("\x1b[200~x\x1b[201~\x16\x1b\x00\xff\xe4\xb8"), "a\tb\rc", 1)
	f.Add([]byte("\x1b[11111111111111111111111111"), strings.Repeat("long ", 300), 80)
	f.Add([]byte("typed\r\x1b[\x17"+strings.Repeat("\xed", 300)), "peer\n", 83)
	f.Fuzz(func(t *testing.T, keys []byte, says string, cols int) {
		d := &desk{asks: make(chan struct{}), keys: make(chan string)}
		e := newEditor(d, 1+max(0, cols)%200, 24)
		done, over := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			for {
				_, err := e.line()
				select {
				case <-over:
					if err != nil {
						return
					}
				default:
				}
			}
		}()
		<-d.asks
		for i := 0; i < len(keys); i += 5 {
			// ^C and ^D are the end: no more keys are asked for.
			part := strings.NewReplacer("\x00", "", "\x03", "", "\x04", "").Replace(string(keys[i:min(i+5, len(keys))]))
			if part != "" {
				d.types(part)
			}
			if err := e.show(shown(t, says)); err != nil {
				t.Fatal(err)
			}
			if err := e.notice("notice\n"); err != nil {
				t.Fatal(err)
			}
			e.resize(1+(i*7)%100, 24)
			if err := e.notice(""); err != nil {
				t.Fatal(err)
			}
		}
		close(over)
		close(d.keys)
		<-done
	})
}
