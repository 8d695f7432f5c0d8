package proxy

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"strings"
)

// maxHeader bounds the header of a proxy's reply, and all of them together, in
// bytes.
const maxHeader = 16 << 10

// connect asks for t by HTTP (RFC 9110, 9.3.6), with the user name and password
// of RFC 7617 if there is a user.
func (p Proxy) connect(rw io.ReadWriter, t target) error {
	ask := fmt.Sprintf("CONNECT %s HTTP/1.1\r\nHost: %[1]s\r\n", t)
	if p.User != "" {
		secret := base64.StdEncoding.EncodeToString([]byte(p.User + ":" + p.Password))
		ask += "Proxy-Authorization: Basic " + secret + "\r\n"
	}
	if _, err := io.WriteString(rw, ask+"\r\n"); err != nil {
		return err
	}
	return readConnectReply(rw, t)
}

// readConnectReply reads one header, and those of preliminary replies (1xx)
// before it. Whatever length a header speaks of, a reply of 2xx has no body:
// what follows is the far end's.
func readConnectReply(r io.Reader, t target) error {
	for room := maxHeader; ; {
		header, err := readHeader(r, room)
		if err != nil {
			return err
		}
		room -= len(header)
		status, line, err := statusOf(header)
		if err != nil {
			return err
		}
		switch {
		case status >= 200 && status < 300:
			return nil
		case status >= 200 || status == 101:
			return fmt.Errorf("it cannot connect to %s: %s%s", t, quote(line), wanted(status, header))
		}
	}
}

// readHeader reads to the empty line that ends a header, byte by byte: what
// comes behind is not ours to read.
func readHeader(r io.Reader, room int) ([]byte, error) {
	var header []byte
	var b [1]byte
	for {
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return nil, cut(header, err)
		}
		header = append(header, b[0])
		if n := len(header); n <= len(httpVersion) && header[n-1] != httpVersion[n-1] {
			return nil, garbage("HTTP", header)
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

// statusOf reads the status line, HTTP/1.x NNN and some words.
func statusOf(header []byte) (status int, line string, err error) {
	first, _, _ := bytes.Cut(header, []byte("\n"))
	line = strings.TrimRight(string(first), "\r")
	version, rest, _ := strings.Cut(line, " ")
	digits, _, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	if len(version) != len(httpVersion)+1 || len(digits) != 3 {
		return 0, "", garbage("HTTP", first)
	}
	for _, d := range digits {
		if d < '0' || d > '9' {
			return 0, "", garbage("HTTP", first)
		}
		status = status*10 + int(d-'0')
	}
	if status < 100 {
		return 0, "", garbage("HTTP", first)
	}
	return status, line, nil
}

// wanted names the ways to authenticate that a proxy asks for with its 407.
func wanted(status int, header []byte) string {
	if status != 407 {
		return ""
	}
	lines := textproto.NewReader(bufio.NewReader(bytes.NewReader(header)))
	if _, err := lines.ReadLine(); err != nil {
		return ""
	}
	fields, err := lines.ReadMIMEHeader()
	if err != nil && !errors.Is(err, io.EOF) && len(fields) == 0 {
		return ""
	}
	var ways []string
	for _, challenge := range fields.Values("Proxy-Authenticate") {
		way, _, _ := strings.Cut(challenge, " ")
		ways = append(ways, quote(way))
		if len(ways) == 4 {
			break
		}
	}
	if len(ways) == 0 {
		return ""
	}
	return " (it wants " + strings.Join(ways, ", ") + ")"
}
