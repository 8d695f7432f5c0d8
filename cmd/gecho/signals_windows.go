package main

import "os"

// ending are the signals that end the server.
var ending = []os.Signal{os.Interrupt}

// There is no signal that asks for the totals.
var asking []os.Signal
