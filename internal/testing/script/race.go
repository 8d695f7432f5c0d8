package script

// Race reports whether the tests and the binaries were built with the race
// detector, under which memory and speed say nothing.
func Race() bool { return raceEnabled }
