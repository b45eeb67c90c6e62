/// Bodies that were seen in public, whole, with ids replaced.
enum Recorded {
    /// `private/user-balance` of 17 November 2023: a long position in LTC and 11 USDT held by an order.
    static let crossPosition = #"""
        {
         "id": 1700184695140,
         "method": "private/user-balance",
         "code": 0,
         "result": {
          "data": [
           {
            "total_available_balance": "106.05840488",
            "total_margin_balance": "128.61024714",
            "total_initial_margin": "22.55184227",
            "total_haircut": "5.84569226",
            "total_position_im": "16.70615001",
            "total_maintenance_margin": "11.27592113",
            "total_position_cost": "335.768",
            "total_cash_balance": "143.04034396",
            "total_collateral_value": "126.19377168",
            "total_session_unrealized_pnl": "-1.645",
            "instrument_name": "USD",
            "total_session_realized_pnl": "0",
            "position_balances": [
             {
              "quantity": "0.0003999",
              "reserved_qty": "0",
              "collateral_amount": "13.07522797",
              "haircut": "0.1",
              "collateral_eligible": true,
              "market_value": "14.52803108",
              "max_withdrawal_balance": "0.0003999",
              "instrument_name": "BTC",
              "hourly_interest_rate": "0"
             },
             {
              "quantity": "94.3411639875",
              "reserved_qty": "11",
              "collateral_amount": "80.01391802",
              "haircut": "0.04",
              "collateral_eligible": true,
              "market_value": "83.34783128",
              "max_withdrawal_balance": "83.34116398",
              "instrument_name": "USDT",
              "hourly_interest_rate": "0"
             },
             {
              "quantity": "0.99625",
              "reserved_qty": "0",
              "collateral_amount": "0.04814876",
              "haircut": "0.5",
              "collateral_eligible": true,
              "market_value": "0.09629752",
              "max_withdrawal_balance": "0.99625",
              "instrument_name": "CRO",
              "hourly_interest_rate": "0"
             },
             {
              "quantity": "0.07109989",
              "reserved_qty": "0",
              "collateral_amount": "4.04330854",
              "haircut": "0.2",
              "collateral_eligible": true,
              "market_value": "5.05413568",
              "max_withdrawal_balance": "0.07109989",
              "instrument_name": "LTC",
              "hourly_interest_rate": "0"
             },
             {
              "quantity": "29.01316839415396",
              "reserved_qty": "0",
              "collateral_amount": "29.01316839",
              "haircut": "0",
              "collateral_eligible": true,
              "market_value": "29.01316839",
              "max_withdrawal_balance": "29.01316839",
              "instrument_name": "USD",
              "hourly_interest_rate": "0"
             }
            ],
            "credit_limits": [],
            "total_effective_leverage": "3.399024",
            "position_limit": "12861.02471444",
            "used_position_limit": "437.14929558",
            "total_borrow": "0",
            "margin_score": "0",
            "is_liquidating": false,
            "has_risk": true,
            "terminatable": false
           }
          ]
         }
        }
        """#

    /// A row of `private/get-positions` of a week later, settled since it was opened.
    static let longPosition = #"""
        {
         "id": 1700841372136,
         "method": "private/get-positions",
         "code": 0,
         "result": {
          "data": [
           {
            "account_id": "00000000-0000-4000-8000-000000000001",
            "quantity": "4.7",
            "cost": "330.598",
            "open_pos_cost": "310.16670833333336076",
            "open_position_pnl": "14.721750955418",
            "session_pnl": "0",
            "update_timestamp_ms": 1700838000031,
            "instrument_name": "LTCUSD-PERP",
            "type": "PERPETUAL_SWAP"
           }
          ]
         }
        }
        """#

    /// A trading app's test body of 2026, made up: its rows and its totals do not go together.
    static let madeUpBody = #"""
        {
         "id": 11,
         "method": "private/user-balance",
         "code": 0,
         "result": {
          "data": [
           {
            "instrument_name": "USD",
            "total_available_balance": "58.90813519",
            "total_margin_balance": "58.90813519",
            "total_initial_margin": "0.0",
            "total_maintenance_margin": "0.0",
            "total_position_cost": "0.0",
            "total_cash_balance": "58.90813519",
            "total_collateral_value": "58.90813519",
            "total_session_unrealized_pnl": "0.0",
            "total_session_realized_pnl": "0.0",
            "is_liquidating": false,
            "total_effective_leverage": "0.0",
            "position_limit": "1000000.0",
            "used_position_limit": "0.0",
            "total_isolated_cash_balance": "0.0",
            "total_position_im": "0.0",
            "total_haircut": "0.0",
            "position_balances": [
             {
              "instrument_name": "USD",
              "quantity": "58.90813519",
              "market_value": "58.90813519",
              "collateral_eligible": true,
              "haircut": "0",
              "collateral_amount": "58.90813519",
              "max_withdrawal_balance": "58.90813519",
              "reserved_qty": "0"
             },
             {
              "instrument_name": "BTC",
              "quantity": "0.00004",
              "market_value": "2.60",
              "collateral_eligible": true,
              "haircut": "0.1",
              "collateral_amount": "2.34",
              "max_withdrawal_balance": "0.00004",
              "reserved_qty": "0"
             }
            ]
           }
          ]
         }
        }
        """#
}
