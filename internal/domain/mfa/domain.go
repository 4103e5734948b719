package mfa

// New returns a service, or an error that says what is missing.
func New(c Config) (*Service, error) {
	return NewEngine(c, (*txn).applyFactorChanges, (*txn).stageEvents, (*txn).stageDelivery, (*txn).sealTrails)
}
