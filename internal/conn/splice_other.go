//go:build !linux

package conn

import (
	"errors"
	"time"
)

// errRefused is never returned here: everything is copied.
var errRefused = errors.New("refused")

func (p *splicePath) enlarge() {}

func (p *splicePath) discarding(time.Duration) bool { return false }

func (p *splicePath) fromInput() bool { return false }

func (p *splicePath) toOutput(time.Duration) bool { return false }

func (p *splicePath) between() bool { return false }

func closePipe([2]int) {}
