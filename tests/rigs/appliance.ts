import { ApiClient } from '#api/client.ts';
import { prepareDataDirectory } from '#config/data-directory.ts';
import { loadConfig } from '#config/load-config.ts';
import { openMemory } from '#config/memory.ts';
import type { JsonObject } from '#core/json.ts';
import { type Log, silentLog } from '#core/log.ts';
import { lockDirectory } from '#store/directory-lock.ts';
import { type Appliance, compose } from '../../src/compose.ts';
import { createSite, type Site } from './site.ts';

/** The whole appliance in this process: real SQLite, broker, listeners; simulated greenhouse. */
export interface Booted extends AsyncDisposable {
  readonly site: Site;
  readonly appliance: Appliance;
  /** Over the unix socket. */
  readonly api: ApiClient;
  /** Over TCP, with a token of its own; made once. */
  readonly url: string;
  readonly mqttUrl: string;
  token(): Promise<string>;
  /** `fetch` below /api/chainbot over TCP with the token. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** Stops it and starts it again on the same data, as a restart of the service does. */
  restart(): Promise<void>;
}

export interface BootOptions {
  readonly config?: JsonObject;
  readonly site?: Site;
  readonly log?: Log;
}

/** Boots an appliance; disposing stops it and takes its site away, unless the site was given. */
export async function bootAppliance({ config = {}, site: given, log }: BootOptions = {}): Promise<Booted> {
  const site = given ?? createSite(config);
  let running = await start(site, log);
  let token: string | undefined;
  const booted: Booted = {
    site,
    get appliance() {
      return running.appliance;
    },
    get api() {
      return running.api;
    },
    get url() {
      return running.appliance.api.address().url as string;
    },
    get mqttUrl() {
      return running.appliance.mqtt.status().url;
    },
    async token() {
      token ??= (await running.api.createToken('tests')).token;
      return token;
    },
    async fetch(path, init = {}) {
      const headers = { authorization: `Bearer ${await booted.token()}`, ...(init.headers as object) };
      return fetch(`${booted.url}/api/chainbot${path}`, { ...init, headers });
    },
    async restart() {
      await running.stop();
      running = await start(site, log);
    },
    async [Symbol.asyncDispose]() {
      await running.stop();
      if (given === undefined) site[Symbol.dispose]();
    },
  };
  return booted;
}

async function start(site: Site, log: Log = silentLog) {
  const config = loadConfig({ configFile: site.configFile, env: {} });
  prepareDataDirectory(config);
  const lock = lockDirectory(config.dataDir);
  try {
    const memory = openMemory(config.dataDir);
    const options = { config, memory, log, version: '0.0.0-test' };
    const appliance = await compose(options, new AbortController().signal);
    const api = new ApiClient({ socketPath: site.socket });
    const stop = async (): Promise<void> => {
      api.close();
      await appliance.stop('the test is over');
      memory.markCleanStop();
      lock[Symbol.dispose]();
    };
    return { appliance, api, stop };
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}
