package operation

import (
	"bytes"
	"strconv"
	"unicode/utf16"
)

// loneSurrogate reports whether JSON text has the escape of half a character, as in "\ud800". Such
// text has no UTF-8 form (RFC 8259 section 8.2): Go reads U+FFFD, other readers something else. The
// text need not be valid JSON.
func loneSurrogate(data []byte) bool {
	for {
		at := bytes.IndexByte(data, '\\')
		if at < 0 || at+1 >= len(data) {
			return false
		}
		data = data[at:]
		unit, ok := escaped(data)
		if !ok {
			data = data[2:] // another escape, which may be that of a backslash
			continue
		}
		data = data[len(`\uXXXX`):]
		if !utf16.IsSurrogate(unit) {
			continue
		}
		low, _ := escaped(data)
		if utf16.DecodeRune(unit, low) == '\uFFFD' {
			return true
		}
		data = data[len(`\uXXXX`):]
	}
}

// escaped returns the code unit of an escape \uXXXX at the beginning of data.
func escaped(data []byte) (rune, bool) {
	if len(data) < len(`\uXXXX`) || data[0] != '\\' || data[1] != 'u' {
		return 0, false
	}
	unit, err := strconv.ParseUint(string(data[2:6]), 16, 16)
	return rune(unit), err == nil
}
