//go:build linux

package main

// gcatCells are the questions put to gcat and its peers. The streams come first:
// everything that standard input can be, then everything that standard output
// can be, over TCP and over Unix sockets, as a client and as a listener.
func gcatCells(b *Bench) []Cell {
	tools := b.gcatTools()
	var cells []Cell
	for _, s := range gcatShapes {
		for _, listen := range []bool{false, true} {
			s.listen = listen
			cells = append(cells, b.streamCell(s, tools))
		}
	}
	cells = append(cells, b.selfCell(tools))
	for _, listen := range []bool{false, true} {
		cells = append(cells, b.smallCell(listen, tools))
	}
	cells = append(cells, b.forwardCells()...)
	cells = append(cells, b.datagramCells()...)
	return append(cells, b.startCell(tools), b.helpCell(tools))
}

// A shape is where the bytes of a stream come from and go to.
type shape struct {
	from, to string
	// listen is set if the tool is the listener, not the client.
	listen bool
	// bounds are what is asked of gcat besides its memory.
	bounds []Bound
}

// gcatShapes are the streams; either end is the socket, tcp or unix.
var gcatShapes = []shape{
	{from: "file", to: "tcp", bounds: []Bound{
		{Against: sendfile, Limit: 0.8}, {Of: CPU, Against: best, Limit: 0.5}, // no sender does better than sendfile(2)
	}},
	{from: "pipe", to: "tcp", bounds: []Bound{{Against: best, Limit: 3}, {Of: CPU, Against: best, Limit: 0.5}}},
	{from: "zero", to: "tcp"},
	{from: "tcp", to: "pipe", bounds: []Bound{{Against: best, Limit: 3}, {Of: CPU, Against: best, Limit: 0.5}}},
	{from: "tcp", to: "file", bounds: []Bound{{Against: best, Limit: 1}, {Against: defaults, Limit: 1.5}}},
	{from: "tcp", to: "null", bounds: []Bound{{Of: CPU, Against: best, Limit: 0.5}}},
	{from: "tcp", to: "socket"},
	{from: "file", to: "unix", bounds: []Bound{{Against: best, Limit: 1.5}}},
	{from: "pipe", to: "unix", bounds: []Bound{{Against: best, Limit: 1.5}}},
	{from: "zero", to: "unix"},
	{from: "unix", to: "pipe", bounds: []Bound{{Against: best, Limit: 1.5}}},
	{from: "unix", to: "file"},
	{from: "unix", to: "null"},
	{from: "unix", to: "socket"},
}

// network is the shape's socket.
func (s shape) network() string {
	if s.sends() {
		return s.to
	}
	return s.from
}

// sends reports whether the tool sends: its standard input goes to the socket.
func (s shape) sends() bool { return s.to == "tcp" || s.to == "unix" }

// name is the cell's, such as file-tcp or tcp-pipe-listener.
func (s shape) name() string {
	name := s.from + "-" + s.to
	if s.listen {
		name += "-listener"
	}
	return name
}

// words describe an end of a shape.
var words = map[string]string{
	"file":   "a regular file",
	"pipe":   "a pipe",
	"zero":   "/dev/zero",
	"null":   "/dev/null",
	"socket": "a socket as standard output",
	"tcp":    "a TCP connection",
	"unix":   "a Unix stream",
}

// describe says what a shape is.
func (s shape) describe() string {
	if s.listen {
		return words[s.from] + " into " + words[s.to] + ", as listener"
	}
	return words[s.from] + " into " + words[s.to] + ", as client"
}

// streamCell is the cell of a shape.
func (b *Bench) streamCell(s shape, tools []tool) Cell {
	c := Cell{
		Name: s.name(), What: s.describe(), Unit: "GB/s",
		Bounds: append([]Bound{{Of: Memory, Limit: 8}}, s.bounds...),
	}
	for _, t := range tools {
		if !t.does(s.network()) {
			continue
		}
		c.Contenders = append(c.Contenders, Contender{Name: t.name, Tuned: t.tuned, Run: b.stream(t, s)})
	}
	if s.from == "file" && s.to == "tcp" && !s.listen {
		c.Contenders = append(append(c.Contenders, b.iperf()...), b.sendfile())
	}
	return c
}

// selfCell is every tool talking to itself.
func (b *Bench) selfCell(tools []tool) Cell {
	c := Cell{
		Name: "self", What: "from a pipe through the tool and TCP to the same tool and a pipe", Unit: "GB/s",
		Bounds: []Bound{{Of: Memory, Limit: 8}, {Against: "nc.openbsd", Limit: 2}},
	}
	for _, t := range tools {
		c.Contenders = append(c.Contenders, Contender{Name: t.name, Tuned: t.tuned, Run: b.self(t)})
	}
	return c
}

// smallCell is small messages, one at a time.
func (b *Bench) smallCell(listen bool, tools []tool) Cell {
	s := shape{listen: listen}
	c := Cell{
		Name: "small", What: "64 bytes there and back through two pipes, as client", Unit: "round trips/s",
		Bounds: []Bound{{Against: "nc.openbsd", Limit: 0.95}},
	}
	if listen {
		c.Name, c.What = "small-listener", "64 bytes there and back through two pipes, as listener"
	}
	for _, t := range tools {
		if t.tuned {
			continue // larger buffers are of no use here
		}
		c.Contenders = append(c.Contenders, Contender{Name: t.name, Run: b.small(t, s)})
	}
	return c
}

// startCell is the shortest conversation.
func (b *Bench) startCell(tools []tool) Cell {
	c := Cell{
		Name: "start", What: "start, connect, send 10 bytes, receive 10, end", Unit: "ms", LessIsBetter: true, Repeat: 5,
		Bounds: []Bound{{Against: "nc.openbsd", Limit: 0.5}, {Against: "ncat", Limit: 1}, {Against: "socat", Limit: 1}},
	}
	round := b.round()
	for _, t := range tools {
		if !t.tuned {
			c.Contenders = append(c.Contenders, Contender{Name: t.name, Run: round(t)})
		}
	}
	return c
}

// helpCell is a start with nothing to do.
func (b *Bench) helpCell(tools []tool) Cell {
	c := Cell{
		Name: "help", What: "start, print the help, end", Unit: "ms", LessIsBetter: true, Repeat: 5,
		Bounds: []Bound{{Against: "nc.openbsd", Limit: 0.5}, {Against: "ncat", Limit: 1}, {Against: "socat", Limit: 1}},
	}
	for _, t := range tools {
		if !t.tuned {
			c.Contenders = append(c.Contenders, Contender{Name: t.name, Run: b.help(t)})
		}
	}
	return c
}
