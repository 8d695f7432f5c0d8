package proxy

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// maxHeader bounds all headers of a proxy's reply together, in bytes.
const maxHeader = 16 << 10

// connect asks for t with the method CONNECT (RFC 9110, 9.3.6), and with the user name
// and password of RFC 7617 if there is a user.
func (p Proxy) connect(rw io.ReadWriter, t target) error {
	request := fmt.Sprintf("CONNECT %s HTTP/1.1\r\nHost: %[1]s\r\n", t)
	if p.User != "" {
		secret := base64.StdEncoding.EncodeToString([]byte(p.User + ":" + p.Password))
		request += "Proxy-Authorization: Basic " + secret + "\r\n"
	}
	if _, err := io.WriteString(rw, request+"\r\n"); err != nil {
		return err
	}
	return readConnectReply(rw, t)
}

// readConnectReply reads the header of the reply, and those of preliminary replies
// (1xx) before it. A reply of 2xx has no body, whatever length its header gives.
func readConnectReply(r io.Reader, t target) error {
	for room := maxHeader; ; {
		header, err := readHeader(r, room)
		if err != nil {
			return err
		}
		room -= len(header)
		status, line, err := statusOf(header)
		switch {
		case err != nil:
			return err
		case status >= 200 && status < 300:
			return nil
		case status >= 500:
			return temporary("it cannot connect to %s: %s", t, quote(line))
		case status >= 200 || status == 101:
			return fmt.Errorf("it cannot connect to %s: %s%s", t, quote(line), challenges(status, header))
		}
	}
}

// readHeader reads to the empty line that ends a header, byte by byte: the bytes after
// it are the target's.
func readHeader(r io.Reader, room int) ([]byte, error) {
	var header []byte
	var b [1]byte
	for {
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return nil, cutShort(header, err)
		}
		header = append(header, b[0])
		if n := len(header); n <= len(httpVersion) && header[n-1] != httpVersion[n-1] {
			return nil, newGarbage("HTTP", header)
		}
		if bytes.HasSuffix(header, []byte("\n\r\n")) || bytes.HasSuffix(header, []byte("\n\n")) {
			return header, nil
		}
		if len(header) >= room {
			return nil, fmt.Errorf("its answer has no end: %s", quote(string(header)))
		}
	}
}

const httpVersion = "HTTP/1."

// statusOf reads the status line, HTTP/1.x NNN and a reason.
func statusOf(header []byte) (status int, line string, err error) {
	first, _, _ := bytes.Cut(header, []byte("\n"))
	line = strings.TrimRight(string(first), "\r")
	version, rest, _ := strings.Cut(line, " ")
	digits, _, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	status, err = strconv.Atoi(digits)
	if err != nil || len(version) != len(httpVersion)+1 || len(digits) != 3 || status < 100 {
		return 0, "", newGarbage("HTTP", first)
	}
	return status, line, nil
}

// challenges lists the authentication schemes that a proxy asks for with a reply of 407,
// four at most.
func challenges(status int, header []byte) string {
	var schemes []string
	for line := range strings.SplitSeq(string(header), "\n") {
		name, value, _ := strings.Cut(line, ":")
		scheme, _, _ := strings.Cut(strings.TrimSpace(value), " ")
		if strings.EqualFold(name, "Proxy-Authenticate") && scheme != "" && len(schemes) < 4 {
			schemes = append(schemes, quote(scheme))
		}
	}
	if status != 407 || len(schemes) == 0 {
		return ""
	}
	return " (it wants " + strings.Join(schemes, ", ") + ")"
}
