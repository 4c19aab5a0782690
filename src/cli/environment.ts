/** What the command takes from its environment. */
export interface Environment {
  /** $ALEX_OS_CHAINBOT_SOCKET: the daemon's socket. */
  readonly socket: string | undefined;
  /** $ALEX_OS_CHAINBOT_DATA_DIR: the daemon's data folder, where its socket is unless it is told otherwise. */
  readonly dataDir: string | undefined;
  /** $CHAINBOT_URL: a daemon elsewhere. */
  readonly url: string | undefined;
  /** $CHAINBOT_TOKEN: the bearer token for it. */
  readonly token: string | undefined;
  /** $NO_COLOR (https://no-color.org) or a terminal that has none. */
  readonly noColor: boolean;
  /** Marks may go beyond ASCII: the locale says UTF-8, or says nothing. */
  readonly unicode: boolean;
}

/** Reads the environment, once and here only. An empty variable counts as absent. */
export function readEnvironment(env: NodeJS.ProcessEnv = process.env): Environment {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || '';
  return {
    socket: env.ALEX_OS_CHAINBOT_SOCKET || undefined,
    dataDir: env.ALEX_OS_CHAINBOT_DATA_DIR || undefined,
    url: env.CHAINBOT_URL || undefined,
    token: env.CHAINBOT_TOKEN || undefined,
    noColor: Boolean(env.NO_COLOR) || env.TERM === 'dumb',
    unicode: locale === '' || /utf-?8/i.test(locale),
  };
}
