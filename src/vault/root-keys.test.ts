import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SYSTEM } from '#core/actor.ts';
import { RetryableError } from '#core/errors.ts';
import { codeOf, type RigKeys, VaultRig } from '../../tests/support/vault-rig.ts';

let rig: VaultRig;
beforeEach(() => {
  rig = new VaultRig();
});
afterEach(() => rig[Symbol.dispose]());

describe('root keys', () => {
  const FIRST = 'a root key of at least thirty-two bytes, the first';
  const SECOND = 'a root key of at least thirty-two bytes, the second';
  const WORDS = 'correct horse battery staple';
  const keysInUse = (): string[] =>
    rig.store.rows<{ id: string }>('SELECT DISTINCT key_id AS id FROM secrets').map(({ id }) => id);
  const knownKeys = (): string[] =>
    rig.store.rows<{ id: string }>('SELECT id FROM vault_keys').map(({ id }) => id);

  test('the credential comes before the configuration, that before words, those before a file', async () => {
    const all = { credential: FIRST, secretKey: SECOND, passphrase: WORDS };
    expect((await rig.vault(all)).key()?.source).toBe('systemd');
    expect((await rig.vault({ secretKey: SECOND, passphrase: WORDS })).key()?.source).toBe('config');
    expect((await rig.vault({ passphrase: WORDS })).key()?.source).toBe('passphrase');
    const vault = await rig.vault();
    await vault.set('token', 'abcd', undefined, SYSTEM);
    expect(vault.key()?.source).toBe('file');
  });

  test.each([
    [{ secretKey: FIRST }, { secretKey: SECOND }, 'vault.previous_key'],
    [{ passphrase: WORDS }, { passphrase: 'something else entirely' }, 'old passphrase'],
    [{ credential: FIRST }, {}, 'old root key'],
    [{}, { secretKey: FIRST }, 'secret.key'],
  ] as [RigKeys, RigKeys, string][])('a wrong root key, %#', async (right, wrong, mend) => {
    await (await rig.vault(right)).set('token', 'a-value', undefined, SYSTEM);
    rmSync(rig.keyFile, { force: true });
    const vault = await rig.restart(wrong);
    expect(() => rig.get(vault)).toThrow(
      expect.objectContaining({ code: 'vault.wrong_key', hint: expect.stringContaining(mend) }),
    );
    expect(vault.health()).toMatchObject({ score: 0.4, remedies: [expect.stringContaining(mend)] });
    expect(vault.list()).toMatchObject([{ name: 'token', isReadable: false }]);
    await expect(vault.rotate(SYSTEM)).rejects.toMatchObject({ code: 'vault.wrong_key' });
    await vault.remove('token', SYSTEM);
    expect(vault.health().score).toBe(1);
    await vault.set('token', 'set-again', undefined, SYSTEM);
    expect(rig.get(vault)).toBe('set-again');
  });

  test('a lost key file is not replaced while something needs it', async () => {
    await (await rig.vault()).set('token', 'a-value', undefined, SYSTEM);
    const text = readFileSync(rig.keyFile);
    rmSync(rig.keyFile);
    const vault = await rig.restart();
    await expect(vault.set('other', 'abcd', undefined, SYSTEM)).rejects.toMatchObject({
      code: 'vault.wrong_key',
    });
    expect(existsSync(rig.keyFile)).toBe(false);
    writeFileSync(rig.keyFile, text, { mode: 0o600 });
    expect(rig.get(await rig.restart())).toBe('a-value');
  });

  test.each(['no key at all', ''])('a key file that holds something else, %#', async (text) => {
    writeFileSync(rig.keyFile, text);
    const vault = await rig.vault();
    expect(vault.health()).toMatchObject({ score: 0.5 });
    await expect(vault.set('a', 'abcd', undefined, SYSTEM)).rejects.toMatchObject({ code: 'vault.key_file' });
    await expect(vault.rotate(SYSTEM)).rejects.toMatchObject({ code: 'vault.key_file' });
    expect((await rig.vault({ secretKey: FIRST })).health().score).toBe(1);
  });

  test('rotation makes another key file; the old one opens nothing', async () => {
    const vault = await rig.vault();
    for (const name of ['a', 'b', 'c']) await vault.set(name, `value-${name}`, undefined, SYSTEM);
    const before = readFileSync(rig.keyFile, 'utf8');
    const [old] = keysInUse();
    const { rewrapped, key } = await vault.rotate(SYSTEM);
    expect({ rewrapped, source: key.source }).toEqual({ rewrapped: 3, source: 'file' });
    expect(key.id).not.toBe(old);
    expect(readFileSync(rig.keyFile, 'utf8')).not.toBe(before);
    expect([keysInUse(), knownKeys()]).toEqual([[key.id], [key.id]]);
    expect(rig.get(vault, 'b')).toBe('value-b');
    expect(rig.get(await rig.restart(), 'c')).toBe('value-c');
    writeFileSync(rig.keyFile, before);
    const wrong = await rig.restart();
    expect(codeOf(() => rig.get(wrong, 'a'))).toBe('vault.wrong_key');
  });

  test('rotation without a secret makes the key file', async () => {
    const vault = await rig.vault();
    expect((await vault.rotate(SYSTEM)).rewrapped).toBe(0);
    expect(existsSync(rig.keyFile)).toBe(true);
    expect(vault.key()?.source).toBe('file');
  });

  test('from one key of the configuration to the next', async () => {
    const first = await rig.vault({ secretKey: FIRST });
    await first.set('a', 'value-a', undefined, SYSTEM);
    await expect(first.rotate(SYSTEM)).rejects.toMatchObject({ code: 'vault.same_key' });
    const second = await rig.restart({ secretKey: SECOND, previousKey: FIRST });
    expect(rig.get(second, 'a')).toBe('value-a');
    expect(second.health()).toMatchObject({ score: 0.9, remedies: [expect.stringContaining('rotate')] });
    expect(await second.rotate(SYSTEM)).toMatchObject({ rewrapped: 1, key: { source: 'config' } });
    expect(second.health().score).toBe(1);
    expect(rig.get(await rig.restart({ secretKey: SECOND }), 'a')).toBe('value-a');
  });

  test('from a file to systemd: the file is taken away', async () => {
    await (await rig.vault()).set('a', 'value-a', undefined, SYSTEM);
    const vault = await rig.restart({ credential: FIRST });
    expect(vault.health().score).toBe(0.9);
    await vault.rotate(SYSTEM);
    expect(existsSync(rig.keyFile)).toBe(false);
    expect(rig.get(await rig.restart({ credential: FIRST }), 'a')).toBe('value-a');
  });

  test('words: the parameters are stored, rotation takes a new salt, other words follow with the old ones', async () => {
    await (await rig.vault({ passphrase: WORDS })).set('a', 'value-a', undefined, SYSTEM);
    const [stored] = rig.store.rows<{ params: string }>('SELECT params FROM vault_keys');
    expect(JSON.parse(stored?.params ?? '')).toMatchObject({
      algorithm: 'argon2id',
      memory: 65_536,
      passes: 3,
    });
    const vault = await rig.restart({ passphrase: WORDS });
    expect(rig.get(vault, 'a')).toBe('value-a');
    const [before] = keysInUse();
    await vault.rotate(SYSTEM);
    expect(keysInUse()).not.toContain(before);
    const other = await rig.restart({ passphrase: 'something else entirely', previousKey: WORDS });
    expect(rig.get(other, 'a')).toBe('value-a');
    await other.rotate(SYSTEM);
    expect(rig.get(await rig.restart({ passphrase: 'something else entirely' }), 'a')).toBe('value-a');
  });

  test('stored parameters that would take all memory are not used', async () => {
    const vault = await rig.vault({ passphrase: WORDS });
    await vault.set('a', 'value-a', undefined, SYSTEM);
    rig.tamper(`UPDATE vault_keys SET params = json_set(params, '$.memory', 900000000)`);
    const again = await rig.vault({ passphrase: WORDS });
    expect(codeOf(() => rig.get(again, 'a'))).toBe('vault.wrong_key');
  });
});

