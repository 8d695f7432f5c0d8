package conn

// A writer is of no use here.
type writer struct{}

// writeChunk bounds how long one write can go without touching the clock.
const writeChunk = 16 << 10

// writeAll writes p in chunks.
func (s *Socket) writeAll(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		var m int
		m, err = s.Conn.Write(p[n:min(n+writeChunk, len(p))])
		n += m
		s.progress.Touch()
	}
	return n, err
}

// Gone cannot be known here: it blocks until Interrupt.
func (s *Socket) Gone() error {
	if s.raw == nil {
		select {}
	}
	return s.raw.Read(func(uintptr) bool { return false })
}

// ready cannot be known here: it is false.
func (s *Socket) ready() bool { return false }

func (s *Socket) pendingError() error { return nil }

// Readable cannot be known here: it is taken as something.
func (s *Socket) readable() int { return 1 }
