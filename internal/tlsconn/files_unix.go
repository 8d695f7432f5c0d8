//go:build !windows

package tlsconn

// unixModes says that a file's mode tells who can read it.
const unixModes = true
