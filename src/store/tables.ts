import type { Generated } from 'kysely';

/**
 * Every table of chainbot.db, as kysely sees it. Times are Unix milliseconds, JSON columns hold JSON text,
 * booleans are 0 or 1. The SQL stands in migrations/; schema.snapshot.sql is checked against both.
 */
export interface Database {
  meta: { key: string; value: string };
  writer_state: { id: number; last_batch: number; failed: string };
  events: {
    seq: Generated<number>;
    type: string;
    subject: string;
    actor: string;
    time: number;
    data: string;
  };
  cursors: { name: string; seq: number; durable: number; updated_at: number };
  workflows: {
    name: string;
    id: string;
    version: number;
    created_at: number;
    updated_at: number;
    removed_at: number | null;
  };
  workflow_versions: {
    key: number;
    workflow: string;
    version: number;
    source: string;
    source_type: 'yaml' | 'json';
    definition: string;
    actor: string;
    created_at: number;
  };
  runs: {
    key: number;
    id: string;
    version_key: number;
    status: string;
    actor: string;
    trigger_data: string;
    input: string;
    output: string | null;
    error: string | null;
    parent_run: number | null;
    parent_path: string | null;
    /** The value of its workflow's `concurrency.key`. */
    line: string | null;
    /** -1 low, 0 normal, 1 high. */
    priority: number;
    /** When it is to begin, of a run that is started for later. */
    start_at: number | null;
    /** The id of the run it was forked from. */
    forked_from: string | null;
    created_at: number;
    started_at: number | null;
    ended_at: number | null;
    /** How it ends once its undos and `finally` steps are done. JSON. */
    ending: string | null;
  };
  steps: {
    run: number;
    path: string;
    ordinal: number;
    id: string;
    type: string;
    status: string;
    attempts: number;
    detail: string | null;
    output: string | null;
    error: string | null;
    history: string | null;
    started_at: number;
    ended_at: number | null;
  };
  /** What steps logged; lines of JSON. */
  step_logs: { run: number; path: string; lines: string };
  /** Outputs that are files beside the database, and the runs that refer to them. */
  output_files: { run: number; sha256: string };
  wakes: {
    run: number;
    path: string;
    kind: 'timer' | 'until' | 'signal' | 'event' | 'retry' | 'approval';
    due_tick: number | null;
    due_at: number | null;
    match: string | null;
    after_seq: number | null;
    /** The earliest `timeout` around this wait, Unix milliseconds. */
    deadline_at: number | null;
  };
  /** Questions of approval steps; one is open while its step waits. */
  approvals: {
    id: string;
    run: number;
    path: string;
    title: string;
    body: string;
    roles: string | null;
    /** As the wall clock saw it when it was asked; what counts is the wake's tick. */
    deadline_at: number | null;
    fallback: string | null;
    status: 'open' | 'approved' | 'rejected' | 'expired' | 'withdrawn';
    actor: string | null;
    comment: string | null;
    created_at: number;
    decided_at: number | null;
  };
  signals: {
    key: Generated<number>;
    run: number;
    name: string;
    payload: string;
    created_at: number;
  };
  idempotency: {
    key: string;
    fingerprint: string;
    run: number;
    created_at: number;
  };
  triggers: {
    workflow: string;
    trigger_index: number;
    fired_at: number | null;
    fired_tick: number | null;
    state: string | null;
  };
  pending_firings: {
    workflow: string;
    trigger_index: number;
    since_tick: number;
    due_tick: number;
    cause: string;
    count: number;
    firing: string;
  };
  hook_deliveries: {
    workflow: string;
    trigger_index: number;
    id: string;
    received_at: number;
    received_tick: number;
  };
  files_seen: {
    workflow: string;
    trigger_index: number;
    path: string;
    size: number;
    modified: number;
  };
  tokens: {
    id: string;
    name: string;
    hash: string;
    created_at: number;
    last_used_at: number | null;
    revoked_at: number | null;
  };
  secrets: {
    name: string;
    version: number;
    kind: string;
    key_id: string;
    wrapped: string;
    sealed: string;
    created_at: number;
    updated_at: number;
  };
  vault_keys: {
    id: string;
    source: string;
    params: string | null;
    created_at: number;
  };
  devices: {
    id: string;
    desired: string | null;
    desired_at: number | null;
    actor: string | null;
  };
  notifications: {
    id: string;
    key: string | null;
    severity: string;
    title: string;
    body: string;
    run: string | null;
    targets: string;
    created_at: number;
    acknowledged_at: number | null;
  };
  outbox: {
    key: Generated<number>;
    id: string;
    run: string | null;
    recipients: string;
    subject: string;
    message: string | null;
    status: string;
    attempts: number;
    next_at: number;
    outcome: string | null;
    created_at: number;
    ended_at: number | null;
  };
}
