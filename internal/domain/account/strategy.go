package account

// Strategy is a way to prove a factor, by its name on the wire.
type Strategy string

// The strategies.
const (
	Password   Strategy = "password"
	TicketCode Strategy = "ticket"
	PhoneCode  Strategy = "phone_code"
	TOTPCode   Strategy = "totp"
	BackupCode Strategy = "backup_code"
	// PasskeyProof is a signature of a passkey, as a first or a second factor.
	PasskeyProof Strategy = "passkey"
)
