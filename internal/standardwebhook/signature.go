// Package standardwebhook signs events as Standard Webhooks asks for, and posts them to endpoints.
// The endpoints' addresses are not trusted. [Sender] implements [webhook.Sender].
package standardwebhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
)

// secretPrefix begins a symmetric secret. The rest is base64.
const secretPrefix = "whsec_"

// errSecret does not quote the text, which may be a secret with a typing error.
var errSecret = errors.New("webhook: not a secret of Standard Webhooks")

// Sign returns the signature of a body, in the form of the webhook-signature header.
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
func Sign(key secret.Value, id string, at time.Time, body []byte) (string, error) {
	text, ok := strings.CutPrefix(key.Reveal(), secretPrefix)
	raw, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(raw) == 0 {
		return "", errSecret
	}
	mac := hmac.New(sha256.New, raw)
	_, _ = fmt.Fprintf(mac, "%s.%d.", id, at.Unix())
	_, _ = mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)), nil
}

// sign adds the headers, with a signature for each key. They are repeated under the names of Svix,
// which Clerk's verifyWebhook reads.
func sign(h http.Header, keys []secret.Value, id string, at time.Time, body []byte) error {
	all := make([]string, len(keys))
	for i, key := range keys {
		var err error
		if all[i], err = Sign(key, id, at, body); err != nil {
			return err
		}
	}
	for _, family := range []string{"webhook-", "svix-"} {
		h.Set(family+"id", id)
		h.Set(family+"timestamp", strconv.FormatInt(at.Unix(), 10))
		h.Set(family+"signature", strings.Join(all, " "))
	}
	return nil
}
