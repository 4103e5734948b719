package migrate_test

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/countersign-mfa/countersign/internal/ops/migrate"
	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/test/mfatest"
)

// aged makes a user's backup codes as old ones are stored: without keys of their own.
func (i *instance) aged(id string) {
	i.Helper()
	found, err := i.store.Get(i.Context(), store.Key{Kind: store.KindUser, ID: strings.TrimPrefix(id, "user_")})
	i.Must(err)
	d := json.NewDecoder(bytes.NewReader(found[0].Data))
	d.UseNumber() // an instant does not fit into a float
	record := map[string]any{}
	i.Must(d.Decode(&record))
	delete(record["bc"].(map[string]any), "k")
	found[0].Data, err = json.Marshal(record)
	i.Must(err)
	i.Must(i.store.Commit(i.Context(), []store.Write{{Record: found[0]}}))
}

// TestAnExportSaysHowManyLoseTheirCodes: one of three users has codes without a key of its own.
func TestAnExportSaysHowManyLoseTheirCodes(t *testing.T) {
	i := newInstance(t, mfatest.NewClock())
	write := func(want migrate.Progress) {
		t.Helper()
		got, err := migrate.Export(t.Context(), io.Discard, []age.Recipient{identity(t).Recipient()}, i.Service, i.Now(), migrate.Progress{}, math.MaxInt)
		i.Must(err)
		if got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	old, _ := i.member("old")
	i.member("one")
	i.member("two")
	write(migrate.Progress{Parts: 1, Users: 3})
	i.aged(old)
	write(migrate.Progress{Parts: 1, Users: 3, WithoutCodes: 1})
}

// TestAHeadIsWhole: the first line of an export has the format and the settings. A file without
// either is refused.
func TestAHeadIsWhole(t *testing.T) {
	key := identity(t)
	for name, head := range map[string]string{
		"without settings": `{"object":"countersign_export","version":1}`, "by another name": `{"object":"export","version":1,"settings":{}}`,
	} {
		if _, _, err := newInstance(t, mfatest.NewClock()).restore(encrypt(t, key, head, `{"object":"end","users":0}`), key); err == nil {
			t.Errorf("a head %s is taken", name)
		}
	}
}
