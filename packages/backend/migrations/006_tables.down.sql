DROP SCHEMA grid CASCADE;
DROP TABLE table_columns, tables;
