// Package pack is the format language of Python's struct module as a stream
// converter: a [Format] describes one record, a [Decoder] turns a sequence of
// records into lines of text, an [Encoder] turns lines or values into records,
// and a [Framer] and a [Deframer] put a header with a length before payloads
// and take it off again.
//
// A format is compiled once by [Parse] and a repeat count is never expanded, so
// that 9223372036854775807x has a size and takes no memory.
//
// Each direction has a fast path and a general one; which of them is taken is chosen
// once, in [NewDecoder] and [NewEncoder]. The fast path of decoding takes records, and
// elements of groups, of a fixed size; that of encoding takes plain lines of common
// items. The general path of decoding is a cursor, which walks over the items and reads as
// it goes. A group is an item with items of its own, and its count may be an integer that
// came before.
//
// Records of a fixed size that fits a buffer, and lines, are converted many at a time,
// by two workers whose output keeps its order (pump.go). All conversions write
// whatever is complete before they read on. Memory is bounded by the longest record that
// is packed, frame, line or JSON string, and not by the length of the input. To
// [Framer.Frame] the whole input is one frame: the length comes before the payload.
//
// The codes, sizes, alignments and error texts are those of Python 3.13 (and
// Zf, Zd those of 3.15); what Python does not have is spelled in ways that no
// Python format can use.
package pack
