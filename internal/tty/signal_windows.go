package tty

import (
	"os"
	"time"
)

func changes() chan os.Signal { return nil }

// follow keeps the size of the window, of which no signal tells here. It ends
// when t is closed.
func (t *Terminal) follow(chan os.Signal) {
	look := time.NewTicker(time.Second)
	defer look.Stop()
	for {
		select {
		case <-t.closed:
			return
		case <-look.C:
			t.resize()
		}
	}
}
