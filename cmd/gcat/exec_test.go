package main

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestFarewell: who has ended is not waited for, who says nothing is waited for
// a moment, and who goes on sending for a while.
func TestFarewell(t *testing.T) {
	for _, tt := range []struct {
		name string
		peer func(f *farewell)
		want time.Duration
	}{
		{"ended", func(f *farewell) { f.done() }, 0},
		{"silent", func(*farewell) {}, farewellGlance},
		{"ends", func(f *farewell) { time.AfterFunc(30*time.Millisecond, f.done) }, 30 * time.Millisecond},
		{"was sending", func(f *farewell) {
			time.AfterFunc(50*time.Millisecond, func() { _, _ = f.Write([]byte("x")) })
		}, farewellGlance + farewellQuiet},
		{"sends slowly and ends", func(f *farewell) {
			for i := range 5 {
				time.AfterFunc(time.Duration(i)*900*time.Millisecond+50*time.Millisecond, func() { _, _ = f.Write([]byte("x")) })
			}
			time.AfterFunc(4*time.Second, f.done)
		}, 4 * time.Second},
		{"never stops", func(f *farewell) {
			go func() {
				for range 110 { // 9.9 s
					_, _ = f.Write([]byte("x"))
					time.Sleep(90 * time.Millisecond)
				}
			}()
		}, farewellMost},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFarewell()
				tt.peer(f)
				began := time.Now()
				f.wait()
				if took := time.Since(began); took != tt.want {
					t.Errorf("it took %v, want %v", took, tt.want)
				}
			})
		})
	}
}
