package account

import "github.com/countersign-mfa/countersign/internal/domain/apierr"

// Limits of a user's record. They keep it, and the commit that makes it, within what a store
// takes.
const (
	EmailsPerUser = 10
	PhonesPerUser = 10
	// ImportedPerUser holds for imported users, whose export may be older than the limits above.
	ImportedPerUser = 50
	// UsernameLength and NameLength are in characters. The first is Clerk's.
	UsernameLength = 64
	NameLength     = 256
	// MetadataBytes is Clerk's limit for all metadata of a user together.
	MetadataBytes = 8 << 10
)

// IdentifierLength limits the identifiers that are looked up, in bytes: RFC 3696 erratum 1690
// allows an address 64 + 1 + 255 bytes.
const IdentifierLength = 320

// TooMany returns the error for a list that is too long.
func TooMany(param string) error {
	return apierr.New(apierr.FormParamArraySizeExceeded).Param(param)
}

// BackupCodesPerUser limits an import.
const BackupCodesPerUser = 20
