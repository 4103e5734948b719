package account

import (
	"time"
)

// NonceLife is how long an app's server may take to fetch the answer of a handshake.
const NonceLife = time.Minute
