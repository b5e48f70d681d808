import { describe, expect, it } from '@jest/globals';
import { appSchemes, readLinksConfig } from './links.config.js';

describe('RETURN_URLS', () => {
  it('may open an app, by a claimed https URL or by a scheme of its own', () => {
    const config = readLinksConfig({
      NODE_ENV: 'production',
      RETURN_URLS:
        'https://app.example.com/linked, com.example.app:/linked, com.example.App://linked, com.example.app:/b',
    });
    expect(config.returnUrls).toEqual([
      'https://app.example.com/linked',
      'com.example.app:/linked',
      'com.example.app://linked',
      'com.example.app:/b',
    ]);
    expect(appSchemes(config)).toEqual(['com.example.app:']);
  });

  it.each([
    'javascript:alert(1)',
    'data:text/html,x',
    'myapp://linked',
    'com.example.app:linked',
    'com..app:/linked',
    'blob:https://app.example.com/x',
    'com.example.app:/linked#x',
    'com.example.app://user@linked',
    'http://app.example.com/linked',
    'linked',
  ])('refuse %s in production', (url) => {
    expect(() => readLinksConfig({ NODE_ENV: 'production', RETURN_URLS: url })).toThrow(
      'RETURN_URLS must be a comma-separated list of https URLs',
    );
  });
});
