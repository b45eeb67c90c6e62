// CryptoCom
