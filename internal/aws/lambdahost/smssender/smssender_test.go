package smssender_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost/smssender"
	"github.com/countersign-mfa/countersign/internal/aws/sns"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/numberplan"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/test/awsstub"
)

func message(t *testing.T) tx.Message {
	t.Helper()
	to, err := numberplan.Parse("+12125550123")
	if err != nil {
		t.Fatal(err)
	}
	return tx.Message{To: to, Body: secret.New("123456 is your code")}
}

func sender(endpoint string) tx.Sender {
	e := lambdahost.Environment{Region: "eu-central-1", AccessKeyID: "id", SecretAccessKey: "s", Endpoint: endpoint}
	return smssender.New(e, e.AWS())
}

// TestNoSendMeetsAConnectionThatSlept: each message has a connection of its own. So what becomes of
// connections between two messages, a reset or silence, makes none fail.
func TestNoSendMeetsAConnectionThatSlept(t *testing.T) {
	var arrived atomic.Int32
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		arrived.Add(1)
		_, _ = io.WriteString(w, `<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>`)
	}))
	defer service.Close()
	to, err := url.Parse(service.URL)
	if err != nil {
		t.Fatal(err)
	}
	p, err := awsstub.NewProxy(to.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	s := sender(p.URL)
	between := slices.Repeat([]func(){func() {}, p.Reset, p.Vanish}, 5)
	for i, lose := range between {
		lose()
		if err := s.Send(t.Context(), message(t)); err != nil {
			t.Errorf("message %d: %v", i+1, err)
		}
	}
	if int(arrived.Load()) != len(between) || p.Opened() != len(between) {
		t.Errorf("%d of %d messages arrived, on %d connections", arrived.Load(), len(between), p.Opened())
	}
}

// TestASendIsRepeatedOnlyIfNothingWasWritten: a failed handshake is tried once more. A request that
// may have arrived is not, because it may have been charged.
func TestASendIsRepeatedOnlyIfNothingWasWritten(t *testing.T) {
	for name, c := range map[string]struct {
		scheme string // https: the connection ends in the handshake
		want   int32
	}{
		"the handshake fails":     {"https", 2},
		"the request was written": {"http", 1},
	} {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		var opened atomic.Int32
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				opened.Add(1)
				_, _ = conn.Read(make([]byte, 1))
				_ = conn.(*net.TCPConn).SetLinger(0)
				_ = conn.Close()
			}
		}()
		if err := sender(c.scheme+"://"+l.Addr().String()).Send(t.Context(), message(t)); !errors.Is(err, sns.ErrSend) {
			t.Errorf("%s: %v", name, err)
		}
		if got := opened.Load(); got != c.want {
			t.Errorf("%s: %d tries, want %d", name, got, c.want)
		}
		_ = l.Close()
	}
}
