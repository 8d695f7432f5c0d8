//go:build unix && !linux

package conn

import (
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

const (
	msgNoSignal = 0
	hangsUp     = 0
	fionread    = 0x4004667f // FIONREAD of sys/filio.h
)

// writeNoWait is not supported here.
func writeNoWait(int, []byte) (int, error) { return 0, errors.ErrUnsupported }

func dup2(from, to int) error { return unix.Dup2(from, to) }

// freePath is a path that no other socket has.
func freePath() string { return filepath.Join(os.TempDir(), "gcat-"+rand.Text()) }
