package awsstub

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
)

// Proxy passes TCP connections on to a service, and can lose those that are open. Lambda does so to
// connections that slept: "Lambda purges idle connections over time. Attempting to reuse an idle
// connection when invoking a function will result in a connection error."
// https://docs.aws.amazon.com/lambda/latest/dg/best-practices.html
//
// It is safe for concurrent use; see [NewProxy].
type Proxy struct {
	// URL is the proxy's, with the scheme http.
	URL string

	listener net.Listener
	target   string

	mu     sync.Mutex
	open   []*link
	opened int
}

// NewProxy returns a proxy on loopback in front of a host and port.
func NewProxy(target string) (*Proxy, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	p := &Proxy{URL: "http://" + l.Addr().String(), listener: l, target: target}
	go p.serve()
	return p, nil
}

func (p *Proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		service, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", p.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		l := &link{client: client, service: service}
		p.mu.Lock()
		p.open, p.opened = append(p.open, l), p.opened+1
		p.mu.Unlock()
		go l.pass(service, client)
		go l.pass(client, service)
	}
}

// Opened returns how many connections were made so far.
func (p *Proxy) Opened() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.opened
}

// Reset answers the next byte on every open connection with a reset.
func (p *Proxy) Reset() { p.lose(reset) }

// Vanish swallows what comes on every open connection. The client gets no answer and no error.
func (p *Proxy) Vanish() { p.lose(vanished) }

func (p *Proxy) lose(s state) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.open {
		l.turn(s)
	}
}

// Close ends the proxy and resets its open connections.
func (p *Proxy) Close() {
	_ = p.listener.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.open {
		l.close()
	}
}

// state is what becomes of the bytes on a connection.
type state int

const (
	passing state = iota
	reset
	vanished
)

// link is one connection through the proxy.
type link struct {
	client, service net.Conn

	mu    sync.Mutex
	state state
}

func (l *link) turn(s state) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state == passing {
		l.state = s
	}
}

func (l *link) now() state {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state
}

// pass copies bytes in one direction while the connection is not lost.
func (l *link) pass(to io.Writer, from io.Reader) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		switch s := l.now(); {
		case s == vanished && err == nil:
			continue
		case s == vanished && from == io.Reader(l.service):
			return
		case err != nil || s == reset:
			l.close()
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			l.close()
			return
		}
	}
}

// close ends both sides. A connection that is reset ends without the usual farewell (FIN).
func (l *link) close() {
	if c, ok := l.client.(*net.TCPConn); ok && l.now() == reset {
		_ = c.SetLinger(0)
	}
	_ = l.client.Close()
	_ = l.service.Close()
}
