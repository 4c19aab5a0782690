import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Clock } from '#core/clock.ts';
import { systemClock } from '#core/clock.ts';
import { RetryableError, TerminalError } from '#core/errors.ts';
import { silentLog } from '#core/log.ts';
import { openStore } from '../../tests/support/open-store.ts';
import { Outbox } from './outbox.ts';
import type { Delivery, Letter, MailSender } from './smtp.ts';

/**
 * Whatever a mail server says, and however often the daemon is stopped in the middle: every message ends, nobody
 * gets one twice unless the answer was lost on the way, and what is said of it is true (O1 to O4).
 */
type Word = 'take' | 'defer' | 'refuse' | 'down' | 'lost';
const word = fc.constantFrom<Word>('take', 'defer', 'refuse', 'down', 'lost');
const ROUNDS = Number(process.env.CHAINBOT_OUTBOX_ROUNDS ?? 12);
const never = new AbortController().signal;
/** Pauses that take no time worth speaking of. */
const quick: Clock = { ...systemClock, after: (ms, fire) => systemClock.after(ms / 100, fire) };

/** Says the words of a script, then takes everything. */
class ScriptedServer implements MailSender {
  readonly from = 'house@example.org';
  /** How often each recipient got each message; `lost` are those whose answer got lost. */
  readonly got = new Map<string, number>();
  readonly lost = new Set<string>();
  readonly refused = new Set<string>();
  readonly #words: Word[];

  constructor(words: readonly Word[]) {
    this.#words = [...words];
  }

  async deliver(letter: Letter, signal: AbortSignal): Promise<Delivery> {
    const said = letter.recipients.map((recipient) => ({ recipient, word: this.#words.shift() ?? 'take' }));
    const of = (wanted: Word) => said.filter((one) => one.word === wanted).map((one) => one.recipient);
    if (of('down').length > 0) {
      return { kind: 'later', server: true, error: new RetryableError('email.unreachable', 'down') };
    }
    const accepted = [...of('take'), ...of('lost')];
    for (const recipient of accepted) this.#give(`${letter.messageId} ${recipient}`);
    if (of('lost').length > 0) {
      // The server has it, and the daemon is stopped before it hears so.
      for (const recipient of accepted) this.lost.add(`${letter.messageId} ${recipient}`);
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    }
    const rejected = of('refuse');
    const deferred = of('defer');
    if (accepted.length > 0) return { kind: 'taken', accepted, rejected, deferred, response: 'ok' };
    if (deferred.length > 0) {
      return { kind: 'later', server: false, error: new RetryableError('email.deferred', 'not now') };
    }
    return { kind: 'refused', error: new TerminalError('failed', 'email.refused', 'no') };
  }

  #give(which: string): void {
    this.got.set(which, (this.got.get(which) ?? 0) + 1);
  }
}

describe('the outbox, whatever happens', () => {
  it(`keeps its word (${ROUNDS} rounds)`, { timeout: 120_000 }, async () => {
    const mails = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(
        mails,
        fc.array(word, { maxLength: 25 }),
        fc.nat(20),
        async (sizes, words, stopAfter) => {
          await round(sizes, words, stopAfter);
        },
      ),
      { numRuns: ROUNDS },
    );
  });
});

async function round(sizes: readonly number[], words: readonly Word[], stopAfter: number): Promise<void> {
  const opened = await openStore();
  const { store } = opened;
  const server = new ScriptedServer(words);
  const start = async (): Promise<Outbox> => {
    const box = new Outbox({
      ...{ reader: store.reader, writer: store, clock: quick, log: silentLog, sender: server, attempts: 40 },
      backoff: { firstMs: 10, longestMs: 100 },
    });
    await box.start(never);
    return box;
  };
  try {
    let box = await start();
    const ids: string[] = [];
    for (const [index, size] of sizes.entries()) {
      const to = Array.from({ length: size }, (_, i) => `r${i}@example.org`);
      const message = { to, cc: [], bcc: [], subject: `s${index}`, text: '', attachments: [] };
      ids.push(
        (await box.post(message, { key: `k${index}`, run: null, actor: { kind: 'run', id: 'r' } })).id,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, stopAfter));
    // Each `lost` holds the sender until a stop; so many stops are enough for all of them.
    for (let stops = 0; ids.some((id) => box.get(id).status === 'queued') && stops < 200; stops++) {
      await box.stop();
      box = await start();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await box.stop();
    for (const [index, id] of ids.entries()) check(box, id, sizes[index] as number, server);
  } finally {
    await opened.close();
  }
}

function check(box: Outbox, id: string, size: number, server: ScriptedServer): void {
  const mail = box.get(id);
  expect(mail.status).not.toBe('queued');
  const messageId = `<${id}@example.org>`;
  const accepted = mail.receipt?.accepted ?? [];
  const rejected = mail.receipt?.rejected ?? [];
  expect(new Set([...accepted, ...rejected]).size).toBe(accepted.length + rejected.length);
  if (mail.status === 'sent') expect(accepted.length + rejected.length).toBe(size);
  for (const recipient of accepted) expect(server.got.get(`${messageId} ${recipient}`)).toBeGreaterThan(0);
  for (const [which, times] of server.got) {
    if (which.startsWith(messageId) && !server.lost.has(which)) expect(times).toBe(1);
  }
}
