package pack

import "hash/crc32"

// An algorithm is a kind of checksum.
type algorithm struct {
	width    int    // in bytes
	start    uint32 // the sum of no bytes
	inverted bool   // the sum is written inverted, in network order
	update   func(s *summer, b []byte)
}

var algorithms = map[string]*algorithm{
	"crc32": {width: 4, update: func(s *summer, b []byte) { s.v = crc32.Update(s.v, crc32.IEEETable, b) }},
	"crc32c": {width: 4, update: func(s *summer, b []byte) {
		s.v = crc32.Update(s.v, crc32.MakeTable(crc32.Castagnoli), b) // made once
	}},
	"crc16":   {width: 2, update: crc16, start: 0xffff},
	"inet":    {width: 2, update: inet, inverted: true},
	"sum8":    {width: 1, update: sum8},
	"adler32": {width: 4, update: adler32, start: 1},
}

// A summer computes a checksum of bytes that come in pieces.
type summer struct {
	*algorithm
	v   uint32
	odd bool // inet: the next byte is the second one of a word
}

// begin returns a summer that has seen no bytes.
func (a *algorithm) begin() summer { return summer{algorithm: a, v: a.start} }

// add takes the next bytes into account.
func (s *summer) add(b []byte) { s.update(s, b) }

// sum is the checksum of the bytes so far.
func (s *summer) sum() uint64 {
	if s.inverted {
		return uint64(^s.v & 0xffff)
	}
	return uint64(s.v)
}

// crc16 is CRC-16/CCITT-FALSE, with the polynomial 0x1021, a byte at a time.
func crc16(s *summer, b []byte) {
	for _, c := range b {
		x := s.v>>8 ^ uint32(c)
		x ^= x >> 4
		s.v = (s.v<<8 ^ x<<12 ^ x<<5 ^ x) & 0xffff
	}
}

// inet is the sum of RFC 1071.
func inet(s *summer, b []byte) {
	for _, c := range b {
		if s.odd {
			s.v += uint32(c)
		} else {
			s.v += uint32(c) << 8
		}
		s.v = s.v&0xffff + s.v>>16
		s.odd = !s.odd
	}
}

func sum8(s *summer, b []byte) {
	for _, c := range b {
		s.v = (s.v + uint32(c)) & 0xff
	}
}

// adler32 is that of RFC 1950.
func adler32(s *summer, b []byte) {
	low, high := s.v&0xffff, s.v>>16
	for _, c := range b {
		low = (low + uint32(c)) % 65521
		high = (high + low) % 65521
	}
	s.v = high<<16 | low
}
