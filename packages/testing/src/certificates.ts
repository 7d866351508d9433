/** A certificate with its private key. Use it for TLS servers in tests. */
export interface TestCertificate {
  /** The certificate, PEM. Pass it as `ca` to a client that should trust it. */
  readonly cert: string
  /** The private key, PKCS #8 PEM. */
  readonly key: string
}

// A TEST KEY, published on purpose. It protects nothing: never use it outside of tests, and never trust its certificate.
// It is committed because Node cannot make X.509 certificates and a fresh machine may not have openssl.
/** Self-signed certificate for `localhost` and 127.0.0.1, valid from 2020 to the end of 2099. A published test key: protects nothing. */
export const validCertificate: TestCertificate = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBvTCCAWKgAwIBAgIBATAKBggqhkjOPQQDAjAsMSowKAYDVQQDDCFjbGFpbWdh
dGUgdGVzdCBrZXkgLSBub3QgYSBzZWNyZXQwIBcNMjAwMTAxMDAwMDAwWhgPMjA5
OTEyMzEyMzU5NTlaMCwxKjAoBgNVBAMMIWNsYWltZ2F0ZSB0ZXN0IGtleSAtIG5v
dCBhIHNlY3JldDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABKLk2FKLont9TmbR
Kd/p1lMpTCROTYJpfleZmn7mu0nEpdpMTulqD/AqnqMzQoRwWIbWPRFWalQ0Lo6a
Mk155c2jczBxMBoGA1UdEQQTMBGCCWxvY2FsaG9zdIcEfwAAATAPBgNVHRMBAf8E
BTADAQH/MA4GA1UdDwEB/wQEAwIChDATBgNVHSUEDDAKBggrBgEFBQcDATAdBgNV
HQ4EFgQUH9ZZcQ7w3OD3MTnTldYC86z5dLMwCgYIKoZIzj0EAwIDSQAwRgIhALDw
8EUUTODA8xB+QwexaKxskpvhlDI6OWiedEq4I+8uAiEA8XRVqMQjBOmTt/KXacFl
By5o8v0ffTZBDwPx3K0CDRw=
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgiqqroHa7OBrnvEKQ
Vd3HkTu2/yQdrfGujT7UxuS3PSyhRANCAASi5NhSi6J7fU5m0Snf6dZTKUwkTk2C
aX5XmZp+5rtJxKXaTE7pag/wKp6jM0KEcFiG1j0RVmpUNC6OmjJNeeXN
-----END PRIVATE KEY-----
`,
}

// A TEST KEY, published on purpose. It protects nothing: never use it outside of tests, and never trust its certificate.
// It is committed because Node cannot make X.509 certificates and a fresh machine may not have openssl.
/** Self-signed certificate for `localhost` and 127.0.0.1 that expired on 1 February 2020. A published test key: protects nothing. */
export const expiredCertificate: TestCertificate = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBujCCAWCgAwIBAgIBAjAKBggqhkjOPQQDAjAsMSowKAYDVQQDDCFjbGFpbWdh
dGUgdGVzdCBrZXkgLSBub3QgYSBzZWNyZXQwHhcNMjAwMTAxMDAwMDAwWhcNMjAw
MjAxMDAwMDAwWjAsMSowKAYDVQQDDCFjbGFpbWdhdGUgdGVzdCBrZXkgLSBub3Qg
YSBzZWNyZXQwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATLVkHAudwQNAK4psSM
XCBwtiXiq7MryPR65BAF1KhwkOTpf1qpC7m4OWGetA8ksePmi101fnIeuXlol5fP
3R5zo3MwcTAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwDwYDVR0TAQH/BAUw
AwEB/zAOBgNVHQ8BAf8EBAMCAoQwEwYDVR0lBAwwCgYIKwYBBQUHAwEwHQYDVR0O
BBYEFMf8f3Te6dc32tFNFNBxTfxyjHVIMAoGCCqGSM49BAMCA0gAMEUCICq+k/og
z9v7D3bJ4fFcpvaEPzrn9qJ6jLip9EW/43j2AiEAmvBnKu0kribtscb5AkZ7LPVc
CMEYUWKdjY4hP9t8rlU=
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgTAu7yH6B0lsQmr3H
6Ib5/tVgfvj9CZ2C2tfp4GVx/yahRANCAATLVkHAudwQNAK4psSMXCBwtiXiq7Mr
yPR65BAF1KhwkOTpf1qpC7m4OWGetA8ksePmi101fnIeuXlol5fP3R5z
-----END PRIVATE KEY-----
`,
}
