import { chmodSync, existsSync, statSync } from 'node:fs';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SYSTEM } from '#core/actor.ts';
import { codeOf, VaultRig } from '../../tests/support/vault-rig.ts';
import type { SecretKind } from './port.ts';

const BEARER: SecretKind = { type: 'bearer', hosts: ['api.example.org'] };

let rig: VaultRig;
beforeEach(() => {
  rig = new VaultRig();
});
afterEach(() => rig[Symbol.dispose]());

describe('secrets', () => {
  test('one is stored, read, listed without its value, given a new value, and removed', async () => {
    const vault = await rig.vault();
    expect(vault.key()).toBeUndefined();
    expect(vault.names()).toEqual([]);
    expect(existsSync(rig.keyFile)).toBe(false);
    const made = await vault.set('token', 'first-value', undefined, SYSTEM);
    expect(made).toMatchObject({ name: 'token', version: 1, created: true, isReadable: true });
    expect(rig.get(vault)).toBe('first-value');
    expect(rig.hidden.get('token')).toEqual(['first-value']);
    const next = await vault.set('token', 'second-value', undefined, SYSTEM);
    expect(next).toMatchObject({ version: 2, created: false, createdAt: made.createdAt });
    expect(rig.get(vault)).toBe('second-value');
    expect(vault.list()).toMatchObject([{ name: 'token', kind: { type: 'text' }, version: 2 }]);
    expect(inspect([vault, vault.list(), vault.key()], { depth: 9 })).not.toContain('second-value');
    await vault.remove('token', SYSTEM);
    expect(codeOf(() => rig.get(vault))).toBe('secret.not_found');
    await expect(vault.remove('token', SYSTEM)).rejects.toMatchObject({ code: 'secret.not_found' });
    const types = rig.store
      .rows<{ type: string }>('SELECT type FROM events ORDER BY seq')
      .map(({ type }) => type);
    expect(types).toEqual(['stored', 'stored', 'removed'].map((word) => `chainbot.secret.${word}`));
  });

  test('a restart opens what was stored; the key file is the user’s alone', async () => {
    await (await rig.vault()).set('token', 'a-value', undefined, SYSTEM);
    expect(statSync(rig.keyFile).mode & 0o777).toBe(0o600);
    chmodSync(rig.keyFile, 0o644);
    expect(rig.get(await rig.restart())).toBe('a-value');
    expect(statSync(rig.keyFile).mode & 0o777).toBe(0o600);
  });

  test('a credential keeps its kind with a new value, and only goes where it may', async () => {
    const vault = await rig.vault();
    await vault.set('token', 'abcd-1234', BEARER, SYSTEM);
    await vault.set('token', 'efgh-5678', undefined, SYSTEM);
    const given = vault.credential('token', 'https://api.example.org/v1', rig.kept);
    expect(given).toEqual({
      headers: { authorization: 'Bearer efgh-5678' },
      query: {},
      hosts: ['api.example.org'],
    });
    for (const url of ['https://example.org', 'https://api.example.org.evil.net', 'no address']) {
      expect(codeOf(() => vault.credential('token', url, rig.kept))).toBe('credential.host_refused');
    }
    expect(codeOf(() => rig.get(vault))).toBe('secret.is_credential');
    await vault.set('plain', 'just-text', undefined, SYSTEM);
    expect(codeOf(() => vault.credential('plain', 'https://a.org', rig.kept))).toBe('secret.no_credential');
  });

  test.each([
    ['9token', 'abcd', undefined, 'secret.name_invalid'],
    ['a b', 'abcd', undefined, 'secret.name_invalid'],
    ['a', 'abc', undefined, 'secret.value_invalid'],
    ['a', 'x'.repeat(65_537), undefined, 'secret.value_invalid'],
    ['a', 'ab\ud800cd', undefined, 'secret.value_invalid'],
    ['a', 'abcd\n', BEARER, 'secret.value_invalid'],
    ['a', 'abcdé', BEARER, 'secret.value_invalid'],
    ['a', 'abcd', { type: 'bearer', hosts: [] } as SecretKind, 'secret.kind_invalid'],
  ])('a bad name, value or kind is refused: %#', async (name, value, kind, code) => {
    const vault = await rig.vault();
    const error = await vault.set(name, value, kind, SYSTEM).then(
      () => undefined,
      (refused: Error) => refused,
    );
    expect(error).toMatchObject({ code });
    if (value.length > 3) expect(inspect(error)).not.toContain(value);
  });

  test('a near name is offered', async () => {
    const vault = await rig.vault();
    await vault.set('weather', 'abcd', undefined, SYSTEM);
    expect(() => rig.get(vault, 'wether')).toThrow(
      expect.objectContaining({ hint: 'Did you mean "weather"?' }),
    );
  });

  test('before the start and after the stop it is closed', async () => {
    const vault = await rig.vault();
    await vault.set('token', 'abcd', undefined, SYSTEM);
    await vault.stop();
    expect(codeOf(() => rig.get(vault))).toBe('vault.closed');
    await expect(vault.set('b', 'abcd', undefined, SYSTEM)).rejects.toMatchObject({ code: 'vault.closed' });
    await expect(vault.rotate(SYSTEM)).rejects.toMatchObject({ code: 'vault.closed' });
    expect(vault.health().score).toBe(1);
  });
});

