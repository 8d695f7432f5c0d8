//go:build !windows

package tlsconn

// unixModes reports that a file's mode determines which users can read it.
const unixModes = true
