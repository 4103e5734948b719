package migration

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

// TestTheFormatIsDocumented: docs/use/moving-away.md names every field of an exported user, so that
// another program can read the file.
func TestTheFormatIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../../docs/use/moving-away.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range []reflect.Type{
		reflect.TypeFor[Export](), reflect.TypeFor[ExportedEmail](), reflect.TypeFor[ExportedPhone](), reflect.TypeFor[ExportedTOTP](), reflect.TypeFor[ExportedCodes](), reflect.TypeFor[ExportedPasskey](),
	} {
		for f := range of.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if !strings.Contains(string(text), "`"+name+"`") {
				t.Errorf("%s of %s is not documented", name, of.Name())
			}
		}
	}
}
