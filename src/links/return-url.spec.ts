import { describe, expect, it } from '@jest/globals';
import { checkReturnUrl, isHostedPage } from './return-url.js';

const config = { returnUrls: ['https://app.example.com/devices?tab=1'], allowLoopbackReturnUrls: true };

describe('a return URL (NET-05)', () => {
  it.each(['https://app.example.com/devices?tab=1', 'http://localhost:5173/back', 'http://127.0.0.1/back?a=b'])(
    'is taken where it is registered, or on this machine: %s',
    (text) => {
      expect(checkReturnUrl(text, config)).toBe(text);
    },
  );

  it.each([
    ['a fragment', 'http://localhost:5173/back#x'],
    ['a fragment on a registered one', 'https://app.example.com/devices?tab=1#x'],
    ['a user', 'http://user@localhost:5173/back'],
    ['a password', 'http://:secret@localhost:5173/back'],
    ['a line end', 'http://localhost:5173/back\n'],
    ['a backslash', 'http://localhost:5173\\back'],
    ['another query', 'https://app.example.com/devices?tab=2'],
    ['a host that begins like this machine', 'http://localhost.example.com/back'],
    ['https on this machine, which nobody has registered', 'https://localhost:5173/back'],
    ['no URL', 'back'],
  ])('is refused with %s', (_, text) => {
    expect(() => checkReturnUrl(text, config)).toThrow(expect.objectContaining({ code: 'RETURN_URL_NOT_ALLOWED' }));
  });

  it.each([
    ['the page of a session', 'https://link.example.com/connect?session=abc', true],
    ['another page of ours', 'https://link.example.com/docs', false],
    ['the page of another host', 'https://app.example.com/connect?session=abc', false],
    ['a host that begins like ours', 'https://link.example.com.evil.example/connect?session=abc', false],
  ])('is our own page when it is %s: %s, %s', (_, text, isOurs) => {
    expect(isHostedPage(text, { publicUrl: 'https://link.example.com' })).toBe(isOurs);
  });

  it('is refused on this machine where that is not allowed', () => {
    const production = { ...config, allowLoopbackReturnUrls: false };
    expect(() => checkReturnUrl('http://localhost:5173/back', production)).toThrow();
  });
});
