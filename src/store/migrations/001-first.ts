/** The first schema: the log, workflows, runs with their journal, and what the rooms keep. */
export const first = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- The writer's own memory: which batch was committed last, and which of its units were refused.
CREATE TABLE writer_state (
  id INTEGER PRIMARY KEY CHECK (id = 1), last_batch INTEGER NOT NULL, failed TEXT NOT NULL) STRICT;
INSERT INTO writer_state (id, last_batch, failed) VALUES (1, 0, '[]');

-- AUTOINCREMENT: a plain rowid would come back after the newest rows are trimmed.
CREATE TABLE events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, type TEXT NOT NULL, subject TEXT NOT NULL, actor TEXT NOT NULL,
  time INTEGER NOT NULL, data TEXT NOT NULL) STRICT;
CREATE TABLE cursors (
  name TEXT PRIMARY KEY, seq INTEGER NOT NULL, durable INTEGER NOT NULL, updated_at INTEGER NOT NULL)
  STRICT, WITHOUT ROWID;

CREATE TABLE workflows (
  name TEXT PRIMARY KEY, id TEXT NOT NULL UNIQUE, version INTEGER NOT NULL, created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL, removed_at INTEGER) STRICT, WITHOUT ROWID;
CREATE TABLE workflow_versions (
  key INTEGER PRIMARY KEY, workflow TEXT NOT NULL REFERENCES workflows (name), version INTEGER NOT NULL,
  source TEXT NOT NULL, source_type TEXT NOT NULL, definition TEXT NOT NULL, actor TEXT NOT NULL,
  created_at INTEGER NOT NULL, UNIQUE (workflow, version)) STRICT;

CREATE TABLE runs (
  key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
  version_key INTEGER NOT NULL REFERENCES workflow_versions (key), status TEXT NOT NULL,
  actor TEXT NOT NULL, trigger_data TEXT NOT NULL, input TEXT NOT NULL, output TEXT, error TEXT,
  parent_run INTEGER, parent_path TEXT, line TEXT, priority INTEGER NOT NULL, start_at INTEGER, forked_from TEXT,
  created_at INTEGER NOT NULL, started_at INTEGER, ended_at INTEGER,
  ending TEXT) STRICT;
CREATE INDEX runs_live ON runs (status) WHERE status IN ('queued', 'running', 'waiting', 'paused');
CREATE UNIQUE INDEX runs_parent ON runs (parent_run, parent_path) WHERE parent_run IS NOT NULL;
CREATE INDEX runs_version ON runs (version_key, key);

CREATE TABLE steps (
  run INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE, path TEXT NOT NULL, ordinal INTEGER NOT NULL,
  id TEXT NOT NULL, type TEXT NOT NULL, status TEXT NOT NULL, attempts INTEGER NOT NULL, detail TEXT,
  output TEXT, error TEXT, history TEXT, started_at INTEGER NOT NULL, ended_at INTEGER,
  PRIMARY KEY (run, path)) STRICT, WITHOUT ROWID;
CREATE TABLE step_logs (
  run INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE, path TEXT NOT NULL, lines TEXT NOT NULL,
  PRIMARY KEY (run, path)) STRICT, WITHOUT ROWID;
-- Large outputs are files named by their SHA-256; one that no run refers to goes.
CREATE TABLE output_files (
  run INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE, sha256 TEXT NOT NULL,
  PRIMARY KEY (run, sha256)) STRICT, WITHOUT ROWID;
CREATE INDEX output_files_sha256 ON output_files (sha256);
CREATE TABLE wakes (
  run INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE, path TEXT NOT NULL, kind TEXT NOT NULL,
  due_tick INTEGER, due_at INTEGER, match TEXT, after_seq INTEGER, deadline_at INTEGER,
  PRIMARY KEY (run, path)) STRICT, WITHOUT ROWID;
CREATE TABLE approvals (
  id TEXT PRIMARY KEY, run INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE, path TEXT NOT NULL,
  title TEXT NOT NULL, body TEXT NOT NULL, roles TEXT, deadline_at INTEGER, fallback TEXT, status TEXT NOT NULL,
  actor TEXT, comment TEXT, created_at INTEGER NOT NULL, decided_at INTEGER) STRICT, WITHOUT ROWID;
