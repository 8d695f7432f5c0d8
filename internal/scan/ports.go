package scan

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"gcat/internal/conn"
)

// ParsePorts reads ports as a scan takes them, in order and without doubles:
// numbers, names of services, and ranges with digits on both sides
// ("8000-8010"; "http-alt" is a name), separated by commas.
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
			low, high, ok := strings.Cut(part, "-")
			if !ok || !digits(low) || !digits(high) {
				if err := conn.CheckPort(part); err != nil {
					return nil, err
				}
				if digits(part) {
					part = canonical(part)
				}
				if part == "0" {
					return nil, errors.New("port 0 is only for listening")
				}
				add(part)
				continue
			}
			first, last, err := portRange(low, high)
			if err != nil {
				return nil, fmt.Errorf("bad range %q: %w", part, err)
			}
			for port := first; port <= last; port++ {
				add(strconv.Itoa(port))
			}
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
	first, _ = strconv.Atoi(low) // conn.CheckPort has looked at them
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

// canonical is a port's number without leading zeros.
func canonical(port string) string {
	n, _ := strconv.Atoi(port) // conn.CheckPort has looked at it
	return strconv.Itoa(n)
}
