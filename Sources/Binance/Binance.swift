// Binance
