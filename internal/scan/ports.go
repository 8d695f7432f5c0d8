package scan

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"gcat/internal/conn"
)

var errPortZero = errors.New("port 0 is only for listening")

// ParsePorts returns the ports that words name, in order. A word is a comma-separated list
// of numbers, service names and ranges; a range has digits on both sides ("8000-8010"),
// so that "http-alt" is a name.
func ParsePorts(words []string) (ports []string, err error) {
	for _, word := range words {
		for part := range strings.SplitSeq(word, ",") {
			if part == "" && word != "" {
				return nil, fmt.Errorf("bad ports %q: one is missing", word)
			}
			if low, high, ok := strings.Cut(part, "-"); ok && digits(low) && digits(high) {
				if ports, err = appendRange(ports, low, high); err != nil {
					return nil, fmt.Errorf("bad range %q: %w", part, err)
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
				return nil, errPortZero
			}
			ports = append(ports, part)
		}
	}
	return ports, nil
}

// appendRange appends the ports from low to high.
func appendRange(ports []string, low, high string) ([]string, error) {
	if err := cmp.Or(conn.CheckPort(low), conn.CheckPort(high)); err != nil {
		return nil, err
	}
	first, _ := strconv.Atoi(low)
	last, _ := strconv.Atoi(high)
	switch {
	case first > last:
		return nil, fmt.Errorf("%d is above %d", first, last)
	case first == 0:
		return nil, errPortZero
	}
	for port := first; port <= last; port++ {
		ports = append(ports, strconv.Itoa(port))
	}
	return ports, nil
}

func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
