//go:build unix

package main

import "syscall"

const nonBlocking = syscall.O_NONBLOCK
