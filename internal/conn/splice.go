package conn

// A splicePath moves the bytes of one direction within the kernel, without copies to
// this process. A nil path is never ready: the pump copies.
//
// For small messages a copy is faster: one read and one write cost less than two
// splices and a poll. So the pump takes the path after two copies that filled their
// buffer, and leaves it after two small moves. See splice_linux.go for the calls.
type splicePath struct {
	// One of each pair is nil.
	fromStdio, toStdio   *Stdio
	fromSocket, toSocket *Socket
	progress             *Progress
	flight               *flight
	pace                 Paced // nil: as fast as can be

	// move moves some bytes to the receiving side: from the sending side, or from
	// the private pipe if the path has one.
	move func() step
	// load moves some bytes from the sending side into the private pipe; nil if the
	// path has none. It waits for a socket, not for a file.
	load  func() (int, error)
	pipe  [2]int // private pipe, read and write ends
	open  bool   // the private pipe exists
	piped int    // bytes in it

	eager   bool // faster than copying from the first byte on
	inUse   bool // after two full copies, until two small moves
	broken  bool // the kernel refused it
	streak  int  // full copies or, if inUse, small moves in a row
	idle    bool // an idle clock has to see each arrival
	patient bool // bytes are discarded, and the kernel may wake us for many at once

	// tryRead and tryWrite are the calls as the netpoller wants them, made once: a
	// closure for each move would be garbage. n, err and blocked (the pipe, not the
	// socket, was not ready) are their results.
	tryRead, tryWrite func(fd uintptr) bool
	n                 int
	err               error
	blocked           bool
	scratch           []byte // what discarding lends the kernel
}

// A Paced is a Stream that limits the rate and does not change the bytes. If its
// pieces are at least pipeSize, the splice path is used and keeps to the rate.
type Paced interface {
	Unwrap() Stream
	// Piece is how many bytes may go at once.
	Piece() int
	// Wait waits until more may go.
	Wait()
	// Add records that n bytes were moved.
	Add(n int)
}

// pipeSize is what pipes are enlarged to (F_SETPIPE_SZ, fcntl(2)): the limit for
// all users but root.
const pipeSize = 1 << 20

// A move below smallMove bytes is slower than a copy.
const smallMove = 32 << 10

// ready reports whether the next step is the kernel's.
func (p *splicePath) ready() bool {
	return p != nil && !p.broken && (p.eager || p.inUse || p.piped > 0)
}

// copied notes a copy of n bytes.
func (p *splicePath) copied(n int) {
	if p == nil || p.broken {
		return
	}
	if n < bufferSize {
		p.streak = 0
		return
	}
	if p.streak++; p.streak >= 2 {
		p.inUse, p.streak = true, 0
		p.enlarge()
	}
}

// moved notes a move of n bytes.
func (p *splicePath) moved(n int) {
	if n > 0 {
		p.progress.Touch()
	}
	if p.eager {
		return
	}
	if n >= smallMove {
		p.streak = 0
	} else if p.streak++; p.streak >= 2 || n == 0 {
		p.inUse, p.streak = false, 0
	}
}

// step is one move by the kernel in direction d. If the kernel refuses the path, nothing
// is moved and the pump copies from then on. If it moved 0 bytes, which may be EOF or
// urgent data, the next read finds out.
func (p *splicePath) step(d *direction) step {
	if p.pace != nil && p.piped == 0 {
		p.pace.Wait()
	}
	if p.load != nil && p.fromSocket == nil && p.piped == 0 && !d.flight.begin() {
		return step{from: errStopped}
	}
	if p.load != nil && p.piped == 0 {
		p.n, p.err = 0, nil // an interrupted call makes no attempt
		n, err := p.load()
		switch {
		case err == errRefused:
			p.broken = true
			return step{}
		case err != nil:
			return step{from: err}
		}
		p.piped = n
		p.arrived(d, n)
		if p.fromSocket != nil && !d.flight.begin() {
			return step{from: errStopped}
		}
		if n == 0 {
			p.moved(0)
			return step{}
		}
	}
	p.n, p.err = 0, nil
	s := p.move()
	if s.to == errRefused {
		p.broken = true
		return step{}
	}
	if p.load == nil {
		p.arrived(d, s.n)
	} else {
		p.piped -= s.n
	}
	d.written.Add(int64(s.n))
	p.moved(s.n)
	return s
}

// arrived counts n bytes from the sending side.
func (p *splicePath) arrived(d *direction, n int) {
	d.arrived(n)
	if p.pace != nil {
		p.pace.Add(n)
	}
}

// pending is how many bytes have left the sending side and not reached the receiving one.
func (p *splicePath) pending() int {
	if p == nil {
		return 0
	}
	return p.piped
}

// close closes the private pipe.
func (p *splicePath) close() {
	if p != nil && p.open {
		closePipe(p.pipe)
	}
}

// path is the kernel's path for the bytes of d; nil if a filter other than a pace looks
// at them, or other conversations write to the same output.
func (c *conversation) path(d *direction) *splicePath {
	if d == &c.receive && c.Shutdown == ShutBoth {
		return nil // received bytes are discarded once Local's input has ended
	}
	p := &splicePath{progress: &c.progress, flight: &d.flight, idle: c.Idle > 0}
	from := d.from.Stream
	if pace, ok := from.(Paced); ok && pace.Piece() >= pipeSize {
		p.pace, from = pace, pace.Unwrap()
	}
	p.fromStdio, _ = from.(*Stdio)
	p.toStdio, _ = d.to.Stream.(*Stdio)
	p.fromSocket, _ = from.(*Socket)
	p.toSocket, _ = d.to.Stream.(*Socket)
	for _, s := range []*Socket{p.fromSocket, p.toSocket} {
		if s != nil && !s.bare() {
			return nil
		}
	}
	ok := false
	switch {
	case p.fromSocket != nil && d.discard.Load():
		ok = p.discarding()
	case p.fromStdio != nil && p.toSocket != nil:
		ok = p.fromInput()
	case p.fromSocket != nil && p.toStdio != nil && !p.toStdio.KeepOpen:
		ok = p.toOutput()
	case p.fromSocket != nil && p.toSocket != nil:
		ok = p.between()
	}
	if !ok {
		return nil
	}
	return p
}
