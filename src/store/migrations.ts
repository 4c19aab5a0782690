import { first } from './migrations/001-first.ts';

/** Numbered for ever: a released migration is never changed, only followed. */
export const migrations: readonly { readonly version: number; readonly sql: string }[] = [
  { version: 1, sql: first },
];

/** The newest schema this code knows. */
export const schemaVersion = migrations.at(-1)?.version ?? 0;