CREATE INDEX approvals_run ON approvals (run, path);
CREATE INDEX approvals_open ON approvals (created_at) WHERE status = 'open';
CREATE TABLE signals (
  key INTEGER PRIMARY KEY AUTOINCREMENT, run INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE,
  name TEXT NOT NULL, payload TEXT NOT NULL, created_at INTEGER NOT NULL) STRICT;
CREATE INDEX signals_run ON signals (run, name);

CREATE TABLE idempotency (
  key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, run INTEGER NOT NULL, created_at INTEGER NOT NULL)
  STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_age ON idempotency (created_at);
CREATE INDEX idempotency_run ON idempotency (run);
-- What triggers remember: when each fired last, and what it has dealt with; firings that wait out a debounce;
-- deliveries of webhooks and files that are not to be taken twice.
CREATE TABLE triggers (
  workflow TEXT NOT NULL, trigger_index INTEGER NOT NULL, fired_at INTEGER, fired_tick INTEGER, state TEXT,
  PRIMARY KEY (workflow, trigger_index)) STRICT, WITHOUT ROWID;
CREATE TABLE pending_firings (
  workflow TEXT NOT NULL, trigger_index INTEGER NOT NULL, since_tick INTEGER NOT NULL, due_tick INTEGER NOT NULL,
  cause TEXT NOT NULL, count INTEGER NOT NULL, firing TEXT NOT NULL,
  PRIMARY KEY (workflow, trigger_index, since_tick)) STRICT, WITHOUT ROWID;
CREATE TABLE hook_deliveries (
  workflow TEXT NOT NULL, trigger_index INTEGER NOT NULL, id TEXT NOT NULL, received_at INTEGER NOT NULL,
  received_tick INTEGER NOT NULL, PRIMARY KEY (workflow, trigger_index, id)) STRICT, WITHOUT ROWID;
CREATE INDEX hook_deliveries_age ON hook_deliveries (received_tick);
CREATE TABLE files_seen (
  workflow TEXT NOT NULL, trigger_index INTEGER NOT NULL, path TEXT NOT NULL, size INTEGER NOT NULL,
  modified INTEGER NOT NULL, PRIMARY KEY (workflow, trigger_index, path)) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, hash TEXT NOT NULL UNIQUE, created_at INTEGER NOT NULL,
  last_used_at INTEGER, revoked_at INTEGER) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX tokens_name ON tokens (name) WHERE revoked_at IS NULL;
-- A value is sealed with a key of its own, which the root key \`key_id\` wraps; both are nonce, text and tag in base64url.
CREATE TABLE secrets (
  name TEXT PRIMARY KEY, version INTEGER NOT NULL, kind TEXT NOT NULL, key_id TEXT NOT NULL, wrapped TEXT NOT NULL,
  sealed TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE vault_keys (
  id TEXT PRIMARY KEY, source TEXT NOT NULL, params TEXT, created_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE devices (
  id TEXT PRIMARY KEY, desired TEXT, desired_at INTEGER, actor TEXT) STRICT, WITHOUT ROWID;
CREATE TABLE notifications (
  id TEXT PRIMARY KEY, key TEXT, severity TEXT NOT NULL, title TEXT NOT NULL, body TEXT NOT NULL, run TEXT,
  targets TEXT NOT NULL, created_at INTEGER NOT NULL, acknowledged_at INTEGER) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX notifications_key ON notifications (key) WHERE key IS NOT NULL AND acknowledged_at IS NULL;

-- E-mail until the server has accepted it; its content goes with that, the line stays for a while.
CREATE TABLE outbox (
  key INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, run TEXT, recipients TEXT NOT NULL,
  subject TEXT NOT NULL, message TEXT, status TEXT NOT NULL, attempts INTEGER NOT NULL, next_at INTEGER NOT NULL,
  outcome TEXT, created_at INTEGER NOT NULL, ended_at INTEGER) STRICT;
CREATE INDEX outbox_queued ON outbox (next_at) WHERE status = 'queued';
`;
