/// Bodies as the venue's documents print them, and as recordings have them.
enum Samples {
    /// The sample of the page of `private/user-balance`.
    static let userBalance = #"""
        {
          "id": 11,
          "method": "private/user-balance",
          "code": 0,
          "result": {
            "data": [
              {
                "total_available_balance": "4721.05898582",
                "total_margin_balance": "7595.42571782",
                "total_initial_margin": "2874.36673202",
                "total_position_im": "486.31273202",
                "total_haircut": "2388.054",
                "total_maintenance_margin": "1437.18336601",
                "total_position_cost": "14517.54641301",
                "total_cash_balance": "7890.00320721",
                "total_collateral_value": "7651.18811483",
                "total_session_unrealized_pnl": "-55.76239701",
                "instrument_name": "USD",
                "total_session_realized_pnl": "0.00000000",
                "is_liquidating": false,
                "total_effective_leverage": "1.90401230",
                "position_limit": "3000000.00000000",
                "used_position_limit": "40674.69622001",
                "position_balances": [
                  {
                    "instrument_name": "CRO",
                    "quantity": "24422.72427884",
                    "market_value": "4776.107959969951",
                    "collateral_eligible": "true",
                    "haircut": "0.5",
                    "collateral_amount": "4537.302561971453",
                    "max_withdrawal_balance": "24422.72427884",
                    "reserved_qty" : "0.00000000"
                  },
                  {
                    "instrument_name": "USD",
                    "quantity": "3113.50747209",
                    "market_value": "3113.50747209",
                    "collateral_eligible": "true",
                    "haircut": "0",
                    "collateral_amount": "3113.50747209",
                    "max_withdrawal_balance": "3113.50747209",
                    "reserved_qty" : "0.00000000"
                  },
                  {
                    "instrument_name": "USDT",
                    "quantity": "0.19411607",
                    "market_value": "0.19389555414448",
                    "collateral_eligible": "true",
                    "haircut": "0.02",
                    "collateral_amount": "0.18904816529086801",
                    "max_withdrawal_balance": "0.19411607",
                    "reserved_qty" : "0.00000000"
                  },
                  {
                    "instrument_name": "DAI",
                    "quantity": "0.19387960",
                    "market_value": "0.1938796",
                    "collateral_eligible": "false",
                    "haircut": "0.975",
                    "collateral_amount": "0.18903261000000002",
                    "max_withdrawal_balance": "0.1938796",
                    "reserved_qty" : "0.00000000"
                  }
                ]
              }
            ]
          }
        }
        """#

    /// The sample of the page of `private/get-subaccount-balances`, its comments left out.
    static let subaccountBalances = #"""
        {
          "id": 1,
          "method": "private/get-subaccount-balances",
          "code": 0,
          "result": {
            "data": [
              {
                "account": "a0d206a1-6b06-47c5-9cd3-8bc6ef0915c5",
                "instrument_name": "USD",
                "total_available_balance": "0.00000000",
                "total_margin_balance": "0.00000000",
                "total_initial_margin": "0.00000000",
                "total_maintenance_margin": "0.00000000",
                "total_position_cost": "0.00000000",
                "total_cash_balance": "0.00000000",
                "total_collateral_value": "0.00000000",
                "total_session_unrealized_pnl": "0.00000000",
                "total_session_realized_pnl": "0.00000000",
                "total_effective_leverage": "0.00000000",
                "position_limit": "3000000.00000000",
                "used_position_limit": "0.00000000",
                "is_liquidating": false,
                "position_balances": [ ]
              },
              {
                "account": "49786818-6ead-40c4-a008-ea6b0fa5cf96",
                "instrument_name": "USD",
                "total_available_balance": "20823.62250000",
                "total_margin_balance": "20823.62250000",
                "total_initial_margin": "0.00000000",
                "total_maintenance_margin": "0.00000000",
                "total_position_cost": "0.00000000",
                "total_cash_balance": "21919.55000000",
                "total_collateral_value": "20823.62250000",
                "total_session_unrealized_pnl": "0.00000000",
                "total_session_realized_pnl": "0.00000000",
                "total_effective_leverage": "0.00000000",
                "position_limit": "3000000.00000000",
                "used_position_limit": "0.00000000",
                "is_liquidating": false,
                "position_balances": [
                  {
                    "instrument_name": "BTC",
                    "quantity": "1.0000000000",
                    "market_value": "21918.5500000000",
                    "collateral_eligible": "true",
                    "haircut": "0.5500000000",
                    "collateral_amount": "21918.0000000000",
                    "max_withdrawal_balance": "1.0000000000"
                  },
                  {
                    "instrument_name": "USD",
                    "quantity": "1.00000000",
                    "market_value": "1.00000000",
                    "collateral_eligible": "true",
                    "haircut": "0.10000000",
                    "collateral_amount": "0.90000000",
                    "max_withdrawal_balance": "0.00000000"
                  }
                ]
              },
              {
                "account": "507d3f7d-37c3-4a09-9076-b83c2fcbb638",
                "total_available_balance": "20922.62250000",
                "total_margin_balance": "20922.62250000",
                "total_initial_margin": "0.00000000",
                "total_maintenance_margin": "0.00000000",
                "total_position_cost": "0.00000000",
                "total_cash_balance": "22018.55000000",
                "total_collateral_value": "20922.62250000",
                "total_session_unrealized_pnl": "0.00000000",
                "instrument_name": "USD",
                "total_session_realized_pnl": "0.00000000",
                "total_effective_leverage": "0.00000000",
                "position_limit": "3000000.00000000",
                "used_position_limit": "0.00000000",
                "is_liquidating": false,
                "position_balances": [
                  {
                    "instrument_name": "BTC",
                    "quantity": "1.0000000000",
                    "market_value": "21918.5500000000",
                    "collateral_eligible": "true",
                    "haircut": "0.5500000000",
                    "collateral_amount": "21918.0000000000",
                    "max_withdrawal_balance": "1.0000000000"
                  },
                  {
                    "instrument_name": "USD",
                    "quantity": "100.00000000",
                    "market_value": "100.00000000",
                    "collateral_eligible": "true",
                    "haircut": "1.00000000",
                    "collateral_amount": "99.00000000",
                    "max_withdrawal_balance": "0.00000000"
                  }
                ]
              }
            ]
          }
        }
        """#

    /// Golden payload A.
    static let recordingA = #"""
        {
         "id": 11,
         "method": "private/user-balance",
         "code": 0,
         "result": {
          "data": [
           {
            "total_risk_exposure": "1.64010001",
            "total_available_balance": "19.00181564",
            "total_margin_balance": "19.82186564",
            "total_initial_margin": "0.82005001",
            "total_haircut": "0.82005001",
            "total_position_im": "0",
            "total_maintenance_margin": "0.41002501",
            "total_position_cost": "0",
            "total_cash_balance": "19.82186564",
            "total_collateral_value": "19.00181564",
            "total_session_unrealized_pnl": "0",
            "instrument_name": "USD",
            "total_session_realized_pnl": "0",
            "position_balances": [
             {
              "quantity": "30",
              "reserved_qty": "0",
              "collateral_amount": "0.82005",
              "haircut": "0.5",
              "collateral_eligible": true,
              "market_value": "1.6401",
              "max_withdrawal_balance": "30",
              "instrument_name": "CRO",
              "hourly_interest_rate": "0"
             },
             {
              "quantity": "18.18176564",
              "reserved_qty": "0",
              "collateral_amount": "18.18176564",
              "haircut": "0",
              "collateral_eligible": true,
              "market_value": "18.18176564",
              "max_withdrawal_balance": "18.18176564",
              "instrument_name": "USD",
              "hourly_interest_rate": "0"
             }
            ],
            "credit_limits": [],
            "total_isolated_cash_balance": "0",
            "isolated_positions": [],
            "total_effective_leverage": "0.082742",
            "position_limit": "396.4373128",
            "used_position_limit": "1.64010001",
            "total_borrow": "0",
            "is_liquidating": false,
            "has_risk": false,
            "terminatable": true
           }
          ]
         }
        }
        """#

    /// Golden payload B.
    static let recordingB = #"""
        {
         "id": 11,
         "method": "private/user-balance",
         "code": 0,
         "result": {
          "data": [
           {
            "total_risk_exposure": "9.69926",
            "total_available_balance": "14.52677661",
            "total_margin_balance": "19.37640661",
            "total_initial_margin": "4.84963",
            "total_haircut": "4.84963000",
            "total_position_im": "0",
            "total_maintenance_margin": "2.424815",
            "total_position_cost": "0",
            "total_cash_balance": "19.37640661",
            "total_collateral_value": "14.52677660",
            "total_session_unrealized_pnl": "0",
            "instrument_name": "USD",
            "total_session_realized_pnl": "0",
            "position_balances": [
             {
              "quantity": "199",
              "reserved_qty": "0",
              "collateral_amount": "4.84962999",
              "haircut": "0.5",
              "collateral_eligible": true,
              "market_value": "9.69925999",
              "max_withdrawal_balance": "199",
              "instrument_name": "CRO",
              "hourly_interest_rate": "0"
             },
             {
              "quantity": "9.677146618",
              "reserved_qty": "0",
              "collateral_amount": "9.67714661",
              "haircut": "0",
              "collateral_eligible": true,
              "market_value": "9.67714661",
              "max_withdrawal_balance": "9.67714661",
              "instrument_name": "USD",
              "hourly_interest_rate": "0"
             }
            ],
            "credit_limits": [],
            "total_isolated_cash_balance": "0",
            "isolated_positions": [],
            "total_effective_leverage": "0.500571",
            "position_limit": "387.52813236",
            "used_position_limit": "9.69926",
            "total_borrow": "0",
            "is_liquidating": false,
            "has_risk": false,
            "terminatable": true
           }
          ]
         }
        }
        """#
}
