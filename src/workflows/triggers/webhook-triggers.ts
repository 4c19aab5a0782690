import type { ClockTrustPort } from '#core/clock-trust.ts';
import { ChainbotError, RetryableError, TerminalError } from '#core/errors.ts';
import { newId } from '#core/ids.ts';
import type { Json, JsonObject } from '#core/json.ts';
import { didYouMean } from '#core/near-names.ts';
import { type Part, type PartHealth, WELL } from '#core/part.ts';
import { Unit } from '#store/unit.ts';
import type { SecretsPort } from '#vault/port.ts';
import type { HookRequest, HooksPort, WebhookTrigger } from '../trigger-port.ts';
import type { WorkflowCatalog } from '../workflow-catalog.ts';
import type { Firings } from './firings.ts';
import { sha256Of, type Verified, verifyGithub, verifyStandard, verifyToken } from './hook-signature.ts';
import { RateBucket } from './rate-bucket.ts';
import {
  type ActiveTrigger,
  activeTriggers,
  causeOf,
  type TriggerWatch,
  triggerKey,
} from './trigger-index.ts';
import { deliveryById, dropDeliveriesBefore, insertDelivery } from './trigger-table.ts';

type ActiveHook = ActiveTrigger<WebhookTrigger>;

interface Hook {
  active: ActiveHook;
  readonly cause: string;
  readonly bucket: RateBucket;
  /** Deliveries on their way to the disk, by id. */
  readonly coming: Map<string, Promise<unknown>>;
}

/** How far the sender's clock and ours may be apart (standard-webhooks.com, "Timestamp"). */
const TOLERANCE_MS = 5 * 60_000;
/** Ids are remembered this long, by the tick clock. */
const REMEMBER_MS = 3 * 86_400_000;
const SWEEP_EVERY_MS = 3_600_000;
const USUAL_RATE = 60;
const USUAL_METHODS = ['POST'];
const USUAL_HEADERS = ['content-type', 'user-agent', 'x-github-event', 'webhook-id', 'webhook-timestamp'];
/** Secrets are asked for here, and are in nothing that a run sees. */
const NO_OUTPUT = { conceal: () => undefined };

/**
 * Workflows that a request to /api/chainbot/hooks/{name} starts. It is answered when what it started is on disk,
 * with the id of the delivery in the same unit: the same delivery again starts nothing.
 */
export class WebhookTriggers implements Part, HooksPort, TriggerWatch {
  readonly name = 'webhook_triggers';
  readonly #catalog: WorkflowCatalog;
  readonly #firings: Firings;
  readonly #secrets: SecretsPort | undefined;
  readonly #trust: ClockTrustPort;
  #hooks = new Map<string, Hook>();
  #unlisten: () => void = () => undefined;
  #sweeper: Disposable | undefined;
  #sweeping: Promise<unknown> = Promise.resolve();

  constructor(
    catalog: WorkflowCatalog,
    firings: Firings,
    trust: ClockTrustPort,
    secrets: SecretsPort | undefined,
  ) {
    this.#catalog = catalog;
    this.#firings = firings;
    this.#trust = trust;
    this.#secrets = secrets;
  }

  async start(_signal: AbortSignal): Promise<void> {
    this.#read();
    this.#unlisten = this.#catalog.onChanged(() => this.#read());
    this.#sweep();
  }

  async stop(): Promise<void> {
    this.#unlisten();
    this.#sweeper?.[Symbol.dispose]();
    await this.#sweeping;
  }

  health(): PartHealth {
    return WELL;
  }

