package conn_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"time"

	"gcat/internal/conn"
)

func ExampleParseEndpoint() {
	for _, text := range []string{
		"localhost:http", "[fe80::1%25eth0]:22", "127.1:80", "./app.sock", "unix:/run/app.sock", "tls://example.org:443", "TCP:localhost:80",
	} {
		e, err := conn.ParseEndpoint(text, conn.Syntax{})
		if failed, ok := err.(*conn.Error); ok {
			fmt.Printf("%s (hint: %s)\n", failed, failed.Hint())
			continue
		}
		fmt.Println(e)
	}
	// Output:
	// tcp://localhost:http
	// tcp://[fe80::1%eth0]:22
	// tcp://127.0.0.1:80
	// unix://./app.sock
	// unix:///run/app.sock
	// tls://example.org:443
	// bad endpoint "TCP:localhost:80": a scheme is written SCHEME:// (hint: type tcp://localhost:80)
}

// Two connections are joined until both have ended.
func ExampleRelay() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer l.Close()
	ask := func() *net.TCPConn {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			panic(err)
		}
		return c.(*net.TCPConn)
	}
	client := ask()
	front, _ := l.Accept()
	back := ask()
	server, _ := l.Accept()

	relay := &conn.Relay{
		Remote: conn.NewSocket(front), Peer: "client",
		Local: conn.NewSocket(back), To: "server",
		Idle: time.Minute,
	}
	done := make(chan conn.Result)
	go func() { done <- relay.Run(context.Background()) }()

	go func() { // the server answers when the client has said all
		question, _ := io.ReadAll(server)
		_, _ = server.Write(bytes.ToUpper(question))
		_ = server.Close()
	}()
	_, _ = io.WriteString(client, "hello")
	_ = client.CloseWrite()
	answer, _ := io.ReadAll(client)
	r := <-done

	fmt.Printf("%s\n", answer)
	if r.Err == nil {
		fmt.Println(r.Received, "bytes there,", r.Sent, "back, ended by", r.EndedBy)
	}
	// Output:
	// HELLO
	// 5 bytes there, 5 back, ended by peer
}
