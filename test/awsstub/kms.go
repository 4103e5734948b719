package awsstub

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/countersign-mfa/countersign/internal/crypto/seal"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
)

// kmsRequest is the part of KMS's JSON that the stub reads.
type kmsRequest struct {
	KeyID             string            `json:"KeyId"`
	KeySpec           string            `json:"KeySpec"`
	CiphertextBlob    []byte            `json:"CiphertextBlob"`
	EncryptionContext map[string]string `json:"EncryptionContext"`
}

// owner binds a ciphertext to its key and its context.
func (r kmsRequest) owner() string {
	lines := []string{r.KeyID}
	for _, name := range slices.Sorted(maps.Keys(r.EncryptionContext)) {
		lines = append(lines, name+"="+r.EncryptionContext[name])
	}
	return strings.Join(lines, "\n")
}

// kms answers GenerateDataKeyWithoutPlaintext and Decrypt. It seals the ciphertext to the key and
// the context, as the service does.
func (s *Server) kms(w http.ResponseWriter, action string, body []byte) {
	var in kmsRequest
	if err := json.Unmarshal(body, &in); err != nil || !strings.HasPrefix(in.KeyID, "arn:aws:kms:") {
		fault(w, "ValidationException")
		return
	}
	key := seal.Key(sha256.Sum256([]byte("the stand-in's own key")))
	ring, err := seal.NewRing(1, map[uint32]seal.Key{1: key}, rand.Reader)
	if err != nil {
		fault(w, "KMSInternalException")
		return
	}
	switch action {
	case "GenerateDataKeyWithoutPlaintext":
		plain := make([]byte, 32)
		_, _ = rand.Read(plain)
		sealed, err := ring.Seal(in.owner(), secret.New(string(plain)))
		if err != nil || in.KeySpec != "AES_256" {
			fault(w, "ValidationException")
			return
		}
		reply(w, map[string]any{"CiphertextBlob": sealed, "KeyId": in.KeyID})
	case "Decrypt":
		plain, err := ring.Open(in.owner(), in.CiphertextBlob)
		if err != nil {
			fault(w, "InvalidCiphertextException")
			return
		}
		reply(w, map[string]any{"Plaintext": base64.StdEncoding.EncodeToString([]byte(plain.Reveal())), "KeyId": in.KeyID})
	default:
		fault(w, "UnknownOperationException")
	}
}
