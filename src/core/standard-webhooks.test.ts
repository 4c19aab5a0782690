import { describe, expect, it } from 'vitest';
import { signWebhook, webhookKey } from './standard-webhooks.ts';

const SECRET = 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const key = webhookKey(`whsec_${SECRET}`) as Uint8Array;
const id = 'msg_p5jXN8AQM9LWM0D4loKWxJek';

describe('Standard Webhooks', () => {
  it('signs as the reference libraries do', () => {
    // The vector of their tests (libraries/javascript/src/webhook.test.ts).
    expect(signWebhook(key, id, 1614265330, '{"test": 2432232314}')).toBe(
      'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    );
  });

  it('takes a secret with and without its prefix, of 24 to 64 bytes', () => {
    expect(webhookKey(SECRET)).toEqual(key);
    expect(webhookKey(` whsec_${SECRET}\n`)).toEqual(key);
    expect(webhookKey(`whsec_${Buffer.alloc(64).toString('base64')}`)).toHaveLength(64);
    for (const bytes of [16, 23, 65]) {
      expect(webhookKey(`whsec_${Buffer.alloc(bytes).toString('base64')}`)).toBeUndefined();
    }
    expect(webhookKey('whsec_not base64 at all, is it')).toBeUndefined();
    expect(webhookKey('')).toBeUndefined();
  });
});
