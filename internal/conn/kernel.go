package conn

// A way is how the kernel moves bytes between a standard stream and a socket
// without their passing through this process. A nil way is never ready: the pump
// copies.
//
// Small messages are faster copied, for one read and one write beat two splices
// and a poll; so a way starts after two copies that filled their buffer, and is
// left after two small moves. See kernel_linux.go for the calls.
type way struct {
	stdio  *Stdio
	socket *Socket
	call   func(*way) step // moves some bytes
	eager  bool            // is better than copying from the first byte on
	taken  bool            // is in use
	broken bool            // the kernel refused it
	// patient is for bytes that nobody wants: the kernel may let a lot of them
	// come together before it wakes us.
	patient bool
	// attempt is the call as the socket's netpoller wants it, made once because a
	// closure for each move would be all the garbage there is; n, err and blocked
	// (the pipe, not the socket, was not ready) are its results.
	attempt func(fd uintptr) bool
	n       int
	err     error
	blocked bool
	scratch []byte // what truncate lends the kernel
	between [2]int // a pipe of our own: its ends to read and to write
	dug     bool   // there is that pipe
	stages  bool   // it puts Local's input there first
	held    int    // how many bytes of that are in it
	streak  int    // copies that filled their buffer, or moves that were small
}

// Below small a move is not worth the detour.
const small = 32 << 10

// ready reports whether the next step is the kernel's.
func (w *way) ready() bool {
	return w != nil && !w.broken && (w.eager || w.taken)
}

// copied notes a copy of n bytes.
func (w *way) copied(n int) {
	if w == nil || w.broken {
		return
	}
	if n < bufferSize {
		w.streak = 0
		return
	}
	if w.streak++; w.streak >= 2 {
		w.taken, w.streak = true, 0
		w.enlarge()
	}
}

// move is one step of the kernel's. If the kernel refuses this way between these
// two descriptors, it moves nothing and the pump goes on copying; it does, too,
// where the kernel has moved nothing and does not know why.
func (w *way) move() step {
	w.n, w.err = 0, nil // an interrupted call makes no attempt
	s := w.call(w)
	if s.to == errRefused {
		w.broken = true
		return step{}
	}
	if s.n > 0 {
		w.socket.progress.Touch()
	}
	if w.eager {
		return s
	}
	if s.n >= small {
		w.streak = 0
	} else if w.streak++; w.streak >= 2 || s.n == 0 {
		w.taken, w.streak = false, 0
	}
	return s
}

// holds returns how many bytes have left Local and not reached the socket.
func (w *way) holds() int {
	if w == nil {
		return 0
	}
	return w.held
}

// close gives back what the way has opened.
func (w *way) close() {
	if w == nil {
		return
	}
	if w.dug {
		closePipe(w.between)
	}
}

// outbound is the kernel's way from Local's input to Remote, if nothing is
// wrapped around either.
func (c *conversation) outbound() *way {
	stdio, socket := c.bare()
	if stdio == nil {
		return nil
	}
	return stdio.outbound(socket)
}

// inbound is the kernel's way from Remote to Local's output, if nothing is
// wrapped around either and nobody else writes there.
func (c *conversation) inbound() *way {
	stdio, socket := c.bare()
	var w *way
	switch {
	case c.SendOnly && socket != nil:
		w = socket.discarding()
	case stdio == nil || stdio.KeepOpen || c.Shutdown == ShutBoth:
	default:
		w = stdio.inbound(socket)
	}
	if w != nil && w.stdio == nil {
		w.patient = c.Idle == 0 // an idle clock has to see every byte
	}
	return w
}

// bare returns the descriptors' owners, if the streams are nothing else.
func (c *conversation) bare() (*Stdio, *Socket) {
	stdio, ok := c.Local.(*Stdio)
	socket, ok2 := c.Remote.(*Socket)
	if !ok || !ok2 || socket.raw == nil {
		return nil, nil
	}
	return stdio, socket
}
