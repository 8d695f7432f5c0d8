package tty

import (
	"os"
	"time"
)

func jobSignals() chan os.Signal { return nil }

// follow polls the size of the window, because there is no signal for its changes. It
// ends when t is closed.
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
