package account

import "github.com/countersign-mfa/countersign/internal/domain/apierr"

// Limits of a user's record. They keep it, and the commit that makes it, within what a store
// takes.
const (
	EmailsPerUser = 10
	PhonesPerUser = 10
	// ImportedPerUser holds for users of an export, which may be from before the limits above.
	ImportedPerUser = 90
	// UsernameLength and NameLength are in characters. The first is Clerk's.
	UsernameLength = 64
	NameLength     = 256
	// EmailLength is the longest address that a mail server takes, RFC 5321 section 4.5.3.1.3, in
	// bytes.
	EmailLength = 254
	// MetadataBytes is Clerk's limit for all metadata of a user together.
	MetadataBytes = 8 << 10
)

// IdentifierLength bounds what is looked up as an identifier, in bytes: RFC 3696 erratum 1690
// Allows an address 64 + 1 + 255. Nothing longer can be one.
const IdentifierLength = 320

func TooMany(param string) error {
	return apierr.New(apierr.FormParamArraySizeExceeded).Param(param)
}

// BackupCodesPerUser bounds an import.
const BackupCodesPerUser = 20
