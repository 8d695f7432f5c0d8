//go:build !(linux && amd64)

package cli

import "os"

// OnSignal calls f whenever one of signals comes; those that come close together
// may be one call. It never stops, and a process can ask for it once.
func OnSignal(f func(), signals ...os.Signal) { notify(f, signals) }
