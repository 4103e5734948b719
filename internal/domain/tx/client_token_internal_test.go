package tx

import (
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
)

// FuzzTokenClient: the name of a client in a token is always an id.
func FuzzTokenClient(f *testing.F) {
	f.Add("dvb_"+strings.Repeat("c", account.IDLen)+"x", 1)
	f.Fuzz(func(t *testing.T, text string, carrier int) {
		if id := TokenClient(Credential{TokenTransport(carrier), secret.New(text)}); id != "" && (!account.IsID(id) || !strings.Contains(text, id)) {
			t.Errorf("%q names %q", text, id)
		}
	})
}
