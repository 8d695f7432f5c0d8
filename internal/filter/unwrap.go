package filter

import "gcat/internal/conn"

// Unwrap returns the stream below. The relay uses it to find the socket or the
// standard streams.

func (c *CRLF) Unwrap() conn.Stream     { return c.Stream }
func (d *Dumped) Unwrap() conn.Stream   { return d.Stream }
func (l *Lines) Unwrap() conn.Stream    { return l.Stream }
func (b *Blocks) Unwrap() conn.Stream   { return b.Stream }
func (c *Capped) Unwrap() conn.Stream   { return c.Stream }
func (i *Interval) Unwrap() conn.Stream { return i.Stream }
func (r *Rate) Unwrap() conn.Stream     { return r.Stream }
func (t *Turn) Unwrap() conn.Stream     { return t.Stream }
func (t *Telnet) Unwrap() conn.Stream   { return t.Stream }

// Watch sets the idle clock of the conversation, which stops during a pause. The
// relay calls Watch.

func (i *Interval) Watch(progress *conn.Progress) { i.progress = progress }
func (r *Rate) Watch(progress *conn.Progress)     { r.progress = progress }
