package echo

import (
	"bytes"
	"encoding/binary"
	"time"
)

// A Service is what gecho does with a connection or a datagram.
type Service int

// The services, named as on the command line.
const (
	Echo    Service = iota // RFC 862: send back what is received
	Discard                // RFC 863: discard what is received
	Chargen                // RFC 864: a pattern of characters, for ever
	Daytime                // RFC 867: the date and time in a line
	Time                   // RFC 868: seconds since 1900 in four bytes
	Source                 // Size bytes of the pattern as fast as possible
)

// The pattern of RFC 864: lines of 72 of the 95 printable characters, each
// line beginning one character later, ended by CR LF. It repeats after 95 lines.
const (
	lineWidth   = 72
	lineLength  = lineWidth + 2
	cycleLength = 95 * lineLength
)

// pattern is several cycles in a row, so that any sourceChunk bytes of the stream
// are contiguous in it.
var pattern = makePattern()

// sourceChunk is how much of the pattern is written at a time.
const sourceChunk = 128 << 10

func makePattern() []byte {
	cycle := make([]byte, 0, cycleLength)
	for first := range 95 {
		for i := range lineWidth {
			cycle = append(cycle, byte(' '+(first+i)%95))
		}
		cycle = append(cycle, '\r', '\n')
	}
	return bytes.Repeat(cycle, sourceChunk/cycleLength+2)
}

// patternAt returns n bytes, but at most sourceChunk, of the stream from that
// offset.
func patternAt(offset int64, n int) []byte {
	from := int(offset % cycleLength)
	return pattern[from : from+min(n, sourceChunk)]
}

// daytime is the line of RFC 867, in the form most servers use.
func daytime(now time.Time) []byte {
	return now.AppendFormat(nil, "Mon Jan _2 15:04:05 2006\r\n")
}

// timestamp is the time of RFC 868: seconds since 1900-01-01 00:00 UTC, which
// wrap around in 2036.
func timestamp(now time.Time) []byte {
	const from1900to1970 = 2208988800
	return binary.BigEndian.AppendUint32(nil, uint32(now.Unix()+from1900to1970))
}
