// Package errno makes errors of Windows read as those of the other systems do: a
// refused connection is ECONNREFUSED and "connection refused" everywhere, so that
// kinds, statuses, the log and scripts that read them need no second table.
package errno
