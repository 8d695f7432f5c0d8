package pack

import (
	"encoding/binary"
	"runtime"
	"strconv"
)

// The C ABI of the platform that runs this program, for the order character @.
var (
	// nativeLittle is the byte order of the machine.
	nativeLittle = binary.NativeEndian.Uint16([]byte{1, 0}) == 1
	// nativeWord is the size of a pointer, of size_t and of ssize_t.
	nativeWord = strconv.IntSize / 8
	// nativeLong is the size of long: 8 where pointers are (LP64), but 4 on
	// Windows (LLP64).
	nativeLong = func() int {
		if runtime.GOOS == "windows" {
			return 4
		}
		return nativeWord
	}()
	// nativeWide is the alignment of long long and double: 4 in the System V
	// ABI of the 386, else 8.
	nativeWide = func() int {
		if runtime.GOARCH == "386" && runtime.GOOS != "windows" {
			return 4
		}
		return 8
	}()
)
