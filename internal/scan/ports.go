package scan

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"gcat/internal/conn"
)

// ParsePorts returns the ports that words name, in order and without duplicates. A
// word is a comma-separated list of numbers, service names and ranges; a range has
// digits on both sides ("8000-8010"), so that "http-alt" is a name.
func ParsePorts(words []string) ([]string, error) {
	var ports []string
	seen := make(map[string]bool)
	add := func(port string) {
		if !seen[port] {
			seen[port] = true
			ports = append(ports, port)
		}
	}
	for _, word := range words {
		for part := range strings.SplitSeq(word, ",") {
			if part == "" && word != "" {
				return nil, fmt.Errorf("bad ports %q: one is missing", word)
			}
			if low, high, ok := strings.Cut(part, "-"); ok && digits(low) && digits(high) {
				first, last, err := portRange(low, high)
				if err != nil {
					return nil, fmt.Errorf("bad range %q: %w", part, err)
				}
				for port := first; port <= last; port++ {
					add(strconv.Itoa(port))
				}
				continue
			}
			if err := conn.CheckPort(part); err != nil {
				return nil, err
			}
			if n, err := strconv.Atoi(part); err == nil {
				part = strconv.Itoa(n) // without leading zeros
			}
			if part == "0" {
				return nil, errors.New("port 0 is only for listening")
			}
			add(part)
		}
	}
	return ports, nil
}

func portRange(low, high string) (first, last int, err error) {
	for _, port := range []string{low, high} {
		if err := conn.CheckPort(port); err != nil {
			return 0, 0, err
		}
	}
	first, _ = strconv.Atoi(low) // conn.CheckPort has checked both
	last, _ = strconv.Atoi(high)
	switch {
	case first > last:
		return 0, 0, fmt.Errorf("%d is above %d", first, last)
	case first == 0:
		return 0, 0, errors.New("there is no port 0 to connect to")
	}
	return first, last, nil
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
