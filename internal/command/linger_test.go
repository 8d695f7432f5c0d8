package command

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestLinger: a peer that has ended is not waited for, one that is silent is waited
// for a moment, and one that goes on sending for a while.
func TestLinger(t *testing.T) {
	for _, tt := range []struct {
		name string
		peer func(f *linger)
		want time.Duration
	}{
		{"ended", func(f *linger) { f.recordEOF() }, 0},
		{"silent", func(*linger) {}, 100 * time.Millisecond},
		{"ends", func(f *linger) { time.AfterFunc(30*time.Millisecond, f.recordEOF) }, 30 * time.Millisecond},
		{"was sending", func(f *linger) {
			time.AfterFunc(50*time.Millisecond, func() { _, _ = f.Write([]byte("x")) })
		}, 50*time.Millisecond + lingerPause + lingerQuiet},
		{"sends slowly and ends", func(f *linger) {
			for i := range 5 {
				time.AfterFunc(time.Duration(i)*900*time.Millisecond+50*time.Millisecond, func() { _, _ = f.Write([]byte("x")) })
			}
			time.AfterFunc(4*time.Second, f.recordEOF)
		}, 4 * time.Second},
		{"never stops", func(f *linger) {
			go func() {
				for range 110 { // 9.9 s
					_, _ = f.Write([]byte("x"))
					time.Sleep(90 * time.Millisecond)
				}
			}()
		}, 10 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newLinger()
				tt.peer(f)
				began := time.Now()
				f.wait(t.Context())
				if took := time.Since(began); took != tt.want {
					t.Errorf("it took %v, want %v", took, tt.want)
				}
			})
		})
	}
}
