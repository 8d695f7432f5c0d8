package pack

import "hash/crc32"

// An algorithm is a kind of checksum.
type algorithm uint8

const (
	crc32IEEE       algorithm = iota // that of Ethernet, gzip and PNG
	crc32Castagnoli                  // that of iSCSI, SCTP and Btrfs
	crc16CCITT                       // CRC-16/CCITT-FALSE
	inet                             // RFC 1071, in network order
	sum8                             // the sum of the bytes
	adler32                          // RFC 1950
)

var algorithms = map[string]algorithm{
	"crc32": crc32IEEE, "crc32c": crc32Castagnoli, "crc16": crc16CCITT, "inet": inet, "sum8": sum8, "adler32": adler32,
}

// width is the size of the checksum in bytes.
func (a algorithm) width() int {
	return [...]int{crc32IEEE: 4, crc32Castagnoli: 4, crc16CCITT: 2, inet: 2, sum8: 1, adler32: 4}[a]
}

// A summer computes a checksum of bytes that come in pieces.
type summer struct {
	algorithm algorithm
	v, w      uint32
	odd       bool // inet: the next byte is the second one of a word
}

// start returns a summer that has seen no bytes.
func (a algorithm) start() summer {
	s := summer{algorithm: a}
	switch a {
	case crc16CCITT:
		s.v = 0xffff
	case adler32:
		s.v = 1
	}
	return s
}

// add takes the next bytes into account.
func (s *summer) add(b []byte) {
	switch s.algorithm {
	case crc32IEEE:
		s.v = crc32.Update(s.v, crc32.IEEETable, b)
	case crc32Castagnoli:
		s.v = crc32.Update(s.v, crc32.MakeTable(crc32.Castagnoli), b) // made once
	case crc16CCITT:
		for _, c := range b {
			// The polynomial 0x1021, a byte at a time.
			x := s.v>>8 ^ uint32(c)
			x ^= x >> 4
			s.v = (s.v<<8 ^ x<<12 ^ x<<5 ^ x) & 0xffff
		}
	case inet:
		for _, c := range b {
			if s.odd {
				s.v += uint32(c)
			} else {
				s.v += uint32(c) << 8
			}
			s.v = s.v&0xffff + s.v>>16
			s.odd = !s.odd
		}
	case sum8:
		for _, c := range b {
			s.v += uint32(c)
		}
	case adler32:
		for _, c := range b {
			s.v = (s.v + uint32(c)) % 65521
			s.w = (s.w + s.v) % 65521
		}
	}
}

// sum is the checksum of the bytes so far.
func (s *summer) sum() uint64 {
	switch s.algorithm {
	case inet:
		return uint64(^(s.v&0xffff + s.v>>16) & 0xffff)
	case sum8:
		return uint64(s.v & 0xff)
	case adler32:
		return uint64(s.w<<16 | s.v)
	}
	return uint64(s.v)
}
