/** A request that leaves the Pi. The host was written by the owner or comes from data: the guard asks. */
export interface OutboundRequest {
  readonly method: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | Uint8Array | undefined;
  /** True when scheme and host stand literally in a stored definition (the LAN is then allowed). */
  readonly hostIsLiteral: boolean;
  /** Milliseconds for the whole exchange. */
  readonly timeoutMs: number;
  /** Bytes of response body at most; more is an error, not a cut. */
  readonly maxBytes: number;
}

export interface OutboundResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface HttpPort {
  /**
   * Any answer resolves, 500 too. Redirects are not followed across hosts.
   * @throws RetryableError `http.unreachable`, `http.timeout`
   * @throws TerminalError `http.address_refused`, `http.too_large`, `http.url_invalid`
   */
  request(request: OutboundRequest, signal?: AbortSignal): Promise<OutboundResponse>;
}
