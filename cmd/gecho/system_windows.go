package main

import "os"

// stopping are the signals that end the server.
var stopping = []os.Signal{os.Interrupt}

// There is no signal that asks for the totals.
var asking []os.Signal

const nonBlocking = 0
