-- A store of layout 1, as version 0.1.0 left it: three accounts, two keys, prices, snapshots, indexes.
BEGIN TRANSACTION;
CREATE TABLE account_events (
    account TEXT NOT NULL, sequence INTEGER NOT NULL, PRIMARY KEY (account, sequence)
) STRICT, WITHOUT ROWID;
INSERT INTO "account_events" VALUES('futures',3);
INSERT INTO "account_events" VALUES('futures',6);
INSERT INTO "account_events" VALUES('main',1);
INSERT INTO "account_events" VALUES('main',5);
INSERT INTO "account_events" VALUES('main',8);
INSERT INTO "account_events" VALUES('other',2);
INSERT INTO "account_events" VALUES('other',10);
INSERT INTO "account_events" VALUES('other',11);
CREATE TABLE account_snapshots (
    ordinal INTEGER PRIMARY KEY, sequence INTEGER NOT NULL, body TEXT NOT NULL,
    checksum INTEGER NOT NULL
) STRICT;
INSERT INTO "account_snapshots" VALUES(0,8,'{"account":"main","venue":"okx","settings":{"mode":"multi","hedge":false,"auto_borrow":false,"spot_borrow":false,"collateral_off":[]},"conventions":{"booked_places":18,"fee_places":18,"amount_places":18,"imported_wallet_comes_from_cash":false,"keeps_interest_apart":true},"opened_at":1772323200000,"updated_at":1772323200000,"version":3,"last_sequence":8,"holdings":[{"asset":"USDT","cash":"9998.5","flows":{"deposited":"10000","trading_fees":"1.5"},"updated_at":1772323200000}],"positions":[{"instrument":"BTC-USDT-SWAP","terms":7,"quantity":"5","cost":"295000","opened_at":1772323200000,"updated_at":1772323200000}],"orders":[],"activity":[{"instrument":"BTC-USDT-SWAP","volume":"2950","fees":"1.5","updated_at":1772323200000}],"leverages":[],"raised":[]}',-4641508499916604279);
INSERT INTO "account_snapshots" VALUES(1,11,'{"account":"other","venue":"okx","settings":{"mode":"multi","hedge":false,"auto_borrow":false,"spot_borrow":false,"collateral_off":[]},"conventions":{"booked_places":18,"fee_places":18,"amount_places":18,"imported_wallet_comes_from_cash":false,"keeps_interest_apart":true},"opened_at":1772323200000,"updated_at":1795890687278,"version":3,"last_sequence":11,"holdings":[{"asset":"BTC","cash":"0.25","flows":{"deposited":"0.25"},"updated_at":1772323200000},{"asset":"USDT","cash":"7","flows":{"deposited":"7"},"updated_at":1795890687278}],"positions":[],"orders":[],"activity":[],"leverages":[],"raised":[]}',-353812387565599717);
INSERT INTO "account_snapshots" VALUES(2,6,'{"account":"futures","venue":"binance","settings":{"multi_assets":false,"hedge":false},"conventions":{"booked_places":8,"fee_places":8,"amount_places":8,"imported_wallet_comes_from_cash":true,"keeps_interest_apart":false},"opened_at":1772323200000,"updated_at":1772323200000,"version":2,"last_sequence":6,"holdings":[{"asset":"USDT","cash":"500.5","flows":{"deposited":"500.5"},"updated_at":1772323200000}],"positions":[],"orders":[],"activity":[],"leverages":[],"raised":[]}',-1551432104109623026);
CREATE TABLE api_keys (
    venue TEXT NOT NULL, api_key TEXT NOT NULL, secret TEXT NOT NULL,
    passphrase_salt BLOB NOT NULL, passphrase_digest BLOB NOT NULL, permissions TEXT NOT NULL,
    addresses TEXT NOT NULL, account TEXT NOT NULL, created_at INTEGER NOT NULL,
    PRIMARY KEY (venue, api_key)
) STRICT, WITHOUT ROWID;
INSERT INTO "api_keys" VALUES('binance','old-binance-key','old-binance-secret',X'',X'','read','','futures',1772323200000);
INSERT INTO "api_keys" VALUES('okx','old-okx-key','old-okx-secret',X'377C0987B58509E2749F16B1BE177F35',X'29BA96BEFFEA48D3DDF40DEB1120108122A4AA3F231C725CA052100858A445F1','read trade','10.0.0.0/8','main',1772323200000);
CREATE TABLE command_entries (through INTEGER PRIMARY KEY, entries BLOB NOT NULL) STRICT;
INSERT INTO "command_entries" VALUES(10,X'01000000B06900590200000080A0CD1903000000E0EDCC9304000000D0C70C6205000000607F2AB806000000F0C5B08008000000E07299F40900000040131B7C0A000000D080495E');
INSERT INTO "command_entries" VALUES(11,X'0B000000700C3749');
CREATE TABLE events (
    sequence INTEGER PRIMARY KEY, at INTEGER NOT NULL, account TEXT, counterparty TEXT,
    type TEXT NOT NULL, command_id TEXT, command_digest BLOB, body TEXT NOT NULL,
    checksum INTEGER NOT NULL
) STRICT;
INSERT INTO "events" VALUES(1,1772323200000,'main',NULL,'account_opened','scenario:1a4b3e98318c39f936761bc3ad96e28f:0',X'F93BEA63DD742BC992A60CE81B066836','{"venue":"okx","settings":{"mode":"multi","hedge":false,"auto_borrow":false,"spot_borrow":false,"collateral_off":[]},"conventions":{"booked_places":18,"fee_places":18,"amount_places":18,"imported_wallet_comes_from_cash":false,"keeps_interest_apart":true}}',8978444699087621270);
INSERT INTO "events" VALUES(2,1772323200000,'other',NULL,'account_opened','scenario:df2cbd43849af73bbb2a2a5d64c05b4e:0',X'1E053AFA4B20E72EC7816B515E83F06B','{"venue":"okx","settings":{"mode":"multi","hedge":false,"auto_borrow":false,"spot_borrow":false,"collateral_off":[]},"conventions":{"booked_places":18,"fee_places":18,"amount_places":18,"imported_wallet_comes_from_cash":false,"keeps_interest_apart":true}}',6631989452037286321);
INSERT INTO "events" VALUES(3,1772323200000,'futures',NULL,'account_opened','scenario:82e917b1fe4a25a5fc2b64684c0a35c6:0',X'4E0FA487131E7397DC28803F60EE63B5','{"venue":"binance","settings":{"multi_assets":false,"hedge":false},"conventions":{"booked_places":8,"fee_places":8,"amount_places":8,"imported_wallet_comes_from_cash":true,"keeps_interest_apart":false}}',-1686299589454729922);
INSERT INTO "events" VALUES(4,1772323200000,NULL,NULL,'priced','scenario:7ecf60cd758d5ad053df2fb2468e2533:0',X'909863D537704962831E4899B9F7D567','{"venue":"okx","marks":{"BTC-USDT-SWAP":"60000"},"index":{"BTC":"60010","USDT":"1.0001"}}',-4619899505381056437);
INSERT INTO "events" VALUES(5,1772323200000,'main',NULL,'deposited','d1',X'7249479119E7D3D1EB81E7EA1736B7D2','{"asset":"USDT","amount":"10000"}',5997474497780813947);
INSERT INTO "events" VALUES(6,1772323200000,'futures',NULL,'deposited','d2',X'1D67EEE30ED433A7A8327557014081C1','{"asset":"USDT","amount":"500.5"}',8888657101241014212);
INSERT INTO "events" VALUES(7,1772323200000,NULL,NULL,'instrument_defined',NULL,NULL,'{"venue":"okx","instrument":"BTC-USDT-SWAP","kind":"perpetual","base":"BTC","quote":"USDT","settle":"USDT","payoff":"linear","contract_value":"0.01"}',-3257028691451322669);
INSERT INTO "events" VALUES(8,1772323200000,'main',NULL,'filled','f1',X'DD8F0404A7461CE96C363C055B134117','{"instrument":"BTC-USDT-SWAP","terms":7,"side":"buy","quantity":"5","price":"59000","fee":"1.5"}',8302465300249138695);
INSERT INTO "events" VALUES(9,1772323200000,NULL,NULL,'priced','scenario:523b91ee9eabb1a67ca421a9045062ee:0',X'29DDA47A70355400A7EAEEB67CD16F24','{"venue":"okx","marks":{"BTC-USDT-SWAP":"61000"}}',2402305853683913794);
INSERT INTO "events" VALUES(10,1772323200000,'other',NULL,'deposited','scenario:ceef957aa1bc14e835818121efe56a4e:0',X'6CA70CE0BADAA5F71F5D569D8E9E9C7D','{"asset":"BTC","amount":"0.25"}',-941981069682471368);
INSERT INTO "events" VALUES(11,1795890687278,'other',NULL,'deposited','d3',X'67D6875F7213F6C6FD0BC6ABD03BF550','{"asset":"USDT","amount":"7"}',4279589355667385524);
CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
INSERT INTO "meta" VALUES('token_secret',X'2909B15288CC819C27494BA1FD8A5F55EF1E8CCBC7C2442491E91FAB5710294C');
INSERT INTO "meta" VALUES('indexed_sequence',X'3131');
INSERT INTO "meta" VALUES('snapshot_instruments',X'5B5B372C7B2276656E7565223A226F6B78222C22696E737472756D656E74223A224254432D555344542D53574150222C226B696E64223A2270657270657475616C222C2262617365223A22425443222C2271756F7465223A2255534454222C22736574746C65223A2255534454222C227061796F6666223A226C696E656172222C22636F6E74726163745F76616C7565223A22302E3031227D5D5D');
INSERT INTO "meta" VALUES('snapshot_state',X'7B22666F726D223A322C2273657175656E6365223A31312C226163636F756E7473223A332C22707269636573223A5B7B2276656E7565223A226F6B78222C22757064617465645F6174223A313737323332333230303030302C226D61726B73223A5B5B224254432D555344542D53574150222C223631303030222C313737323332333230303030305D5D2C22696E646578223A5B5B22425443222C223630303130222C313737323332333230303030305D2C5B2255534454222C22312E30303031222C313737323332333230303030305D5D7D5D7D');
CREATE TABLE price_history (
    venue TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, at INTEGER NOT NULL,
    sequence INTEGER NOT NULL, price TEXT NOT NULL,
    PRIMARY KEY (venue, kind, name, at, sequence)
) STRICT, WITHOUT ROWID;
INSERT INTO "price_history" VALUES('okx','index','BTC',1772323200000,4,'60010');
INSERT INTO "price_history" VALUES('okx','index','USDT',1772323200000,4,'1.0001');
INSERT INTO "price_history" VALUES('okx','mark','BTC-USDT-SWAP',1772323200000,4,'60000');
INSERT INTO "price_history" VALUES('okx','mark','BTC-USDT-SWAP',1772323200000,9,'61000');
COMMIT;
PRAGMA application_id = 1297237838;
PRAGMA user_version = 1;
