package conn

import (
	"os"
	"syscall"
)

// duplicate returns another handle of the same open file.
func duplicate(f *os.File) (*os.File, error) {
	self, err := syscall.GetCurrentProcess()
	if err != nil {
		return nil, err
	}
	var h syscall.Handle
	err = syscall.DuplicateHandle(self, syscall.Handle(f.Fd()), self, &h, 0, false, syscall.DUPLICATE_SAME_ACCESS)
	return os.NewFile(uintptr(h), f.Name()), err
}

// inherited reports false: descriptors have no names here.
func inherited(int) bool { return false }