describe('the power goes in a rotation', () => {
  /** The store dies after some units; `deaf`: the last of them has landed and nobody hears of it. */
  test.each([
    [0, false],
    [1, true],
    [1, false],
  ])('after %i units, deaf: %s', async (units, deaf) => {
    const vault = await rig.vault();
    for (const name of ['a', 'b', 'c']) await vault.set(name, `value-${name}`, undefined, SYSTEM);
    rig.store.dieAfter(units, deaf);
    const rotation = vault.rotate(SYSTEM);
    await Promise.race([rotation, new Promise((resolve) => setTimeout(resolve, 50))]);
    const next = await rig.restart();
    for (const name of ['a', 'b', 'c']) expect(rig.get(next, name)).toBe(`value-${name}`);
    expect(existsSync(rig.nextKeyFile)).toBe(false);
    expect(next.health().score).toBe(1);
    await next.rotate(SYSTEM);
    expect(rig.get(await rig.restart(), 'c')).toBe('value-c');
  });

  test.each(['', 'cut-short'])('while the next key was being written, %#', async (torn) => {
    const vault = await rig.vault();
    await vault.set('a', 'value-a', undefined, SYSTEM);
    writeFileSync(rig.nextKeyFile, torn);
    const next = await rig.restart();
    expect(rig.get(next, 'a')).toBe('value-a');
    expect(existsSync(rig.nextKeyFile)).toBe(false);
    expect(next.health().score).toBe(1);
  });

  test('an outcome that nobody knows: both keys stay until a further commit tells', async () => {
    const vault = await rig.vault();
    await vault.set('a', 'value-a', undefined, SYSTEM);
    rig.store.refusals = [new RetryableError('store.unknown', 'the disk failed')];
    await expect(vault.rotate(SYSTEM)).rejects.toMatchObject({ code: 'store.unknown' });
    expect(rig.get(vault, 'a')).toBe('value-a');
    expect(existsSync(rig.nextKeyFile)).toBe(true);
    await vault.set('b', 'value-b', undefined, SYSTEM);
    expect(existsSync(rig.nextKeyFile)).toBe(false);
    const next = await rig.restart();
    expect([rig.get(next, 'a'), rig.get(next, 'b')]).toEqual(['value-a', 'value-b']);
  });

  test('the same when it had landed', async () => {
    const vault = await rig.vault();
    await vault.set('a', 'value-a', undefined, SYSTEM);
    const commit = rig.store.commit.bind(rig.store);
    rig.store.commit = async (unit) => {
      rig.store.commit = commit;
      await commit(unit);
      throw new RetryableError('store.unknown', 'the disk failed');
    };
    await expect(vault.rotate(SYSTEM)).rejects.toMatchObject({ code: 'store.unknown' });
    expect(rig.get(vault, 'a')).toBe('value-a');
    await vault.set('b', 'value-b', undefined, SYSTEM);
    const next = await rig.restart();
    expect([rig.get(next, 'a'), rig.get(next, 'b')]).toEqual(['value-a', 'value-b']);
    expect(existsSync(rig.nextKeyFile)).toBe(false);
  });

  test('two changes at once go one after the other', async () => {
    const vault = await rig.vault();
    await vault.set('a', 'value-a', undefined, SYSTEM);
    await Promise.all([
      vault.rotate(SYSTEM),
      vault.set('a', 'value-b', undefined, SYSTEM),
      vault.set('c', 'value-c', undefined, SYSTEM),
      vault.rotate(SYSTEM),
    ]);
    const next = await rig.restart();
    expect([rig.get(next, 'a'), rig.get(next, 'c')]).toEqual(['value-b', 'value-c']);
  });
});
