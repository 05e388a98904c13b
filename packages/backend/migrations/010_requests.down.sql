DROP TABLE table_events, idempotency_keys;
