import type { Command } from 'commander';
import type { ApiClient } from '#api/client.ts';
import { sleep } from '#core/clock.ts';
import { bashCompletion } from '../completion/bash.ts';
import { fishCompletion } from '../completion/fish.ts';
import { completionSpec, type NameKind } from '../completion/spec.ts';
import { zshCompletion } from '../completion/zsh.ts';
import type { Session } from '../session.ts';
import { printable } from '../view/text.ts';

export type Shell = 'bash' | 'zsh' | 'fish';

const SCRIPT = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;

export async function completion(session: Session, program: Command, shell: Shell): Promise<void> {
  session.io.stdout.write(SCRIPT[shell](completionSpec(program)));
}

/** A Tab that hangs is worse than one that offers nothing. */
const PATIENCE_MS = 1500;
const MOST_NAMES = 200;

/** The names of a kind that exist now, `name<TAB>description` a line; nothing when the daemon does not answer. */
export async function complete(session: Session, kind: string): Promise<void> {
  const names = NAMES[kind as NameKind];
  if (names === undefined) return;
  const over = new AbortController();
  const found = await Promise.race([
    session.api().then(names),
    sleep(session.io.clock, PATIENCE_MS, over.signal).then(() => []),
  ]).catch(() => []);
  over.abort();
  for (const [name, description] of found.slice(0, MOST_NAMES)) {
    session.screen.line(`${printable(name)}\t${printable(description)}`);
  }
}

type Names = (api: ApiClient) => Promise<(readonly [name: string, description: string])[]>;

const NAMES: Readonly<Record<NameKind, Names>> = {
  workflow: async (api) =>
    (await api.workflows()).workflows.map((workflow) => [workflow.name, workflow.description ?? '']),
  run: async (api) =>
    (await api.runs({ limit: 50 })).runs.map((run) => [run.id, `${run.status} ${run.workflow}`]),
  device: async (api) => (await api.devices()).devices.map((device) => [device.id, device.name]),
  'secret-name': async (api) =>
    (await api.secrets()).secrets.map((secret) => [secret.name, secret.kind.type]),
  template: async (api) =>
    (await api.templates()).templates.map((template) => [template.name, template.description]),
  email: async (api) =>
    (await api.outbox({ limit: 50 })).emails
      .filter(({ status }) => status !== 'sent')
      .map(({ id, status, subject }) => [id, `${status} ${subject}`]),
  notification: async (api) =>
    (await api.notifications(50)).notifications
      .filter((one) => one.acknowledged_at === null)
      .map(({ id, title }) => [id, title]),
  token: async (api) => (await api.tokens()).tokens.map((token) => [token.name, token.id]),
};
