package lambdahost

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/api/wire"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// Values of [EnvEdge].
const (
	// EdgeBelieved takes the caller's address from CloudFront, and also serves requests that bypass
	// CloudFront.
	EdgeBelieved = "believed"
	// EdgeRequired refuses requests that did not come through CloudFront.
	EdgeRequired = "required"
)

const (
	// EdgeHeader is the header with the secret by which CloudFront proves itself. "If a header is
	// present, CloudFront overwrites the header value before forwarding the request to the origin"
	// (CloudFront's developer guide, "Add custom headers to origin requests").
	EdgeHeader = "X-Countersign-Edge"
	// ViewerHeader is CloudFront's header with the caller's address and port (CloudFront's developer
	// guide, "Add CloudFront request headers").
	ViewerHeader = "CloudFront-Viewer-Address"
)

// claim is what the headers of a request say about CloudFront. Any client can send
// them, so they count only with the right secret.
type claim struct {
	secret secret.Value
	viewer string
}

type claimKey struct{}

// takeClaim moves the headers of CloudFront from a request to its context, so that no handler and
// no log sees the secret, or believes the address. A header that comes twice counts as wrong: the
// gateway joins repeated headers with commas, and writes their names in lower case.
func takeClaim(r *http.Request, headers map[string]string) *http.Request {
	var c claim
	for name, into := range map[string]func(string){
		EdgeHeader: func(text string) { c.secret = secret.New(text) }, ViewerHeader: func(text string) { c.viewer = text },
	} {
		n := 0
		for given, value := range headers {
			if strings.EqualFold(given, name) {
				into(value)
				n++
			}
		}
		if n > 1 {
			into("")
		}
		r.Header.Del(name)
	}
	return r.WithContext(context.WithValue(r.Context(), claimKey{}, c))
}

// Edge decides which requests came through CloudFront.
type Edge struct {
	// Mode is [EdgeBelieved], [EdgeRequired], or empty without CloudFront.
	Mode string
	// Accepts reports, in constant time, whether a text is CloudFront's secret.
	Accepts func(context.Context, secret.Value) (bool, error)
	Log     *slog.Logger
}

// Handler returns next behind CloudFront. With CloudFront's secret, the caller's address is the one
// that CloudFront names, or [tx.UnknownAddress] if that cannot be read. With any other secret or
// none, the address is the one that the gateway names; with [EdgeRequired] the request is refused,
// because it went past the WAF.
func (e Edge) Handler(next http.Handler) http.Handler {
	if e.Mode == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _ := r.Context().Value(claimKey{}).(claim)
		accepted, err := e.Accepts(r.Context(), c.secret)
		switch {
		case accepted:
			viewer := viewerAddress(c.viewer)
			if viewer == tx.UnknownAddress {
				e.Log.Warn("CloudFront reports no readable address of the caller: its origin request policy lacks " + ViewerHeader)
			}
			ctx := context.WithValue(r.Context(), addressKey{}, viewer)
			next.ServeHTTP(w, r.WithContext(context.WithValue(ctx, viewerKey{}, viewer)))
		case e.Mode != EdgeRequired:
			next.ServeHTTP(w, r)
		case err != nil:
			e.refuse(w, r, apierr.New(apierr.ServiceUnavailable).Retry(time.Second))
		default:
			e.refuse(w, r, apierr.New(apierr.AuthorizationInvalid).Explain("Requests must come through CloudFront, at the domain of this API."))
		}
	})
}

// refuse answers in the form of the API's errors.
func (e Edge) refuse(w http.ResponseWriter, r *http.Request, why *apierr.Error) {
	var id [16]byte
	_, _ = rand.Read(id[:])
	trace := hex.EncodeToString(id[:])
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Clerk-Trace-Id", trace)
	operation.WriteError(w, r, why, trace)
	e.Log.Info("request", "operation", "none", "refused", "not through CloudFront", "method", r.Method, "status", wire.Status(why.Code()), "code", string(why.Code()), "trace", trace)
}

// viewerAddress reads [ViewerHeader]: the address, a colon and the port, as in
// 198.51.100.10:46532 and 2001:db8::1:46532. An IPv6 address has no brackets, so the last colon
// ends the address. Any other text is [tx.UnknownAddress].
func viewerAddress(text string) netip.Addr {
	at := strings.LastIndexByte(text, ':')
	if at < 0 {
		return tx.UnknownAddress
	}
	_, noPort := strconv.ParseUint(text[at+1:], 10, 16)
	address, err := netip.ParseAddr(text[:at])
	if noPort != nil || err != nil || address.Zone() != "" {
		return tx.UnknownAddress
	}
	if address = address.Unmap(); address.IsUnspecified() {
		return tx.UnknownAddress
	}
	return address
}

type viewerKey struct{}

// viewerLog adds the caller's address to the log lines of a request that came through CloudFront,
// because the gateway's access log has only CloudFront's own address.
type viewerLog struct{ slog.Handler }

// Handle implements [slog.Handler].
func (h viewerLog) Handle(ctx context.Context, line slog.Record) error {
	if viewer, ok := ctx.Value(viewerKey{}).(netip.Addr); ok && viewer != tx.UnknownAddress {
		line.AddAttrs(slog.String("ip", viewer.String()))
	}
	return h.Handler.Handle(ctx, line)
}

// WithAttrs implements [slog.Handler].
func (h viewerLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return viewerLog{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements [slog.Handler].
func (h viewerLog) WithGroup(name string) slog.Handler { return viewerLog{h.Handler.WithGroup(name)} }
