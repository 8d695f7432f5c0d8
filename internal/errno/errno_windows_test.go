package errno

import (
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestPosix(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: os.NewSyscallError("connectex", syscall.Errno(10061))}
	if err := Posix(refused); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("refused: %v", err)
	}
	_, err := os.Open(`no\such\file`)
	if err = Posix(err); !errors.Is(err, syscall.ENOENT) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no such file: %v", err)
	}
	if err := Posix(syscall.Errno(1)); err != syscall.Errno(1) {
		t.Errorf("unknown: %v", err)
	}
	if words := Words(syscall.ENOENT); words[:1] != strings.ToLower(words[:1]) || strings.HasSuffix(words, ".") {
		t.Errorf("words %q", words)
	}
	if Posix(nil) != nil {
		t.Error("nil is an error")
	}
}
