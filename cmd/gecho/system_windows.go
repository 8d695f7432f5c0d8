package main

import (
	"net"
	"os"
)

// stopping are the signals that end the server.
var stopping = []os.Signal{os.Interrupt}

// asking is empty: no signal prints the totals here.
var asking []os.Signal

const nonBlocking = 0

// neverConnected is false: no socket is handed over here.
func neverConnected(net.Conn) bool { return false }
