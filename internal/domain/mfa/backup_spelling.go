package mfa

import (
	"slices"
	"strings"

	"github.com/countersign-mfa/countersign/internal/crypto/backupcode"
	"github.com/countersign-mfa/countersign/internal/domain/typed"
)

// Bounds of a backup code of another service, in characters with its hyphens and spaces.
const (
	shortestImported = 6
	longestImported  = 64
)

// Importable reports whether a text can be a backup code, of this or of another service: 6 to 64
// characters, ASCII letters and digits in groups. Hyphens and spaces separate groups.
func Importable(text string) bool {
	text = typed.Plain(text)
	form := folded(text)
	return len(text) >= shortestImported && len(text) <= longestImported && form != "" && strings.Trim(form, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}

// folded returns a code without separators, in lower case.
func folded(text string) string { return strings.ToLower(typed.Compact(text)) }

// canonical returns the form under which a code is stored, and whether the code has our form. A
// code of our form also has its o, i and l as the digits that they look like.
func canonical(code string) (form string, ours bool) {
	if form, ours = backupcode.Normalize(typed.Compact(code)); ours {
		return form, true
	}
	return folded(code), false
}

// storedForms returns the forms in which a set of codes is stored, and whether some codes do not
// have our form. Another service may have made two codes that differ in capitals only: that set is
// stored exactly as it was written.
func storedForms(codes []string) (forms []string, foreign bool) {
	exact := map[string]string{}
	distinct := true
	for _, code := range codes {
		form, ours := canonical(code)
		plain := typed.Plain(code)
		foreign = foreign || !ours
		if other, ok := exact[form]; ok && other != plain {
			distinct = false
		}
		exact[form] = plain
		forms = append(forms, form)
	}
	if distinct {
		return forms, foreign
	}
	for i, code := range codes {
		forms[i] = typed.Plain(code)
	}
	return forms, true
}

// formsOf returns the forms under which the code that a user typed may be stored. The exact one
// comes first, for sets that differ in capitals only. The last one is for sets of an earlier
// release, which kept codes of other services as they were written.
func formsOf(code string) []string {
	plain := typed.Plain(code)
	form, _ := canonical(code)
	return different(plain, form, strings.ToLower(plain), strings.ToUpper(plain))
}

// spellings returns the spellings in which a typed code is compared with digests: as it was typed,
// and in lower case without separators. A comparison is expensive, so there are no more.
func spellings(code string) []string { return different(typed.Plain(code), folded(code)) }

// different returns the texts without repetitions, in their order.
func different(texts ...string) []string {
	var out []string
	for _, text := range texts {
		if !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}
