-- Coming in. None of this is part of the books: rows change and are thrown away, no entry refers to them, and without the
-- key they tell neither phone nor code nor address. They belong to no institution, as a guardian does.
CREATE TABLE ledger.login_code (                   -- the newest code of a phone, registered or not
    phone_index bytea PRIMARY KEY,
    code_index bytea NOT NULL,
    tries_left smallint NOT NULL CONSTRAINT "a code is tried a few times" CHECK (tries_left >= 0),
    ends_at timestamptz NOT NULL);
-- forget_logins looks for codes that have ended
CREATE INDEX login_code_ends ON ledger.login_code (ends_at);

CREATE TABLE ledger.login_session (
    session_digest bytea PRIMARY KEY CONSTRAINT "a session is kept as its SHA-256" CHECK (length(session_digest) = 32),
    guardian_id uuid NOT NULL REFERENCES ledger.guardian,
    begun_at timestamptz NOT NULL, seen_at timestamptz NOT NULL);
-- forget_logins looks for sessions begun long ago
CREATE INDEX login_session_begun ON ledger.login_session (begun_at);

-- A token bucket as the instant at which it will be full again: one column, no job that fills it. Lost in a crash, when
-- everybody may ask again.
CREATE UNLOGGED TABLE ledger.token_bucket (bucket bytea PRIMARY KEY, full_at timestamptz NOT NULL);
-- forget_logins looks for buckets that are full
CREATE INDEX token_bucket_full ON ledger.token_bucket (full_at);