  status(workflow: string, index: number) {
    const hook = this.#hooks.get(triggerKey(workflow, index));
    if (!hook) return undefined;
    const { secret, token } = hook.active.definition;
    const name = secret ?? token;
    return { held: name === undefined || this.#hasSecret(name) ? null : `the vault has no secret "${name}"` };
  }

  async deliver(request: HookRequest): Promise<{ readonly id: string; readonly duplicate: boolean }> {
    const named = [...this.#hooks.values()].filter(({ active }) => nameOf(active) === request.name);
    if (named.length === 0) throw this.#notFound(request.name);
    const allowed = named.filter(({ active }) => methodsOf(active).includes(request.method));
    if (allowed.length === 0)
      throw wrongMethod(
        request.method,
        named.flatMap(({ active }) => methodsOf(active)),
      );
    // Several workflows may have the name; who sends it decides for which it is.
    let refusal: unknown;
    let answer: { id: string; duplicate: boolean } | undefined;
    for (const hook of allowed) {
      let verified: Verified;
      try {
        verified = this.#verify(hook.active.definition, request);
      } catch (error) {
        refusal ??= error;
        continue;
      }
      const taken = await this.#take(hook, request, verified);
      answer = { id: taken.id, duplicate: taken.duplicate && (answer?.duplicate ?? true) };
    }
    if (answer) return answer;
    throw refusal;
  }

  #verify({ secret, signature, token, token_sha256 }: WebhookTrigger, request: HookRequest): Verified {
    if (token_sha256 !== undefined) return verifyToken(request, Buffer.from(token_sha256, 'hex'));
    if (token !== undefined) return verifyToken(request, sha256Of(this.#secret(token)));
    const key = this.#secret(secret ?? '');
    if (signature === 'github') return verifyGithub(request, key);
    const verified = verifyStandard(request, key);
    this.#checkAge(verified.sentAt ?? 0);
    return verified;
  }

  #checkAge(sentAt: number): void {
    if (this.#trust.standing().state === 'held') {
      throw new RetryableError(
        'hook.clock_unknown',
        'nobody knows the time here yet, so nobody knows how old this is',
        {
          hint: 'It is taken as soon as the clock is set; see `chainbot health`.',
          retryAfterMs: 30_000,
        },
      );
    }
    const apart = sentAt - this.#firings.clock.now();
    if (Math.abs(apart) <= TOLERANCE_MS) return;
    const minutes = Math.round(Math.abs(apart) / 60_000);
    throw new TerminalError(
      'invalid',
      'hook.too_old',
      `it was sent ${minutes} minutes ${apart < 0 ? 'ago' : 'from now'}, by its webhook-timestamp`,
      { hint: 'Set the clocks of both sides; 5 minutes may lie between them.' },
    );
  }

  #secret(name: string): string {
    try {
      if (this.#secrets) return this.#secrets.get(name, NO_OUTPUT);
    } catch (error) {
      if (error instanceof RetryableError) throw error;
      if (!(error instanceof ChainbotError)) throw error;
    }
    throw new RetryableError('hook.secret_missing', 'this hook can not check who sends it', {
      hint: `The owner stores its secret with: chainbot secrets set ${name}`,
      retryAfterMs: 60_000,
    });
  }

  #hasSecret(name: string): boolean {
    try {
      return this.#secrets?.names().includes(name) === true;
    } catch {
      return false;
    }
  }

  async #take(
    hook: Hook,
    request: HookRequest,
    { id = newId() }: Verified,
  ): Promise<{ readonly id: string; readonly duplicate: boolean }> {
    const { active, bucket, coming } = hook;
    const { workflow, trigger } = active;
    for (let other = coming.get(id); other; other = coming.get(id)) await other.catch(() => undefined);
    const key = { workflow, trigger_index: trigger.index, id };
    if (this.#firings.reader.get(deliveryById, key)) return { id, duplicate: true };
    const wait = bucket.take(this.#firings.clock.monotonic());
    if (wait > 0) throw tooMany(active, wait);
    const { clock } = this.#firings;
    const received = { received_at: clock.now(), received_tick: this.#firings.tick() };
    const firing = this.#firings.fire(active, {
      trigger: viewOf(active, request, id),
      actor: { kind: 'trigger', id: `webhook/${nameOf(active)}` },
      also: (unit) => void unit.add(insertDelivery, { ...key, ...received }),
    });
    coming.set(id, firing);
    try {
      await firing;
    } finally {
      coming.delete(id);
    }
    return { id, duplicate: false };
  }

  #read(): void {
    const hooks = new Map<string, Hook>();
    for (const active of activeTriggers(this.#catalog, 'webhook')) {
      const key = triggerKey(active.workflow, active.trigger.index);
      const cause = causeOf(active.definition);
      const before = this.#hooks.get(key);
      if (before?.cause === cause) {
        before.active = active;
        hooks.set(key, before);
        continue;
      }
      const rate = active.definition.rate ?? USUAL_RATE;
      const bucket = new RateBucket(rate, this.#firings.clock.monotonic());
      hooks.set(key, { active, cause, bucket, coming: new Map() });
    }
    this.#hooks = hooks;
  }

  #sweep(): void {
    const tick = this.#firings.tick() - REMEMBER_MS;
    this.#sweeping = this.#firings.deps.writer
      .commit(new Unit().add(dropDeliveriesBefore, { tick }))
      .catch((error: unknown) => this.#firings.log.warn({ err: error }, 'old deliveries were not swept'));
    this.#sweeper = this.#firings.clock.after(SWEEP_EVERY_MS, () => this.#sweep());
  }

  #notFound(name: string): TerminalError {
    const names = [...this.#hooks.values()].map(({ active }) => nameOf(active));
    return new TerminalError('not_found', 'hook.not_found', `there is no hook "${name.slice(0, 100)}"`, {
      hint: didYouMean(name, names),
    });
  }
}

function nameOf({ workflow, definition }: ActiveHook): string {
  return definition.name ?? workflow;
}

function methodsOf({ definition }: ActiveHook): readonly string[] {
  return definition.methods ?? USUAL_METHODS;
}

function viewOf(active: ActiveHook, request: HookRequest, id: string): JsonObject {
  const headers: Record<string, Json> = {};
  for (const name of [...USUAL_HEADERS, ...(active.definition.headers ?? [])]) {
    const value = request.headers[name.toLowerCase()];
    if (value !== undefined) headers[name.toLowerCase()] = typeof value === 'string' ? value : [...value];
  }
  const { method, query, body } = request;
  return { type: 'webhook', hook: nameOf(active), id, method, headers, query, payload: readText(body) };
}

/** JSON where it is JSON, else text. */
function readText(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}

function wrongMethod(method: string, allowed: readonly string[]): TerminalError {
  return new TerminalError('invalid', 'hook.method', `this hook takes no ${method}`, {
    hint: `Use ${[...new Set(allowed)].join(', ')}.`,
  });
}

function tooMany(active: ActiveHook, retryAfterMs: number): RetryableError {
  const rate = active.definition.rate ?? USUAL_RATE;
  return new RetryableError('hook.too_many', `more than ${rate} deliveries in a minute`, {
    hint: 'Send fewer, or raise `rate` of the trigger.',
    retryAfterMs,
  });
}
