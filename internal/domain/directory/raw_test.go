package directory_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/store/boltstore"
	"github.com/countersign-mfa/countersign/test/mfatest"
)

// TestADeletedUserIsNotInTheFile: after a deletion the bytes of the store hold no word of the user,
// neither in the record nor in a list. Digits of a number are in none of them at any time.
func TestADeletedUserIsNotInTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	options := boltstore.Options{Now: time.Now}
	words := []string{"zebulon", "quagmire", "oxbow"}
	has := func(words ...string) map[string]bool {
		t.Helper()
		if err := boltstore.Compact(path, options); err != nil { // without what bbolt keeps of old pages
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]bool{}
		for _, w := range words {
			found[w] = bytes.Contains(bytes.ToLower(data), []byte(w))
		}
		return found
	}
	with := func(do func(*mfatest.World)) {
		t.Helper()
		file, err := boltstore.Open(path, options)
		if err != nil {
			t.Fatal(err)
		}
		do(mfatest.New(t, domain.Config{Store: file}))
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
	var id string
	with(func(w *mfatest.World) {
		u, err := w.Admin.CreateUser(t.Context(), admin.UserInput{
			Username: "Zebulon", FirstName: "Quagmire", Emails: []string{"oxbow@example.com"}, Phones: []string{"+12015558642"}, TOTPSecret: secret.New("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"),
		})
		w.Must(err)
		id = u.WireID()
	})
	there := has(append(words, "2015558642", "8642\x00")...)
	for _, word := range words {
		if !there[word] {
			t.Errorf("%s is not in the file: the test shows nothing", word)
		}
	}
	if there["2015558642"] || there["8642\x00"] {
		t.Error("digits of the number are in the file")
	}
	with(func(w *mfatest.World) { w.Must(w.Admin.DeleteUser(t.Context(), id)) })
	for word, found := range has(words...) {
		if found {
			t.Errorf("%s is in the file after the deletion", word)
		}
	}
}
