import { describe, expect, it } from 'vitest';
import { Announcements } from './announcements.ts';

const rules = { deadband: 0.5, quietMs: 10_000 };

describe('announcements', () => {
  it('announce every change of a switch and nothing twice', () => {
    const news = new Announcements(rules);
    expect(news.take(false, 0, 'usual')).toBe(true);
    expect(news.take(false, 1, 'usual')).toBe(false);
    expect(news.take(true, 2, 'usual')).toBe(true);
    expect(news.last).toBe(true);
  });

  it('keep a sensor inside its deadband and its pause quiet', () => {
    const news = new Announcements(rules);
    expect(news.take(20, 0, 'usual')).toBe(true);
    expect(news.take(25, 9999, 'usual')).toBe(false);
    expect(news.take(20.4, 10_000, 'usual')).toBe(false);
    expect(news.take(20.5, 10_001, 'usual')).toBe(true);
  });

  it('announce what a hand did and what came back from a fault at once', () => {
    const news = new Announcements(rules);
    news.take(20, 0, 'usual');
    expect(news.take(20, 1, 'by_hand')).toBe(false);
    expect(news.take(20.1, 1, 'by_hand')).toBe(true);
    expect(news.take(20.1, 2, 'recovered')).toBe(true);
  });
});