describe('somebody writes the database', () => {
  beforeEach(async () => {
    const vault = await rig.vault();
    await vault.set('one', 'value-of-one', undefined, SYSTEM);
    await vault.set('two', 'value-of-two', undefined, SYSTEM);
    await vault.set('token', 'value-of-token', BEARER, SYSTEM);
  });
  const swap = (column: string): string =>
    `CREATE TEMP TABLE old_${column} AS SELECT name, ${column} AS text FROM secrets;
     UPDATE secrets SET ${column} = (SELECT text FROM old_${column} AS old
       WHERE old.name <> secrets.name AND old.name IN ('one', 'two')) WHERE name IN ('one', 'two')`;
  /** Another first character, whatever it was. */
  const _FLIP = `UPDATE secrets SET sealed = iif(sealed LIKE 'A%', 'B', 'A') || substr(sealed, 2) WHERE name = 'one'`;

  test.each([
    ['values swapped', swap('sealed')],
    ['keys swapped', swap('wrapped')],
    [
      'a renamed row',
      "DELETE FROM secrets WHERE name = 'one'; UPDATE secrets SET name = 'one' WHERE name = 'two'",
    ],
    ['another version', "UPDATE secrets SET version = 2 WHERE name = 'one'"],
    [
      'one character',
      "UPDATE secrets SET sealed = 'A' || substr(sealed, 2) WHERE name = 'one' AND sealed NOT LIKE 'A%'; UPDATE secrets SET sealed = 'B' || substr(sealed, 2) WHERE name = 'one' AND sealed LIKE 'A%'",
    ],
    ['a cut text', "UPDATE secrets SET sealed = 'AAAA' WHERE name = 'one'"],
    ['a kind that is none', "UPDATE secrets SET kind = 'x' WHERE name = 'one'"],
  ])('%s: it does not open, and says so without a value', async (_what, sql) => {
    rig.tamper(sql);
    const vault = await rig.vault();
    let thrown: unknown;
    try {
      rig.get(vault, 'one');
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({
      code: 'secret.damaged',
      hint: expect.stringContaining('secrets set one'),
    });
    expect(inspect(thrown)).not.toMatch(/value-of/);
    expect(vault.list().length).toBeGreaterThan(0);
  });

  test('both columns of two rows swapped: neither opens', async () => {
    rig.tamper(`${swap('sealed')}; ${swap('wrapped')}`);
    const vault = await rig.vault();
    for (const name of ['one', 'two']) expect(codeOf(() => rig.get(vault, name))).toBe('secret.damaged');
    await expect(vault.rotate(SYSTEM)).rejects.toMatchObject({ code: 'secret.damaged' });
  });

  test('a credential sent to other hosts does not open', async () => {
    rig.tamper(`UPDATE secrets SET kind = '{"type":"bearer","hosts":["evil.net"]}' WHERE name = 'token'`);
    const vault = await rig.vault();
    expect(codeOf(() => vault.credential('token', 'https://evil.net', rig.kept))).toBe('secret.damaged');
  });

  test('another key id: the key is looked for, and is not there', async () => {
    rig.tamper("UPDATE secrets SET key_id = '0000000000000000' WHERE name = 'one'");
    const vault = await rig.vault();
    expect(codeOf(() => rig.get(vault, 'one'))).toBe('vault.wrong_key');
    expect(vault.list().find(({ name }) => name === 'one')?.isReadable).toBe(false);
  });
});
