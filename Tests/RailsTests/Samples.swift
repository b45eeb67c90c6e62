/// Bodies as the venue's document prints them.
enum Samples {
    /// The sample of the page of balances.
    static let balances = #"""
        {
          "totalBalance": "99996952.15429778",
          "availableBalance": "99521353.92161779",
          "deposit": "100000000",
          "withdraw": "879.12",
          "withdrawFees": "8.88",
          "fees": "608.02030021",
          "pnl": "-1292.78457349",
          "funding": "-259.04082851",
          "volume": "608020.300274",
          "margin": "7261788.9945241110003337",
          "maintenanceMargin": "475598.23267999",
          "leverage": "1",
          "promoCredit": "0",
          "marketBalancesMap": {
            "BTC-USD": {
              "position": "467782.520726",
              "positionQuantity": "7",
              "liquidationPrice": "126380.268279734335477455",
              "openBuy": "60000",
              "openBuyQty": "1",
              "openSell": "0",
              "openSellQty": "0",
              "pnl": "-1292.78457349",
              "positionPnl": "-1292.7845734999864",
              "funding": "113.21723468000002",
              "positionFunding": "113.21723468000002",
              "volume": "600695.07832",
              "fees": "600.69507826",
              "liquidationFees": "0",
              "margin": "6498468.2474181248786156",
              "maintenanceMargin": "527842.520726"
            },
            "ETH-USD": {
              "position": "28894.648055999998",
              "positionQuantity": "8",
              "liquidationPrice": "28902.648056",
              "openBuy": "0",
              "openBuyQty": "0",
              "openSell": "8000",
              "openSellQty": "3",
              "pnl": "406.23975999",
              "positionPnl": "406.2397599999995",
              "funding": "-486.82005787000037",
              "positionFunding": "-486.82005787000037",
              "volume": "43545.091964",
              "fees": "43.54509196",
              "liquidationFees": "0",
              "margin": "762320.7471059860003337",
              "maintenanceMargin": "28902.648056"
            }
          }
        }
        """#

    /// The published page of open orders, identifiers replaced.
    static let openOrders = #"""
        {"openOrders":[{"market":"BTC-USD","orderId":"01HZ0000000000000000000B01","orderType":"buy",\#
        "tradeType":"limit","price":"65000","quantity":"0.5","filledQuantity":"0.5","leverage":"1",\#
        "createdAt":1717020981622,"updatedAt":1717020982756,"orderStatus":"active",\#
        "clientRequestId":"00000000-0000-4000-8000-000000000001",\#
        "postOnly":false,"avgFillPrice":"65000"},{"market":"ETH-USD",\#
        "orderId":"01HZ0000000000000000000S01","orderType":"sell","tradeType":"limit",\#
        "price":"3772.272138","quantity":"1","filledQuantity":"0.5","leverage":"1",\#
        "createdAt":1717020981622,"updatedAt":1717020982756,"orderStatus":"active",\#
        "clientRequestId":"00000000-0000-4000-8000-000000000001",\#
        "postOnly":false,"avgFillPrice":"3772.272138"}],\#
        "last":"ETH-USD#01HZ0000000000000000000S01#00000000-0000-4000-8000-000000000002"}
        """#

    /// Balances made around those orders.
    static let balancesWithOrders = #"""
        {"totalBalance":"10000","availableBalance":"10000","deposit":"10000","withdraw":"0",\#
        "withdrawFees":"0","fees":"0","pnl":"0","funding":"0","volume":"0","margin":"36272.272138",\#
        "maintenanceMargin":"0","leverage":"1","promoCredit":"0","marketBalancesMap":{"BTC-USD":\#
        {"position":"0","positionQuantity":"0","liquidationPrice":"0","openBuy":"32500",\#
        "openBuyQty":"0.5","openSell":"0","openSellQty":"0","pnl":"0","positionPnl":"0",\#
        "funding":"0","positionFunding":"0","volume":"0","fees":"0","liquidationFees":"0",\#
        "margin":"32500","maintenanceMargin":"0"},"ETH-USD":{"position":"0","positionQuantity":"0",\#
        "liquidationPrice":"0","openBuy":"0","openBuyQty":"0","openSell":"3772.272138",\#
        "openSellQty":"1","pnl":"0","positionPnl":"0","funding":"0","positionFunding":"0",\#
        "volume":"0","fees":"0","liquidationFees":"0","margin":"3772.272138",\#
        "maintenanceMargin":"0"}}}
        """#

    /// The published page of fills, times and identifiers replaced: the first three charge 0.1 %, the last is
    /// printed in two digits.
    static func fills(time: String = "filledAt") -> String {
        let rows = [
            ("ETH-USD", "273.78842139", "1949", "533.61363328"),
            ("BTC-USD", "6.34127086", "82850.59187039", "525.37804396"),
            ("BTC-USDT", "23.4", "92911.48605", "2174.12877357"), ("ETH-USD", "6.6", "3598.04", "9.49"),
        ]
        let texts = rows.map { market, quantity, price, fee in
            #"{"market":"\#(market)","matchId":"00000000-0000-4000-8000-000000000003","#
                + #""orderId":"01HZ0000000000000000000F01","orderType":"buy","executionType":"taker","#
                + #""fillType":"complete","price":"\#(price)","quantity":"\#(quantity)","#
                + #""tradeType":"limit","fees":"\#(fee)","triggerType":"none","triggerPrice":"0","#
                + #""transactionHash":"\#(String(repeating: "0", count: 64))","\#(time)":1764345600200}"#
        }
        return #"{"completedOrders":[\#(texts.joined(separator: ","))]}"#
    }

    /// The published page of fundings.
    static let fundings = #"""
        {"fundings":[{"dataType":"FUNDING","market":"ETH-USD","value":"-1.51989368","rate":"-0.04",\#
        "indexPrice":"3799.73421126312","positionSize":"-1","txCreated":1764345600000}],\#
        "last":"ETH-USD#FUNDING#01HZ0000000000000000000N01#1764345600000"}
        """#
}
