DROP TABLE credit_transfers, credit_accounts;
DROP FUNCTION credit_transfers_refuse_delete();
