package sessiontoken

import "crypto/rsa"

// Private is a key's private part, to sign what [Key.Mint] never would.
func Private(k *Key) *rsa.PrivateKey { return k.private }
