package filter

import "gcat/internal/conn"

// Unwrap returns the stream below, for those who look for the socket or for the
// standard streams.

func (c *CRLF) Unwrap() conn.Stream     { return c.Stream }
func (d *Dumped) Unwrap() conn.Stream   { return d.Stream }
func (l *Lines) Unwrap() conn.Stream    { return l.Stream }
func (b *Blocks) Unwrap() conn.Stream   { return b.Stream }
func (c *Capped) Unwrap() conn.Stream   { return c.Stream }
func (i *Interval) Unwrap() conn.Stream { return i.Stream }
func (r *Rate) Unwrap() conn.Stream     { return r.Stream }
func (t *Telnet) Unwrap() conn.Stream   { return t.Stream }

// Watch makes the pauses of a stream known to the clock of its conversation, which
// the relay hands over.

func (i *Interval) Watch(progress *conn.Progress) { i.progress = progress }
func (r *Rate) Watch(progress *conn.Progress)     { r.progress = progress }
