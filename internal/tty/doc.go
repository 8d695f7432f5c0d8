// Package tty makes a terminal one side of a conversation.
//
// [Open] opens a terminal as a line editor with a history, in which received text
// does not disturb the line that is being typed, or in raw mode, where every key
// passes unchanged. The terminal's own mode is restored at the end, on a signal, in
// a panic, and while ^Z has stopped the process.
//
// A [Safe] writer escapes the control characters of a peer. [StartMeter] shows the
// progress of a transfer. [ReadPassword] asks for a password.
package tty
