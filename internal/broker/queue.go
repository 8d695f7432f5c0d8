package broker

import (
	"slices"
	"sync"
)

// A queue holds bytes in chunks from a pool, so that a short message takes no more
// than its bytes, and reading leaves no garbage (which could double the memory that
// a room uses).
type queue struct {
	chunks []*chunk
	at     int // offset of the first byte in the first chunk
	size   int // in bytes
}

type chunk [64 << 10]byte

var chunks = sync.Pool{New: func() any { return new(chunk) }}

// put appends a copy of p.
func (q *queue) put(p []byte) {
	for len(p) > 0 {
		end := q.at + q.size
		if end == len(q.chunks)*len(chunk{}) {
			q.chunks = append(q.chunks, chunks.Get().(*chunk))
		}
		n := copy(q.chunks[len(q.chunks)-1][end%len(chunk{}):], p)
		p, q.size = p[n:], q.size+n
	}
}

// take moves at most len(p) bytes to p and returns how many.
func (q *queue) take(p []byte) (n int) {
	for n < len(p) && q.size > 0 {
		m := copy(p[n:], q.chunks[0][q.at:min(len(chunk{}), q.at+q.size)])
		n, q.at, q.size = n+m, q.at+m, q.size-m
		if q.at == len(chunk{}) || q.size == 0 {
			chunks.Put(q.chunks[0])
			q.chunks, q.at = slices.Delete(q.chunks, 0, 1), 0
		}
	}
	return n
}

// clear empties the queue.
func (q *queue) clear() {
	for _, c := range q.chunks {
		chunks.Put(c)
	}
	*q = queue{}
}
