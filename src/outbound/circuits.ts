import type { Clock } from '#core/clock.ts';
import { RetryableError } from '#core/errors.ts';
import { type PartHealth, unwell, WELL } from '#core/part.ts';
import { afterEvent, type Circuit, type CircuitSettings, CLOSED, heldFor } from './circuit-breaker.ts';
import type { HttpPort, OutboundRequest, OutboundResponse } from './port.ts';

/** Hosts that are remembered; the one that was quiet longest is forgotten first. */
const MOST_HOSTS = 1000;
const MOST_NAMED = 3;
/** A caller that waited this part of its time and then gave up has seen the host fail. */
const FAIR_CHANCE = 0.9;

export interface CircuitTotals {
  /** Calls that went out. */
  readonly calls: number;
  /** Calls that no good answer came for: none at all, too late, or 5xx. */
  readonly failures: number;
  /** Calls that did not go out, because the host was left alone. */
  readonly held: number;
}

/**
 * The HTTP client with a circuit breaker for each host and port. What counts as a failure: no answer, one that
 * is late, and 5xx; any other answer shows that somebody is there.
 */
export class CircuitHttp implements HttpPort {
  readonly name = 'outbound';
  readonly #http: HttpPort;
  readonly #clock: Clock;
  readonly #settings: CircuitSettings;
  /** Only hosts that failed last; the youngest entry last. */
  readonly #circuits = new Map<string, Circuit>();
  readonly #totals = { calls: 0, failures: 0, held: 0 };

  constructor(http: HttpPort, clock: Clock, settings: CircuitSettings) {
    this.#http = http;
    this.#clock = clock;
    this.#settings = settings;
  }

  get totals(): CircuitTotals {
    return this.#totals;
  }

  /** Hosts that are left alone now. */
  open(): readonly string[] {
    return [...this.#circuits].flatMap(([host, { state }]) => (state === 'closed' ? [] : [host]));
  }

  /** Besides what the port says: @throws RetryableError `http.circuit_open` */
  async request(request: OutboundRequest, signal?: AbortSignal): Promise<OutboundResponse> {
    const host = hostOf(request.url);
    if (host === undefined) return this.#http.request(request, signal);
    const probe = this.#letOut(host);
    const began = this.#clock.monotonic();
    try {
      const answer = await this.#http.request(request, signal);
      if (answer.status >= 500) this.#failed(host, probe);
      else this.#circuits.delete(host);
      return answer;
    } catch (error) {
      const waited = this.#clock.monotonic() - began;
      const saw = !signal?.aborted || waited >= request.timeoutMs * FAIR_CHANCE;
      if (saw && (signal?.aborted || isHostFailure(error))) this.#failed(host, probe);
      else this.#move(host, { type: 'abandoned', probe });
      throw error;
    }
  }

  health(): PartHealth {
    const open = this.open();
    if (open.length === 0) return WELL;
    const named = open.slice(0, MOST_NAMED).join(', ');
    const more = open.length > MOST_NAMED ? ` and ${open.length - MOST_NAMED} more` : '';
    return unwell(
      0.8,
      `${named}${more} did not answer several times and ${open.length === 1 ? 'is' : 'are'} left alone for a while`,
      'Check that the host is up and reachable; calls go out again by themselves.',
    );
  }

  /** Is this call the probe? @throws RetryableError `http.circuit_open` */
  #letOut(host: string): boolean {
    const circuit = this.#circuits.get(host) ?? CLOSED;
    const held = heldFor(circuit, this.#clock.monotonic(), this.#settings);
    if (held !== undefined) {
      this.#totals.held++;
      throw new RetryableError(
        'http.circuit_open',
        `${host} failed several times and is left alone for now`,
        {
          hint: 'Nothing was sent. Check that the host is up; give the step a retry.',
          retryAfterMs: Math.ceil(held),
        },
      );
    }
    this.#totals.calls++;
    return this.#move(host, { type: 'call' }).state === 'half_open';
  }

  #failed(host: string, probe: boolean): void {
    this.#totals.failures++;
    this.#move(host, { type: 'failure', probe });
  }

  #move(host: string, event: Parameters<typeof afterEvent>[1]): Circuit {
    const before = this.#circuits.get(host) ?? CLOSED;
    const after = afterEvent(before, event, this.#clock.monotonic(), this.#settings);
    if (after === before) return after;
    this.#circuits.delete(host);
    this.#circuits.set(host, after);
    if (this.#circuits.size > MOST_HOSTS) this.#circuits.delete(this.#circuits.keys().next().value as string);
    return after;
  }
}

/** Errors of the other side; a refused address or a malformed header say nothing about the host. */
const isHostFailure = (error: unknown): boolean =>
  error instanceof RetryableError && (error.code === 'http.unreachable' || error.code === 'http.timeout');

function hostOf(url: string): string | undefined {
  const parsed = URL.parse(url);
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) return undefined;
  return `${parsed.hostname}:${parsed.port === '' ? (parsed.protocol === 'https:' ? 443 : 80) : parsed.port}`;
}
