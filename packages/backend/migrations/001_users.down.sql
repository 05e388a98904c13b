DROP TABLE one_time_tokens, refresh_tokens, sessions, users;
