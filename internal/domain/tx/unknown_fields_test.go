package tx

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/store"
)

func goldenRecords(t *testing.T, name string) map[string]json.RawMessage {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var records map[string]json.RawMessage
	if err := json.Unmarshal(text, &records); err != nil {
		t.Fatal(err)
	}
	return records
}

// seed puts an unknown field into every object that is a struct here. A map has no fields, and the
// metadata are the application's own.
func seed(value any, of reflect.Type, at string, places map[string]bool) {
	for of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	switch v := value.(type) {
	case map[string]any:
		if of.Kind() != reflect.Struct {
			return
		}
		for name, field := range fieldsOf(of) {
			seed(v[name], field, at+"/"+name, places)
		}
		v["zz"] = "from the future"
		places[at] = true
	case []any:
		for i, inner := range v {
			seed(inner, of.Elem(), fmt.Sprint(at, "/", i), places)
		}
	}
}

func found(value any, at string, places map[string]bool) {
	switch v := value.(type) {
	case map[string]any:
		if v["zz"] == "from the future" {
			places[at] = true
		}
		for name, inner := range v {
			found(inner, at+"/"+name, places)
		}
	case []any:
		for i, inner := range v {
			found(inner, fmt.Sprint(at, "/", i), places)
		}
	}
}

// rewrite is what this version makes of a record that it reads, changes and writes.
func rewrite(t *testing.T, kind string, data []byte, change func(account.Entity)) map[string]any {
	t.Helper()
	e := newEntity(store.Kind(kind))
	foreign, err := decode(data, e)
	if err != nil {
		t.Fatalf("%s: %v", kind, err)
	}
	change(e)
	written, err := encodeOver(e, foreign)
	if err != nil {
		t.Fatalf("%s: %v", kind, err)
	}
	var o map[string]any
	if err := json.Unmarshal(written, &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// TestFieldsOfANewerVersionAreKept: at every depth of every record (R34).
func TestFieldsOfANewerVersionAreKept(t *testing.T) {
	for kind, data := range goldenRecords(t, "testdata/records.json") {
		if unknownKind(store.Kind(kind)) {
			continue
		}
		var o map[string]any
		if err := json.Unmarshal(data, &o); err != nil {
			t.Fatal(err)
		}
		want, got := map[string]bool{}, map[string]bool{}
		seed(o, reflect.TypeOf(newEntity(store.Kind(kind))), "", want)
		newer, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		found(rewrite(t, kind, newer, func(account.Entity) {}), "", got)
		if !maps.Equal(want, got) {
			t.Errorf("%s: of the unknown fields in %v, those in %v are left", kind, want, got)
		}
	}
}

// unknownKind reports whether no kind of record has the name.
func unknownKind(k store.Kind) (none bool) {
	defer func() { none = recover() != nil }()
	newEntity(k)
	return false
}

// TestAFieldGoesWithItsObject: an unknown field of an app, a number or a counter stays with its
// object, and is removed with it.
func TestAFieldGoesWithItsObject(t *testing.T) {
	newer := []byte(`{"ph":[{"i":"a","n":"+1","c":1,"u":1,"zz":"a"},{"i":"b","n":"+2","c":1,"u":1,"zz":"b"}],"to":{"i":"t","s":"","c":1,"zz":"t"},"b2":{"f":3,"zz":7},"c":1,"u":1}`)
	text := func(change func(*account.User)) string {
		data, err := json.Marshal(rewrite(t, "user", newer, func(e account.Entity) { change(e.(*account.User)) }))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	for name, c := range map[string]struct {
		change    func(*account.User)
		has, lost string
	}{
		"another app":                       {func(u *account.User) { u.TOTP = &account.TOTP{ID: "other"} }, `"zz":"a"`, `"zz":"t"`},
		"the app is removed":                {func(u *account.User) { u.TOTP = nil }, `"zz":"b"`, `"zz":"t"`},
		"the first number is removed":       {func(u *account.User) { u.Phones = u.Phones[1:] }, `"zz":"b"`, `"zz":"a"`},
		"the numbers change places":         {func(u *account.User) { u.Phones[0], u.Phones[1] = u.Phones[1], u.Phones[0] }, `"i":"b","n":"+2","u":1,"zz":"b"`, `"i":"b","n":"+2","u":1,"zz":"a"`},
		"a counter that is cleared here":    {func(u *account.User) { u.SecondFailures.Clear() }, `"b2":{"zz":7}`, `"f":3`},
		"a counter that counts on here too": {func(u *account.User) { u.SecondFailures.Failures++ }, `"f":4`, `"f":3`},
	} {
		if got := text(c.change); !strings.Contains(got, c.has) || strings.Contains(got, c.lost) {
			t.Errorf("%s: %s, want %s and not %s", name, got, c.has, c.lost)
		}
	}
}

// frozen are the stored forms of earlier versions with the SHA-256 of each file. A change of the
// stored form adds a file, and no file is rewritten.
var frozen = map[string]string{
	"testdata/records-2026-11.json":    "9eb1c3cda5e6ecf9f75d05215cad881c4846f08a06a4ad75aea319cfea4136a9",
	"testdata/records-2026-11-27.json": "4aacf4c38c858089d1da1a9b06ad1a2580ed626fa080fe7ee3b69761796fdf00",
}

// TestRecordsOfOlderVersionsAreRead: a record of an earlier version keeps every value when this
// version reads and writes it.
func TestRecordsOfOlderVersionsAreRead(t *testing.T) {
	files, err := filepath.Glob("testdata/records-*.json")
	if err != nil || len(files) != len(frozen) {
		t.Fatalf("%d files are there, %d are frozen: %v", len(files), len(frozen), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%x", sha256.Sum256(text)); got != frozen[file] {
			t.Errorf("%s is not as it was frozen: its SHA-256 is %s", file, got)
		}
		for kind, data := range goldenRecords(t, file) {
			if unknownKind(store.Kind(kind)) {
				t.Errorf("%s: nothing reads a %s any more", file, kind)
				continue
			}
			var old map[string]any
			if err := json.Unmarshal(data, &old); err != nil {
				t.Fatal(err)
			}
			kept(t, file+" "+kind, old, rewrite(t, kind, data, func(account.Entity) {}))
		}
	}
}

// kept fails unless after has everything that before has.
func kept(t *testing.T, at string, before, after any) {
	t.Helper()
	switch b := before.(type) {
	case map[string]any:
		a, _ := after.(map[string]any)
		for name, value := range b {
			kept(t, at+"/"+name, value, a[name])
		}
	case []any:
		a, _ := after.([]any)
		if len(a) != len(b) {
			t.Errorf("%s: %d elements became %d", at, len(b), len(a))
			return
		}
		for i := range b {
			kept(t, fmt.Sprint(at, "/", i), b[i], a[i])
		}
	default:
		if fmt.Sprint(before) != fmt.Sprint(after) {
			t.Errorf("%s: %v became %v", at, before, after)
		}
	}
}

func TestDecodeTakesOneValue(t *testing.T) {
	for _, text := range []string{"", "{", `{"u":"x"} {}`, `{"u":7}`, `[]`, `{"zz":1,"u":7}`} {
		if _, err := decode([]byte(text), &account.Claim{}); err == nil {
			t.Errorf("%q was taken for a record", text)
		}
	}
}
